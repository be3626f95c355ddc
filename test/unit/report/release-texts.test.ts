import { expect, it } from 'vitest';
import { describeTold, issueTitle, renderTold } from '../../../src/report/release-texts.ts';
import { reportOf, tell } from './story.ts';

const subject = { name: 'shop/checkout', from: '1.0.0', to: '1.1.0' };
const report = { ...reportOf(tell({ errors: () => 0.2 })), subject };
const release = {
  environment: 'production',
  service: 'checkout',
  sha: '5f70bf18a086007016e948b04aed3b82103a36be',
  runUrl: 'https://github.com/acme/shop/actions/runs/1',
  environmentUrl: '',
};
const told = { state: 'failure', verdict: 'rolled-back', reason: 'it fails', report } as const;

it('a comment and an issue are headed by the versions, and name the commit', () => {
  const text = renderTold(told, release);
  expect(text.split('\n')[0]).toBe(
    '### ⏪ Rolled back at 5 %: checkout 1.0.0 → 1.1.0 (commit `5f70bf1`) to production',
  );
  expect(text).toContain('commit `5f70bf1`');
  expect(issueTitle(release, report)).toBe('Rolled back: checkout 1.1.0 (commit 5f70bf1) to production');
  const unknown = issueTitle({ ...release, service: '' }, undefined);
  expect(unknown).toBe('Rolled back: the release (commit 5f70bf1) to production');
});

it('what is told by a job that has no report is headed by the versions that it was given', () => {
  const versions = { stable: '1.0.0', canary: '1.1.0' };
  const bare = { state: 'failure', verdict: 'rolled-back', reason: 'it fails' } as const;
  const [heading] = renderTold(bare, { ...release, versions }).split('\n');
  expect(heading).toBe('### ⏪ Rolled back: checkout 1.0.0 → 1.1.0 (commit `5f70bf1`) to production');
  expect(issueTitle({ ...release, versions })).toBe('Rolled back: checkout 1.1.0 (commit 5f70bf1) to production');
  expect(describeTold(bare, { versions })).toBe('Rolled back (1.0.0 → 1.1.0): it fails');
});

it('what is told of a release that changes no image names the commit all the same', () => {
  const [heading] = renderTold({ state: 'in_progress', reason: '' }, { ...release, service: '' }).split('\n');
  expect(heading).toBe('### ⏳ In progress: production (commit `5f70bf1`)');
});

it('a deployment and a commit status tell them in their one line', () => {
  expect(describeTold(told, {})).toBe('Rolled back at 5 % (1.0.0 → 1.1.0): it fails');
});

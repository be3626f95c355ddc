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
  expect(text.split('\n')[0]).toBe('### ⏪ Rolled back at 5 %: checkout 1.0.0 → 1.1.0 to production');
  expect(text).toContain('commit `5f70bf1`');
  expect(issueTitle(release, report)).toBe('Rolled back: checkout 1.1.0 to production');
  expect(issueTitle({ ...release, service: '' }, undefined)).toBe('Rolled back: the release to production');
});

it('a deployment and a commit status tell them in their one line', () => {
  expect(describeTold(told)).toBe('Rolled back at 5 % (1.0.0 → 1.1.0): it fails');
});

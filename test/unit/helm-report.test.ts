import { expect, it } from 'vitest';
import type { HelmEvent } from '../../src/helm/events.ts';
import { emptyHelmReport, parseHelmReport, renderHelmSummary, withHelmEvent } from '../../src/report/helm.ts';

const secret = (password: string) => ({ kind: 'Secret', metadata: { name: 'shop' }, data: { password } });
const course: readonly HelmEvent[] = [
  { type: 'started', at: 1_000, mode: 'deploy', release: 'checkout', by: 'alice' },
  { type: 'chart', at: 2_000, digest: `sha256:${'a'.repeat(64)}` },
  { type: 'found', at: 2_500, revision: 3 },
  {
    type: 'planned',
    at: 3_000,
    writes: [
      { object: 'Secret shop/shop', action: 'update', before: secret('b2xk'), after: secret('bmV3') },
      { object: 'Service shop/shop', action: 'delete', before: { kind: 'Service' }, after: undefined },
    ],
  },
  { type: 'writing', at: 3_500, begun: true },
  { type: 'note', at: 4_000, level: 'warning', text: 'Taking it back: a hook of the chart: |failed|' },
  {
    type: 'ended',
    at: 5_000,
    verdict: 'rolled-back',
    reason: 'The release is back.',
    next: 'Mend the hook.',
    release: {
      revision: 5,
      chart: 'shop',
      chartVersion: '1.2.3',
      appVersion: '7',
      manifestDigest: `sha256:${'b'.repeat(64)}`,
      resources: ['Service shop/shop'],
    },
  },
];

it('a report survives JSON, so that post goes on from what main has written', () => {
  const report = course.reduce(withHelmEvent, emptyHelmReport);
  expect(parseHelmReport(JSON.stringify(report))).toEqual(report);
  expect(report).toMatchObject({ verdict: 'rolled-back', previousRevision: 3, startedAt: 1_000, endedAt: 5_000 });
});

it('the summary says how it ended, what to do, and what was to change, and shows no value of a Secret', () => {
  const summary = renderHelmSummary(course.reduce(withHelmEvent, emptyHelmReport));
  expect(summary).toMatch(/^## ⏪ Rolled back: checkout\n\n\*\*The release is back\.\*\*\n\nMend the hook\./);
  expect(summary).toContain('update Secret shop/shop');
  expect(summary).toContain('delete Service shop/shop');
  expect(summary).toContain('(hidden, changed)');
  expect(summary).not.toMatch(/b2xk|bmV3/);
});

it('the summary of what was refused says that nothing was changed', () => {
  const refused: HelmEvent = {
    type: 'failed',
    at: 2_000,
    code: 'invalid-input',
    about: 'values',
    problem: 'are wrong.',
    next: 'Correct them.',
    unchanged: true,
  };
  const summary = renderHelmSummary([...course.slice(0, 1), refused].reduce(withHelmEvent, emptyHelmReport));
  expect(summary).toContain('## ⛔ Stopped, nothing was changed: checkout');
});

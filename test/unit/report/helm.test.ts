import { expect, it } from 'vitest';
import type { HelmEvent } from '../../../src/helm/events.ts';
import { emptyHelmReport, parseHelmReport, renderHelmSummary, withHelmEvent } from '../../../src/report/helm.ts';

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

it('a large diff takes neither the list of objects nor the small ones out of the summary', () => {
  const dashboard = 'x'.repeat(80).concat('\n').repeat(12_000);
  const planned: HelmEvent = {
    type: 'planned',
    at: 3_000,
    writes: [
      { object: 'ConfigMap shop/dashboard', action: 'create', before: undefined, after: { data: { dashboard } } },
      { object: 'Deployment shop/shop', action: 'update', before: { image: 'shop:1' }, after: { image: 'shop:2' } },
    ],
  };
  const summary = renderHelmSummary([...course.slice(0, 1), planned].reduce(withHelmEvent, emptyHelmReport));
  expect(summary).toContain('| `ConfigMap shop/dashboard` | create |');
  expect(summary).toContain('+image: shop:2');
  expect(summary).toMatch(/… 1\d{4} more lines are in the JSON report/);
  expect(Buffer.byteLength(summary)).toBeLessThan(100_000);
});

it('many large diffs leave room for all that is short', () => {
  const writes = Array.from({ length: 60 }, (_, index) => ({
    object: `ConfigMap shop/c${index}`,
    action: 'create' as const,
    before: undefined,
    after: { data: { text: `${'y'.repeat(70)}\n`.repeat(500) } },
  }));
  const story: readonly HelmEvent[] = [
    ...course.slice(0, 1),
    { type: 'planned', at: 3_000, writes },
    ...course.slice(5),
  ];
  const summary = renderHelmSummary(story.reduce(withHelmEvent, emptyHelmReport));
  expect(summary).toContain('| `ConfigMap shop/c59` | create |');
  expect(summary).toContain('What happened when');
  expect(summary).toContain('have no room here; all is in the JSON report');
  expect(Buffer.byteLength(summary)).toBeLessThan(1_000_000);
});

it('a dry run is called one, and nothing of it "unchanged"', () => {
  const ended: HelmEvent = {
    type: 'ended',
    at: 5_000,
    verdict: undefined,
    reason: 'Dry run: 1 object would change in release shop/shop.',
  };
  const summary = renderHelmSummary([...course.slice(0, 4), ended].reduce(withHelmEvent, emptyHelmReport));
  expect(summary).toMatch(/^## 📝 Dry run: checkout\n\n\*\*Dry run: 1 object would change/);
  expect(summary).not.toMatch(/unchanged/i);
});

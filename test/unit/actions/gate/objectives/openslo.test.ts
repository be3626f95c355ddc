import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { converted, refusal } from '../../../../support/objectives.ts';

const metric = (query: string, type: string | undefined = 'Prometheus') => ({
  metricSource: { type, spec: { query } },
});
const slo = (spec: Record<string, unknown>, apiVersion = 'openslo/v1') => ({
  apiVersion,
  kind: 'SLO',
  metadata: { name: 'shop' },
  spec: { service: 'shop', timeWindow: [{ duration: '4w', isRolling: true }], budgetingMethod: 'Occurrences', ...spec },
});
const ratio = { ratioMetric: { counter: true, good: metric('ok_total'), total: metric('all_total') } };
const text = (...documents: readonly unknown[]) => documents.map((one) => stringify(one)).join('---\n');
const kinds = new Set(['promql', 'ratio', 'burn-rate']);

it('a ratio of counters is a burn rate over its own time', () => {
  const given = text(
    slo({ indicator: { metadata: { name: 'x' }, spec: ratio }, objectives: [{ displayName: 'Good', target: 0.999 }] }),
  );
  expect(converted(given, { kinds }).written).toBe(`- check: burn-rate
  name: shop
  objective: 99.9%
  total: all_total
  good: ok_total
  period: 4w
`);
});

it('finds its indicator, and the product of its source, among the files', () => {
  const sli = {
    apiVersion: 'openslo/v1',
    kind: 'SLI',
    metadata: { name: 'errors' },
    spec: {
      ratioMetric: {
        bad: { metricSource: { metricSourceRef: 'prom', spec: { query: 'bad_total' } } },
        total: metric('all_total'),
      },
    },
  };
  const source = {
    apiVersion: 'openslo/v1',
    kind: 'DataSource',
    metadata: { name: 'prom' },
    spec: { type: 'Prometheus' },
  };
  const given = text(slo({ indicatorRef: 'errors', objectives: [{ targetPercent: 99.5 }] }), sli, source);
  expect(converted(given, { kinds }).written).toContain('bad: bad_total');
  expect(
    refusal(
      given
        .replace('type: Prometheus\n---', '---')
        .replace(/spec:\n {2}type: Prometheus\n$/, 'spec:\n  type: Datadog\n'),
      { kinds },
    ),
  ).toContain('shop.provider');
});

it('a threshold is looked at, look by look, where that is accepted', () => {
  const given = text(
    slo({
      indicator: { spec: { thresholdMetric: metric('latency') } },
      objectives: [{ op: 'lt', value: 0.5, target: 0.99 }],
    }),
  );
  expect(refusal(given)).toContain('objectives-accept: shop.target');
  expect(converted(given, { accept: ['shop.target'] }).written).toContain('query: latency\n  accept: < 0.5');
});

it.each([
  [
    'slices of time',
    text(
      slo({ indicator: { spec: ratio }, objectives: [{ target: 0.9, timeSliceTarget: 0.9, timeSliceWindow: '1m' }] }),
    ),
    'shop.timeSlices',
  ],
  ['an older version', text(slo({}, 'openslo/v1alpha')), 'shop.apiVersion'],
  ['no indicator', text(slo({ objectives: [{ target: 0.9 }] })), 'shop.indicator'],
  [
    'another product',
    text(
      slo({
        indicator: { spec: { thresholdMetric: metric('x', 'Datadog') } },
        objectives: [{ op: 'lt', value: 1, target: 0.9 }],
      }),
    ),
    'shop.provider',
  ],
  ['a target of 100 %', text(slo({ indicator: { spec: ratio }, objectives: [{ target: 1 }] })), 'needs "target"'],
  ['no objective', text(slo({ indicator: { spec: ratio } })), 'nothing is judged'],
  [
    'an alert alone',
    text({ apiVersion: 'openslo/v1', kind: 'AlertPolicy', metadata: { name: 'x' }, spec: {} }),
    'no SLO among the files',
  ],
])('says of %s: %s', (_, given, words) => {
  expect(refusal(given, { kinds })).toContain(words);
});

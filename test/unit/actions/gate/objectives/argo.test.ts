import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readCondition } from '../../../../../src/actions/gate/objectives/argo-condition.ts';
import { acceptOf } from '../../../../../src/actions/gate/objectives/number-set.ts';
import { checksOf, converted, refusal } from '../../../../support/objectives.ts';

it.each<[string, string[]]>([
  ['result[0] >= 0.95', ['>= 0.95']],
  ['result < 5', ['< 5']],
  ['0.5 > result[0]', ['< 0.5']],
  ['result[0] >= 1 - 0.05 && result[0] <= 2', ['>= 0.95 and <= 2']],
  ['result[0] < 1 or not (result[0] <= 5)', ['< 1', '> 5']],
  ['result[0] != 0', ['< 0', '> 0']],
  ['result[0] == -1', ['= -1']],
  ['asFloat(result[0]) <= 1e-3', ['<= 0.001']],
  ['all(result, # > 1)', ['> 1']],
  ['all(result, {# > 1 && # < 3})', ['> 1 and < 3']],
  ['none(result, # >= 5)', ['< 5']],
  ['len(result) > 0 && result[0] > 5', ['> 5']],
  ['isNaN(result[0]) || result[0] < 5', ['< 5']],
  ['default(result[0], 0) < 5', ['< 5']],
])('%s accepts %j', (text, accept) => {
  const condition = readCondition(text);
  expect(condition && acceptOf(condition.numbers)).toEqual(accept);
});

it.each([
  ['isNaN(result[0]) || result[0] < 5', true],
  ['len(result) == 0 || result[0] < 5', true],
  ['default(result, 0) < 5', true],
  ['default(result, 9) < 5', false],
  ['!isNaN(result[0]) && result[0] < 5', false],
  ['len(result) > 0 && result[0] > 5', false],
  ['result[0] > 5', false],
  ['result == nil || result[0] < 5', true],
])('%s holds without data: %s', (text, holds) => {
  expect(readCondition(text)?.withoutData).toBe(holds);
});

it.each([
  'result.successPercent > 95',
  'result == "ok"',
  'result[1] > 5',
  'asInt(result[0]) < 5',
  'result[0] * 100 > 5',
  'result[0] > 5 ? true : false',
  'all(result, # > 1) || result[0] > 5',
  'any(result, # > 1) && result[0] > 5',
  'len(result) > 2',
  'result[0] in 1..5',
  'result[0] >',
  '(result[0] > 5',
  `${'('.repeat(100)}result > 1${')'.repeat(100)}`,
  '',
])('%s is not read', (text) => {
  expect(readCondition(text)).toBeUndefined();
});

const template = (metric: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  stringify({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AnalysisTemplate',
    metadata: { name: 'success-rate' },
    spec: {
      args: [{ name: 'service' }, { name: 'window', value: '5m' }],
      metrics: [
        {
          name: 'success-rate',
          successCondition: 'result[0] >= 0.95',
          provider: { prometheus: { query: 'sum(rate(ok{job="{{args.service}}"}[{{args.window}}]))' } },
          ...metric,
        },
      ],
      ...more,
    },
  });
const values = new Map([['service', 'shop']]);

it('becomes a check with the arguments in it', () => {
  const read = converted(template({ interval: '1m', count: 5, failureLimit: 3 }), { values });
  expect(read.timing).toEqual({ watch: 240_000, interval: 60_000 });
  expect(read.written).toBe(`- check: promql
  name: success-rate
  query: sum(rate(ok{job="shop"}[5m]))
  accept:
    - ">= 0.95"
  accepted-breaches: 3
`);
  expect(checksOf(read)).toMatchObject([{ name: 'success-rate', onBreach: 'fail', weight: 1 }]);
});

it('a failure condition is what is not accepted', () => {
  const read = converted(template({ successCondition: '', failureCondition: 'result[0] > 5' }), { values });
  expect(read.written).toContain('- <= 5');
});

it.each([
  ['dryRun', template({}, { dryRun: [{ metricName: 'success.*' }] })],
  ['failureLimit: -1', template({ failureLimit: -1 })],
])('only warns with %s', (_, text) => {
  expect(checksOf(converted(text, { values }))).toMatchObject([{ onBreach: 'warn' }]);
});

it.each([
  ['a delay', template({ initialDelay: '2m' }), 'success-rate.initialDelay'],
  ['no data as a success', template({ successCondition: 'isNaN(result[0]) || result[0] > 1' }), 'success-rate.no-data'],
  ['a band between', template({ failureCondition: 'result[0] < 0.9' }), 'success-rate.inconclusive'],
  ['any of several series', template({ successCondition: 'any(result, # > 1)' }), 'success-rate.series'],
  ['no end', template({ interval: '1m' }), 'success-rate.count'],
  ['an end by successes', template({ consecutiveSuccessLimit: 2 }), 'success-rate.consecutiveSuccessLimit'],
  ['a field that is not known', template({ patience: 2 }), 'success-rate.patience'],
  ['a template elsewhere', template({}, { templates: [{ templateName: 'other' }] }), 'success-rate.other'],
])('goes without %s only where that is accepted', (_, text, id) => {
  expect(refusal(text, { values })).toContain(`"objectives-accept: ${id}"`);
  const read = converted(text, { values, accept: [id] });
  expect(read.leftOut.map((one) => one.id)).toEqual([id]);
  expect(checksOf(read)).toHaveLength(1);
});

it.each([
  ['another condition', template({ successCondition: 'result.ok' }), 'success-rate.condition'],
  ['another product', template({ provider: { web: { url: 'http://x' } } }), 'success-rate.provider'],
])('leaves a metric with %s out only where that is accepted, and never the last one', (_, text, id) => {
  expect(refusal(text, { values })).toContain(`"objectives-accept: ${id}"`);
  expect(refusal(text, { values, accept: [id] })).toContain('nothing is judged');
});

it('a metric of Datadog becomes its check, where the gate has one', () => {
  const text = template({ provider: { datadog: { query: 'avg:errors{service:shop}', interval: '10m' } } });
  const read = converted(text, { values, kinds: new Set(['promql', 'datadog']) });
  expect(read.written).toContain(
    'check: datadog\n  name: success-rate\n  query: avg:errors{service:shop}\n  window: 10m',
  );
});

it.each([
  ['an argument without a value', template({}), 'objectives-values: service=VALUE'],
  ['a condition that accepts everything', template({ successCondition: 'true' }), 'accepts every value'],
  ['a limit that is no number', template({ failureLimit: 'many' }), 'no whole number'],
  ['a metric without a name', template({ name: null }), '"name" must be a text'],
  [
    'a template of Helm',
    template({ successCondition: 'result[0] > {{ .Values.limit }}' }),
    'is a template that Sluice does not read',
  ],
])('says of %s: %s', (_, text, words) => {
  expect(refusal(text, text.includes('Values') || !words.includes('objectives-values') ? { values } : {})).toContain(
    words,
  );
});

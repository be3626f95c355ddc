import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { converted, judged, refusal } from '../../../../support/objectives.ts';

const apiVersion = 'metrics.keptn.sh/v1';
const template = (name: string, query = 'max(a)') => ({
  apiVersion,
  kind: 'AnalysisValueTemplate',
  metadata: { name },
  spec: { provider: { name: 'prometheus' }, query },
});
const definition = (objectives: readonly unknown[], totalScore = { passPercentage: 80, warningPercentage: 50 }) => ({
  apiVersion,
  kind: 'AnalysisDefinition',
  metadata: { name: 'shop' },
  spec: { objectives, totalScore },
});
const objective = (name: string, target: unknown, more = {}) => ({
  analysisValueTemplateRef: { name },
  target,
  ...more,
});
const documents = (...those: readonly unknown[]) => those.map((one) => stringify(one)).join('---\n');
const value = (fixedValue: string | number) => ({ fixedValue });
const range = { lowBound: '15', highBound: '25' };

/** The figures of the tests of Keptn's metrics operator (operator_evaluator_test.go): a target that is met is a failure. */
it.each([
  ['lessThan', value(15), 10, true],
  ['lessThan', value(15), 16, false],
  ['lessThanOrEqual', value(15), 15, true],
  ['lessThanOrEqual', value(15), 16, false],
  ['equalTo', value(15), 16, false],
  ['equalTo', value(15), 15, true],
  ['greaterThan', value(15), 16, true],
  ['greaterThan', value(15), 10, false],
  ['greaterThanOrEqual', value(15), 15, true],
  ['greaterThanOrEqual', value(15), 10, false],
  ['inRange', range, 20, true],
  ['inRange', range, 30, false],
  ['notInRange', range, 30, true],
  ['notInRange', range, 20, false],
  ['greaterThan', value('500m'), 0.5, false],
  ['greaterThan', value('500m'), 0.51, true],
  ['greaterThan', value('1Ki'), 1025, true],
])('as Keptn: %s %j of %d is met: %s', async (operator, limit, measured, isMet) => {
  const read = converted(documents(definition([objective('a', { failure: { [operator]: limit } })]), template('a')));
  expect((await judged(read, { a: measured })).verdict).toBe(isMet ? 'failed' : 'passed');
});

/** As target_evaluator_test.go. */
it.each([
  [10, 0],
  [17, 50],
  [27, 100],
])(
  'as Keptn: a value of %d has a score of %d with a warning below 20 and a failure below 15',
  async (measured, score) => {
    const target = { failure: { lessThan: value(15) }, warning: { lessThan: value(20) } };
    const read = converted(documents(definition([objective('a', target)]), template('a')));
    expect((await judged(read, { a: measured })).score).toEqual({ least: score, most: score });
  },
);

/** As analysis_evaluator_test.go. */
it.each([
  ['passes', { a: 0, b: 0 }, 'passed', false, 100],
  ['a warning is half of it', { a: 1.5, b: 1.5 }, 'passed', true, 50],
  ['fails', { a: 3, b: 3 }, 'failed', false, 0],
  ['a key objective that fails', { a: 0, b: 3 }, 'failed', false, 100 * (10 / 11)],
])('as Keptn: an analysis %s', async (_, values, verdict, warning, score) => {
  const target = { failure: { greaterThan: value(2) }, warning: { greaterThan: value(1) } };
  const objectives = [objective('a', target, { weight: 10 }), objective('b', target, { keyObjective: true })];
  const read = converted(documents(definition(objectives), template('a'), template('b')));
  const composed = await judged(read, values);
  expect(composed).toMatchObject({ verdict, warning });
  expect(composed.score?.least).toBeCloseTo(score);
});

it('an objective without a target passes with any value, and with none is undecided', async () => {
  const read = converted(documents(definition([objective('a', {})]), template('a')));
  expect((await judged(read, { a: -5 })).verdict).toBe('passed');
  expect((await judged(read, {})).verdict).toBe('undecided');
});

it('takes arguments of an Analysis, and what the user gives before them', () => {
  const analysis = { apiVersion, kind: 'Analysis', metadata: { name: 'x' }, spec: { args: { ns: 'one', job: 'web' } } };
  const text = documents(
    definition([objective('a', {})]),
    template('a', 'max(a{ns="{{.ns}}",job="{{ .job }}"})'),
    analysis,
  );
  expect(converted(text, { values: new Map([['ns', 'two']]) }).written).toContain('max(a{ns="two",job="web"})');
});

it.each([
  ['a template that is not there', documents(definition([objective('a', {})])), 'a.query'],
  [
    'two operators',
    documents(definition([objective('a', { failure: { lessThan: value(1), greaterThan: value(2) } })]), template('a')),
    '2 operators',
  ],
  [
    'a limit that is no number',
    documents(definition([objective('a', { failure: { lessThan: value('500ms') } })]), template('a')),
    'no number',
  ],
  [
    'an inverted range',
    documents(definition([objective('a', { failure: { inRange: { lowBound: 5, highBound: 5 } } })]), template('a')),
    'lower bound',
  ],
  [
    'scores in the wrong order',
    documents(definition([objective('a', {})], { passPercentage: 50, warningPercentage: 50 }), template('a')),
    'not below',
  ],
  ['no definition', documents(template('a')), 'no AnalysisDefinition'],
  [
    'another product',
    documents(definition([objective('a', {})]), template('a'), {
      apiVersion,
      kind: 'KeptnMetricsProvider',
      metadata: { name: 'prometheus' },
      spec: { type: 'dynatrace' },
    }),
    'a.provider',
  ],
])('says of %s: %s', (_, text, words) => {
  expect(refusal(text)).toContain(words);
});

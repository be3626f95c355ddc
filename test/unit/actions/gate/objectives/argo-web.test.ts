import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { readJsonCondition, readKubectlPath } from '../../../../../src/actions/gate/objectives/json-condition.ts';
import { type Assertion, probeSource } from '../../../../../src/sources/probe.ts';
import { checkPlace } from '../../../../support/check-place.ts';
import { checksOf, converted, refusal } from '../../../../support/objectives.ts';

it.each<[string, readonly (string | number)[] | undefined]>([
  ['{$}', []],
  ['{$.data.ok}', ['data', 'ok']],
  ['{.data.ok}', ['data', 'ok']],
  ['{ $.checks[0].state }', ['checks', 0, 'state']],
  ["{$['a b'].x-y}", ['a b', 'x-y']],
  ['{$.list[-1]}', ['list', -1]],
  ['$.data', undefined],
  ['{$..ok}', undefined],
  ['{$.items[*].ok}', undefined],
  ['{$.items[?(@.a>1)].ok}', undefined],
  ['{range .items[*]}{.name}{end}', undefined],
  ['is {$.ok}', undefined],
  [`{${'.a'.repeat(400)}}`, undefined],
])('the path %s', (text, parts) => {
  expect(readKubectlPath(text)).toEqual(parts);
});

it.each<[string, readonly Record<string, unknown>[]]>([
  ['result == true', [{ path: '$.data', equals: true }]],
  ['result', [{ path: '$.data', equals: true }]],
  ['!result.failed', [{ path: '$.data.failed', equals: false }]],
  [
    'result.ok && result.successPercent >= 0.90',
    [
      { path: '$.data.ok', equals: true },
      { path: '$.data.successPercent', 'at-least': 0.9 },
    ],
  ],
  [
    '5 > result[0]["queue length"] and result.state != "down"',
    [
      { path: "$.data[0]['queue length']", below: 5 },
      { path: '$.data.state', 'not-equals': 'down' },
    ],
  ],
  [
    'not (result.errors > 5 || result.state == "down")',
    [
      { path: '$.data.errors', 'at-most': 5 },
      { path: '$.data.state', 'not-equals': 'down' },
    ],
  ],
  ['asFloat(result.rate) < -1.5', [{ path: '$.data.rate', below: -1.5 }]],
])('%s is a list of assertions', (text, assertions) => {
  expect(readJsonCondition(text, ['data'], true)?.assertions).toEqual(assertions);
});

it.each([
  'result.a || result.b',
  '!(result.a && result.b)',
  'asInt(result.a) > 5',
  'result.a + 1 > 5',
  'result.a > result.b',
  'result.name > "a"',
  'len(result) > 0',
  'result.a == nil',
  'result.name matches "^a"',
  'result?.a == 1',
  'all(result, # > 1)',
  '1 == 1',
  'true',
  '',
])('%s is more than that', (text) => {
  expect(readJsonCondition(text, [], true)).toBeUndefined();
});

const kinds = new Set(['promql', 'probe']);
const values = new Map([['service-name', 'checkout']]);
const context = { kinds, values };
const template = (metric: Record<string, unknown>, web: Record<string, unknown> = {}) =>
  stringify({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AnalysisTemplate',
    metadata: { name: 'smoke' },
    spec: {
      args: [{ name: 'service-name' }],
      metrics: [
        {
          name: 'smoke',
          ...metric,
          provider: { web: { url: 'https://tests.example/run?of={{args.service-name}}', ...web } },
        },
      ],
    },
  });

it('a metric of the web becomes a probe', () => {
  const read = converted(
    template(
      { successCondition: 'result.ok && result.percent >= 90', count: 3, interval: '20s' },
      { jsonPath: '{$.data}', timeoutSeconds: 5 },
    ),
    context,
  );
  expect(read.written).toBe(`- check: probe
  name: smoke
  url: https://tests.example/run?of=checkout
  within: 5s
  json:
    - path: $.data.ok
      equals: true
    - path: $.data.percent
      at-least: 90
`);
  expect(read.timing).toEqual({ watch: 40_000, interval: 20_000 });
  expect(checksOf(read)).toMatchObject([{ check: 'probe', name: 'smoke', onBreach: 'fail' }]);
  expect(read.remarks.join()).toContain('is a breach at once; Argo takes it for an error');
});

it('without a condition, any answer that is no error will do', () => {
  expect(converted(template({}), context).written).not.toContain('json');
});

it('asks a Service of the cluster through the API server', () => {
  const of = (url: string) => converted(template({ successCondition: 'result' }, { url }), context);
  const inside = of('http://tests.ci.svc.cluster.local:8080/run?a=1');
  expect(inside.written).toContain('service: ci/tests:8080\n  path: /run?a=1');
  expect(checksOf(inside)).toHaveLength(1);
  expect(of('http://tests.ci.svc/').written).toContain('service: ci/tests:80');
  expect(of('https://tests.ci.svc/').written).toContain('url: https://tests.ci.svc/');
  expect(of('http://tests.ci.svc.example.com/').written).toContain('url: http://tests.ci.svc.example.com/');
});

it.each([
  ['headers', { successCondition: 'result' }, { headers: [{ key: 'Authorization', value: 'Bearer 1' }] }],
  ['authentication', { successCondition: 'result' }, { authentication: { oauth2: { tokenUrl: 'https://x' } } }],
  ['insecure', { successCondition: 'result' }, { insecure: true }],
  ['timeoutSeconds', { successCondition: 'result' }, { timeoutSeconds: 20 }],
  ['retries', { successCondition: 'result' }, { retries: 20 }],
  ['text', { successCondition: 'result == "I am OK"' }, {}],
  ['asFloat', { successCondition: 'asFloat(result) > 5' }, {}],
  ['inconclusive', { successCondition: 'result > 5', failureCondition: 'result < 3' }, {}],
  ['failureLimit', { successCondition: 'result', failureLimit: 2 }, {}],
])('goes without %s only where that is accepted', (field, metric, web) => {
  const id = `smoke.${field}`;
  expect(refusal(template(metric, web), context)).toContain(`"objectives-accept: ${id}"`);
  const read = converted(template(metric, web), { ...context, accept: [id] });
  expect(read.leftOut.map((one) => one.id)).toEqual([id]);
  expect(checksOf(read)).toHaveLength(1);
});

it.each([
  ['method', { successCondition: 'result' }, { method: 'POST', body: 'a' }],
  ['method', { successCondition: 'result' }, { jsonBody: { a: 1 } }],
  ['condition', { successCondition: 'result.a || result.b' }, {}],
  ['jsonPath', { successCondition: 'result' }, { jsonPath: '{$..ok}' }],
])('leaves a metric with such a %s out only where that is accepted, and never the last one', (field, metric, web) => {
  const id = `smoke.${field}`;
  expect(refusal(template(metric, web), context)).toContain(`"objectives-accept: ${id}"`);
  expect(refusal(template(metric, web), { ...context, accept: [id] })).toContain('nothing is judged');
});

it.each([
  ['an argument without a value', { url: 'http://{{args.host}}/' }, 'objectives-values: host=VALUE'],
  ['no URL', { url: 'tests.example/run' }, 'is no URL that begins with http'],
  ['a login in the URL', { url: 'https://me:secret@tests.example/' }, 'is no URL that begins with http'],
])('says of %s: %s', (_, web, words) => {
  const said = refusal(template({ successCondition: 'result' }, web), context);
  expect(said).toContain(words);
  expect(said).not.toContain('secret');
});

it('says what to do instead of a Job', () => {
  const text = stringify({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AnalysisTemplate',
    metadata: { name: 'smoke' },
    spec: { metrics: [{ name: 'tests', provider: { job: { spec: { template: {} } } } }] },
  });
  const said = refusal(text, context);
  expect(said).toContain('"objectives-accept: smoke.tests.provider"');
  expect(said).toContain('run it in a step before the gate (actions/kubectl-deploy waits until a Job has succeeded)');
});

/** One comparison, as Argo writes it and as JavaScript decides it. */
const comparison = fc
  .record({
    member: fc.constantFrom('a', 'b', 'c d'),
    operator: fc.constantFrom('==', '!=', '<', '<=', '>', '>='),
    limit: fc.integer({ min: -3, max: 3 }),
    isTurned: fc.boolean(),
  })
  .map(({ member, operator, limit, isTurned }) => {
    const value = `result["${member}"]`;
    const [left, right] = isTurned ? [`${limit}`, value] : [value, `${limit}`];
    const decide = (measured: number) => {
      const [x, y] = isTurned ? [limit, measured] : [measured, limit];
      const decided = { '==': x === y, '!=': x !== y, '<': x < y, '<=': x <= y, '>': x > y, '>=': x >= y };
      return decided[operator];
    };
    return { text: `${left} ${operator} ${right}`, holds: (of: Record<string, number>) => decide(of[member] ?? 0) };
  });
const answers = fc.record({
  a: fc.integer({ min: -3, max: 3 }),
  b: fc.integer({ min: -3, max: 3 }),
  'c d': fc.integer({ min: -3, max: 3 }),
});

const writtenProbe = z.tuple([z.object({ json: z.array(z.custom<Assertion>()) })]);

it('a probe accepts the answers that Argo takes for a success', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(comparison, { minLength: 1, maxLength: 4 }),
      answers,
      fc.boolean(),
      async (comparisons, answer, isFailure) => {
        const condition = comparisons.map(({ text }) => text).join(isFailure ? ' || ' : ' && ');
        const metric = isFailure ? { failureCondition: condition } : { successCondition: condition };
        const [{ json }] = writtenProbe.parse(
          parse(converted(template(metric, { jsonPath: '{$.data}' }), context).written),
        );
        const body = JSON.stringify({ data: answer });
        const askOnce = async () => ({ status: 200, body });
        const server = { name: 'the service', permissions: [], ask: askOnce, askOnce };
        const query = { path: '/', status: undefined, within: undefined, json };
        const look = await probeSource(query, server, checkPlace().world).look(
          { from: 0, to: 0 },
          AbortSignal.timeout(10_000),
        );
        const isSuccess = isFailure
          ? !comparisons.some(({ holds }) => holds(answer))
          : comparisons.every(({ holds }) => holds(answer));
        expect(look.kind === 'sightings' && look.sightings.length === 0).toBe(isSuccess);
      },
    ),
    { numRuns: 200 },
  );
});

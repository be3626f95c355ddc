import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { checksOf, converted, judged, refusal } from '../../../../support/objectives.ts';

const template = (provider: Record<string, unknown> = { type: 'prometheus', address: 'http://prometheus:9090' }) => ({
  apiVersion: 'flagger.app/v1beta1',
  kind: 'MetricTemplate',
  metadata: { name: 'errors', namespace: 'flagger' },
  spec: {
    provider,
    query: 'sum(rate(errors{ns="{{ namespace }}",app="{{ target }}",v="{{ variables.v }}"}[{{ interval }}]))',
  },
});
const canary = (metric: Record<string, unknown>) => ({
  apiVersion: 'flagger.app/v1beta1',
  kind: 'Canary',
  metadata: { name: 'shop', namespace: 'prod' },
  spec: { targetRef: { name: 'checkout' }, analysis: { interval: '1m', threshold: 5, metrics: [metric] } },
});
const metric = { name: 'errors', templateRef: { name: 'errors', namespace: 'flagger' }, templateVariables: { v: 2 } };
const text = (...documents: readonly unknown[]) => documents.map((one) => stringify(one)).join('---\n');

it('becomes a check with the names of the Canary in its query', () => {
  const read = converted(text(template(), canary({ ...metric, thresholdRange: { max: 1 } })));
  expect(read.written).toContain('sum(rate(errors{ns="prod",app="checkout",v="2"}[1m]))');
  expect(read.remarks.join(' ')).toContain('http://prometheus:9090 is not asked');
});

it.each([
  [{ thresholdRange: { min: 1, max: 2 } }, [0.9, 1, 2, 2.1], ['failed', 'passed', 'passed', 'failed']],
  [{ threshold: 5 }, [5, 5.1], ['passed', 'failed']],
  [{}, [0, 0.1], ['passed', 'failed']],
])('as Flagger: %j', async (limits, measured, verdicts) => {
  const read = converted(text(template(), canary({ ...metric, ...limits })));
  const found = await Promise.all(measured.map((value) => judged(read, { 'shop.errors': value })));
  expect(found.map(({ verdict }) => verdict)).toEqual(verdicts);
});

it.each([
  [
    'a query of its own',
    text(canary({ name: 'request-success-rate', thresholdRange: { min: 99 } })),
    'objectives-values: mesh-provider=istio',
  ],
  ['a template elsewhere', text(canary({ ...metric, thresholdRange: { max: 1 } })), 'shop.errors.query'],
  [
    'another product',
    text(template({ type: 'newrelic' }), canary({ ...metric, threshold: 1 })),
    'shop.errors.provider',
  ],
  ['a template without a limit', text(template()), 'no Canary among the files'],
  ['an empty range', text(template(), canary({ ...metric, thresholdRange: {} })), 'accepts every value'],
  [
    'a limit with a name that is not known',
    text(template(), canary({ ...metric, thresholdRange: { min: 1, maximum: 2 } })),
    'Unrecognized key: "maximum"',
  ],
  [
    'a variable without a value',
    text(template(), canary({ ...metric, templateVariables: {}, threshold: 1 })),
    'variables.v=VALUE',
  ],
])('says of %s: %s', (_, given, words) => {
  expect(refusal(given)).toContain(words);
});

it('asks for each of the queries that a metric has', () => {
  const both = { ...metric, query: 'max(queue{app="{{ ingress }}",route="{{ route }}"})', thresholdRange: { max: 1 } };
  expect(checksOf(converted(text(template(), canary(both)))).map(({ name }) => name)).toEqual([
    'shop.errors',
    'shop.errors.2',
  ]);
  expect(converted(text(template(), canary(both))).written).toContain('max(queue{app="checkout",route="checkout"})');
});

it('tells what of the Canary is not read', () => {
  const own = canary({ ...metric, threshold: 1 });
  const spec = { ...own.spec, metricsServer: 'http://metrics:9090', skipAnalysis: true };
  expect(converted(text(template(), { ...own, spec })).remarks.join(' ')).toMatch(
    /metricsServer http:\/\/metrics:9090 is not asked.*with "skipAnalysis"/,
  );
});

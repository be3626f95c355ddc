import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { rawCounterOf } from '../../../../../src/actions/gate/objectives/objective-check.ts';
import { checksOf, converted, refusal } from '../../../../support/objectives.ts';

const events = {
  error_query: 'sum(rate(http_requests_total{job="shop",code=~"5.{2}"}[{{.window}}]))',
  total_query: 'sum(rate(http_requests_total{job="shop"}[{{.window}}]))',
};
const file = (slo: Record<string, unknown>) =>
  stringify({ version: 'prometheus/v1', service: 'shop', slos: [{ name: 'availability', objective: 99.9, ...slo }] });
const text = file({ sli: { events }, alerting: { name: 'Errors' } });

it('the budget of known counters is that of a burn rate, where the gate has one', () => {
  const read = converted(text, { kinds: new Set(['promql', 'ratio', 'burn-rate']) });
  expect(read.written).toBe(`- check: burn-rate
  name: shop.availability
  objective: 99.9%
  total: http_requests_total{job="shop"}
  bad: http_requests_total{job="shop",code=~"5.{2}"}
  period: 30d
`);
});

it('else it is the rate of the last minutes, where that is accepted', () => {
  expect(refusal(text)).toContain('objectives-accept: shop.availability.period');
  const read = converted(text, { accept: ['shop.availability.period'] });
  expect(read.written).toContain('limit: 0.001');
  expect(checksOf(read)).toMatchObject([{ check: 'ratio' }]);
});

it('other expressions are values', () => {
  const raw = file({ sli: { raw: { error_ratio_query: 'errors:ratio{w="{{.window}}"}' } } });
  const read = converted(raw, { accept: ['shop.availability.period'] });
  expect(read.written).toContain('query: errors:ratio{w="5m"}\n  accept: <= 0.001');
  const sums = file({ sli: { events: { ...events, error_query: 'sum(a) - sum(b)' } } });
  expect(converted(sums, { accept: ['shop.availability.period'] }).written).toContain('(sum(a) - sum(b)) / (sum(rate(');
});

it('reads objects of Kubernetes, too', () => {
  const spec = {
    service: 'shop',
    slos: [{ name: 'a', objective: 99, sli: { events: { errorQuery: 'bad_total', totalQuery: 'all_total' } } }],
  };
  const object = stringify({
    apiVersion: 'sloth.slok.dev/v1',
    kind: 'PrometheusServiceLevel',
    metadata: { name: 'x' },
    spec,
  });
  expect(converted(object, { accept: ['shop.a.period'] }).written).toContain('bad: bad_total');
});

it.each([
  ['a plugin', file({ sli: { plugin: { id: 'x' } } }), 'shop.availability.sli'],
  ['an objective of 100 %', file({ objective: 100, sli: { events } }), 'between 0 and 100'],
  ['no error query', file({ sli: { events: { total_query: 'x' } } }), 'needs "error_query"'],
  ['no objective', stringify({ version: 'prometheus/v1', service: 'shop', slos: [] }), 'nothing is judged'],
])('says of %s: %s', (_, given, words) => {
  expect(refusal(given)).toContain(words);
});

it.each([
  ['up', 'up'],
  ['sum( rate( a{b="}"} [5m] ) )', 'a{b="}"}'],
  ['sum(increase(a[30d]))', 'a'],
  ['sum by (x) (rate(a[5m]))', undefined],
  ['rate(a[5m])', undefined],
  ['sum(rate(a[5m] offset 1h))', undefined],
  ['a + b', undefined],
])('the counter of %s is %s', (query, counter) => {
  expect(rawCounterOf(query)).toBe(counter);
});

import { describe, expect, it } from 'vitest';
import { ownQueries } from '../../../../src/meters/queries/own-queries.ts';
import { isNamedAsRate, requireSteady } from '../../../../src/meters/series/steady.ts';

const names = { namespace: 'shop', stable: { workload: 'checkout' }, canary: { workload: 'checkout-canary' } };
const check = (name: string, values: readonly number[], starts: readonly number[] = []) => {
  const history = values.map((value, index) => ({ at: index * 60_000, value }));
  return () => requireSteady([{ name, instance: 'checkout-1', history, starts }]);
};

describe('values that are no counter are refused', () => {
  it.each([
    ['recorded rates that rise and fall', 'job:http_requests:total', [12.5, 12.6, 12.4], /its values fall \(12\.5/],
    ['recorded rates that are the same all the time', 'job:http_requests:total', [12.5, 12.5], /no whole numbers/],
    ['recorded sums, of which parts go', 'job:http_requests:sum', [900, 950, 700, 720], /its values fall/],
    ['rates without a colon', 'http_requests_per_second', [12.5, 12.6, 12.4], /its values fall/],
    ['gauges', 'requests_in_flight', [4, 9, 2, 7, 1], /fall again and again/],
    ['counters of several workers', 'http_requests_total', [5_000, 200, 5_010, 190], /multiprocess mode/],
  ])('%s', (_, name, values, message) => {
    expect(check(name, values)).toThrow(message);
  });

  it.each([
    ['a counter', [1, 2, 3], []],
    ['a counter that counts in fractions', [0.5, 1.75, 2.25], []],
    ['a restart that nothing tells of', [5_000, 12, 30], []],
    ['restarts that are known', [500, 12, 30, 8, 20], [59_000, 179_000]],
  ])('%s is not', (_, values, starts) => {
    expect(check('http_requests_total', values, starts)).not.toThrow();
  });

  it('recorded counters that grow by whole numbers are taken', () => {
    expect(check('job:http_requests:sum', [900, 950, 999])).not.toThrow();
  });
});

describe('a name says that it is a rate', () => {
  it.each([
    'job:http_requests:rate1m',
    'slo:sli_error:ratio_rate5m',
    'apiserver_request:burnrate1d',
    'code_verb:apiserver_request_total:increase30d',
    'container_cpu:sum_irate',
    'http_requests_rate5m',
    'job:latency:p99',
  ])('%s', (name) => {
    expect(isNamedAsRate(name)).toBe(true);
  });

  it.each([
    'rate_limited_requests_total',
    'http_requests_total',
    'job:http_requests:sum',
    'exchange_rate_requests_total',
  ])('not %s', (name) => {
    expect(isNamedAsRate(name)).toBe(false);
  });

  it('and a query for it is refused', async () => {
    const queries = { requests: 'job:http_requests:rate1m{arm="x"}', errors: 'job:http_errors:rate1m{arm="x"}' };
    await expect(ownQueries(queries, names, 'prometheus')).rejects.toThrow('is a rate by its name');
  });
});

import { request } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { deployments } from '../../../lab/embedded/api-server/resources.ts';
import { type Lab, type LabOptions, startLab } from '../../../lab/embedded/index.ts';
import { evaluate, QueryError } from '../../../lab/embedded/prometheus/promql.ts';
import { createSeriesStore } from '../../../lab/embedded/prometheus/series.ts';

const start = 1_700_000_000_000;

function parse(text: string): unknown {
  return JSON.parse(text);
}

/** Series given as text: `name{label}` → one value a second, `_` for nothing, `stale` for the end. */
function storeOf(series: Readonly<Record<string, string>>) {
  const store = createSeriesStore();
  for (const [name, values] of Object.entries(series)) {
    const [, metric = '', text = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(name) ?? [];
    const pairs = text
      .split(',')
      .filter((pair) => pair !== '')
      .map((pair) => pair.split('='));
    const labels = { __name__: metric, ...Object.fromEntries(pairs) };
    for (const [second, value] of values.split(' ').entries()) {
      if (value === '_') continue;
      store.append(labels, { at: start + second * 1_000, value: value === 'stale' ? undefined : Number(value) });
    }
  }
  return store;
}

function vector(series: Readonly<Record<string, string>>, query: string, second: number): Record<string, number> {
  const value = evaluate(storeOf(series), query, start + second * 1_000);
  if (value.type !== 'vector') throw new Error(`a ${value.type}`);
  return Object.fromEntries(
    value.samples.map(({ labels, value: sampled }) => [
      Object.entries(labels)
        .map((pair) => pair.join('='))
        .join(','),
      sampled,
    ]),
  );
}

describe('selectors', () => {
  const series = { 'r{code=200,pod=a}': '1', 'r{code=500,pod=a}': '2', 'r{code=503,pod=b}': '3', 's{}': '4' };

  test.each([
    ['r{code="500"}', [2]],
    ['r{code!="500"}', [1, 3]],
    ['r{code=~"5.."}', [2, 3]],
    ['r{code!~"5.*"}', [1]],
    ['{__name__="s"}', [4]],
    ['{__name__=~"r|s",pod=""}', [4]],
  ])('%s', (query, values) => {
    expect(Object.values(vector(series, query, 1))).toEqual(values);
  });

  test('an answer is the newest sample of the last five minutes', () => {
    expect(vector({ r: '1 2' }, 'r', 299)).toEqual({ '__name__=r': 2 });
    expect(vector({ r: '1 2' }, 'r', 301)).toEqual({});
  });

  test('a series that ended is gone at once, and back with its next sample', () => {
    const series = { r: '1 stale _ 5' };
    expect(vector(series, 'r', 0)).toEqual({ '__name__=r': 1 });
    expect(vector(series, 'r', 2)).toEqual({});
    expect(vector(series, 'r', 3)).toEqual({ '__name__=r': 5 });
  });

  test('offset looks back', () => {
    expect(vector({ r: '1 2 3' }, 'r offset 2s', 2)).toEqual({ '__name__=r': 1 });
  });

  test('timestamp is that of the sample', () => {
    expect(vector({ r: '1 2' }, 'timestamp(r)', 60)).toEqual({ '': start / 1_000 + 1 });
  });
});

describe('rate and increase', () => {
  test('extrapolate to the ends of the range', () => {
    // Samples at 1 … 10 s within (0 s, 10 s]: 9 s seen, one second more to the start.
    expect(vector({ r: '0 10 20 30 40 50 60 70 80 90 100' }, 'increase(r[10s])', 10)['']).toBeCloseTo(100);
    expect(vector({ r: '0 10 20 30 40 50 60 70 80 90 100' }, 'rate(r[10s])', 10)['']).toBeCloseTo(10);
  });

  test('never extrapolate below zero', () => {
    expect(vector({ r: '_ _ _ _ _ _ _ _ 0 10 20' }, 'increase(r[10s])', 10)['']).toBeCloseTo(20);
  });

  test('count on after a reset', () => {
    expect(vector({ r: '100 110 5 15 25' }, 'increase(r[4s])', 4)['']).toBeCloseTo((5 + 10 + 10) * (4 / 3));
  });

  test('need two samples', () => {
    expect(vector({ r: '100' }, 'rate(r[10s])', 4)).toEqual({});
  });
});

describe('operators', () => {
  const series = { 'r{code=200,pod=a}': '90', 'r{code=500,pod=a}': '10', 'r{code=200,pod=b}': '50' };

  test.each([
    ['sum(r)', { '': 150 }],
    ['sum by (pod) (r)', { 'pod=a': 100, 'pod=b': 50 }],
    ['sum without (code) (r)', { 'pod=a': 100, 'pod=b': 50 }],
    ['max(r) - min(r)', { '': 80 }],
    ['count(r) * 2', { '': 6 }],
    ['sum(r{code=~"5.."}) / sum(r)', { '': 10 / 150 }],
    ['sum(r{code="404"}) or vector(0)', { '': 0 }],
    ['sum(r) or vector(0)', { '': 150 }],
    ['-sum(r)', { '': -150 }],
  ])('%s', (query, expected) => {
    expect(vector(series, query, 0)).toEqual(expected);
  });

  test('histogram_quantile is linear within a bucket', () => {
    const buckets = { 'b{le=0.1}': '50', 'b{le=0.5}': '90', 'b{le=+Inf}': '100' };
    expect(vector(buckets, 'histogram_quantile(0.7, sum by (le) (b))', 0)['']).toBeCloseTo(0.3);
    expect(vector(buckets, 'histogram_quantile(0.99, b)', 0)['']).toBe(0.5);
  });

  test('what it does not know is an error, and so is what is not PromQL', () => {
    expect(() => vector(series, 'absent(r)', 0)).toThrow(
      expect.objectContaining({ type: 'execution', message: expect.stringContaining('absent(r)') }),
    );
    expect(() => vector(series, 'r > 5', 0)).toThrow(QueryError);
    expect(() => vector(series, 'sum(', 0)).toThrow(expect.objectContaining({ type: 'bad_data' }));
  });
});

describe('the server', () => {
  let lab: Lab;
  afterEach(async () => {
    await lab.stop();
  });
  const begin = async (options: LabOptions = {}) => {
    lab = await startLab({ prometheus: { scrapeInterval: 60_000 }, ...options });
    await lab.prometheus.scrape();
  };
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await request(`${lab.prometheus.url}${path}`, { headers });
    const text = await answer.body.text();
    return { status: answer.statusCode, text, json: text.startsWith('{') ? parse(text) : undefined };
  };
  const query = (text: string) => get(`/api/v1/query?query=${encodeURIComponent(text)}`);

  test('has scraped the pods that are annotated for it, with their labels, and the gateway', async () => {
    await begin({ rate: 100 });
    await expect.poll(() => lab.load.log.length).toBeGreaterThan(20);
    await lab.prometheus.scrape();
    expect(await query('count by (app, version) (up)')).toMatchObject({
      status: 200,
      json: {
        status: 'success',
        data: {
          resultType: 'vector',
          result: expect.arrayContaining([
            { metric: { app: 'checkout', version: 'v1' }, value: [expect.any(Number), '2'] },
            { metric: { app: 'gateway' }, value: [expect.any(Number), '1'] },
          ]),
        },
      },
    });
    expect((await query('sum(istio_requests_total) / sum(http_requests_total)')).json).toMatchObject({
      data: { result: [{ metric: {} }] },
    });
    const series = await get('/api/v1/series?match[]=http_requests_total%7Bversion="v1"%7D');
    expect(series.json).toMatchObject({ data: [{ namespace: 'shop', pod: expect.stringMatching(/^checkout-/) }, {}] });
    const names = await get('/api/v1/label/__name__/values');
    expect(names.json).toMatchObject({
      data: expect.arrayContaining(['http_requests_total', 'istio_requests_total', 'up']),
    });
    expect((await get('/api/v1/metadata?metric=http_requests_total')).json).toMatchObject({
      data: { http_requests_total: [{ type: 'counter', help: 'Requests that were answered.' }] },
    });
    expect((await get('/api/v1/targets')).json).toMatchObject({
      data: { activeTargets: expect.arrayContaining([expect.objectContaining({ health: 'up', lastError: '' })]) },
    });
  });

  test('answers a POST as a GET, and errors in Prometheus’s own shape', async () => {
    await begin();
    const answer = await request(`${lab.prometheus.url}/api/v1/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'query=vector(1)',
    });
    expect(await answer.body.json()).toMatchObject({
      data: { result: [{ metric: {}, value: [expect.any(Number), '1'] }] },
    });
    expect(await query('sum(')).toMatchObject({ status: 400, json: { status: 'error', errorType: 'bad_data' } });
    expect(await query('absent(up)')).toMatchObject({ status: 422, json: { status: 'error', errorType: 'execution' } });
  });

  test('ends the series of a pod that has gone', async () => {
    await begin();
    const canaries = 'count(up{version="v2"})';
    const two = { data: { result: [{ value: [expect.any(Number), '2'] }] } };
    await expect.poll(() => scraped(canaries)).toMatchObject(two);
    const key = { resource: deployments, namespace: 'shop', name: 'checkout-canary' };
    lab.api.registry.update(key, { spec: { replicas: 0 } }, { manager: 'test', subresource: 'scale' });
    await expect.poll(() => scraped(canaries)).toMatchObject({ data: { result: [] } });
  });

  async function scraped(text: string): Promise<unknown> {
    await lab.prometheus.scrape();
    return (await query(text)).json;
  }

  test('asks for credentials where it has some', async () => {
    await begin({ prometheus: { scrapeInterval: 60_000, authorization: 'Bearer secret' } });
    expect((await query('up')).status).toBe(401);
    expect((await get('/api/v1/query?query=up', { authorization: 'Bearer secret' })).status).toBe(200);
  });

  test('is down, slow or answers nonsense as it is told', async () => {
    await begin();
    lab.prometheus.setGarbage('<html>gateway login</html>');
    expect(await query('up')).toMatchObject({ status: 200, text: '<html>gateway login</html>' });
    lab.prometheus.setGarbage(undefined);
    lab.prometheus.setDelay(80);
    const begun = performance.now();
    await query('up');
    expect(performance.now() - begun).toBeGreaterThan(75);
    lab.prometheus.setDelay(0);
    await lab.prometheus.stop();
    await expect(query('up')).rejects.toThrow();
    await lab.prometheus.start();
    expect(await get('/-/ready')).toMatchObject({ status: 200, text: 'Prometheus Server is Ready.\n' });
  });

  test('is reached through the API server’s service proxy', async () => {
    await begin();
    const path = '/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query=vector(7)';
    const answer = await request(`${lab.api.url}${path}`, {
      headers: { authorization: 'Bearer embedded-admin-token' },
    });
    expect(await answer.body.json()).toMatchObject({ data: { result: [{ value: [expect.any(Number), '7'] }] } });
  });
});

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../../src/core/clock.ts';
import { createPrometheusMeter, type PrometheusOptions } from '../../../../src/meters/prometheus/meter.ts';
import { explainRefusal } from '../../../../src/meters/prometheus/server-words.ts';

const signal = new AbortController().signal;
const now = Date.UTC(2026, 0, 1);
const names = { namespace: 'shop', stable: { workload: 'checkout' }, canary: { workload: 'checkout-canary' } };
const own = {
  kind: 'own' as const,
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of a query
  requests: 'requests_total{app="${workload}"}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of a query
  errors: 'requests_total{app="${workload}",code=~"5.."}',
};

interface Asked {
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
}

type Answer = {
  readonly status?: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};
const data = (content: unknown, warnings?: string[]): Answer => ({
  body: { status: 'success', data: content, warnings },
});
/** A series of the range query: points are [seconds before now, value]. */
const series = (labels: Record<string, string>, ...points: [number, string][]) => ({
  metric: { __name__: 'requests_total', pod: 'a', ...labels },
  values: points.map(([age, value]) => [now / 1_000 - age, value]),
});
const matrix = (...result: unknown[]) => data({ resultType: 'matrix', result });
const growing = series({ app: 'checkout', code: '200' }, [45, '0'], [30, '150'], [15, '300'], [0.5, '450']);

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** A server that answers as told, and the meter that asks it. */
async function meterOf(answer: (asked: Asked) => Answer, options: Partial<PrometheusOptions> = {}) {
  const requests: Asked[] = [];
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://server');
    const asked = { path: url.pathname, parameters: Object.fromEntries(url.searchParams), headers: incoming.headers };
    requests.push(asked);
    const { status = 200, body, headers } = answer(asked);
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.close();
    server.closeAllConnections();
  });
  const bound = server.address();
  const address = `http://127.0.0.1:${bound !== null && typeof bound === 'object' ? bound.port : 0}`;
  let time = now;
  const clock: Clock = {
    now: () => time,
    async sleep(milliseconds) {
      time += milliseconds;
    },
  };
  const meter = createPrometheusMeter(
    {
      kind: 'prometheus',
      names,
      queries: own,
      latencyBounds: [],
      ...options,
      connection: { address, ...options.connection },
    },
    { clock, env: {} },
  );
  return { meter, requests, address, passed: () => time - now };
}

describe('a look', () => {
  it('is one request for the raw counters of both arms, with the time of each scrape', async () => {
    const canary = series({ app: 'checkout-canary', code: '503' }, [16, '1'], [1.25, '3']);
    const { meter, requests } = await meterOf(() => matrix(growing, canary));
    await meter.preflight(signal);
    requests.length = 0;
    const reading = await meter.read(signal);
    expect(requests.map(({ path, parameters }) => [path, parameters])).toEqual([
      ['/api/v1/query', { query: 'requests_total{app=~"checkout|checkout-canary"}[60s]' }],
    ]);
    expect(reading.at).toBe(now - 500);
    expect(reading.stable).toMatchObject([{ kind: 'requests', instance: 'a', value: 450, at: now - 500 }]);
    expect(reading.canary).toMatchObject([
      { kind: 'requests', value: 3, at: now - 1_250 },
      { kind: 'errors', value: 3, at: now - 1_250 },
    ]);
  });

  it('does not move on without a new scrape', async () => {
    const { meter } = await meterOf(() => matrix(growing));
    const [first, second] = [await meter.read(signal), await meter.read(signal)];
    expect(second.at).toBe(first.at);
  });

  it('tells when the arms are measured next, also of a canary that has counted nothing yet', async () => {
    const up = { metric: { __name__: 'up', pod: 'checkout-canary-1' }, values: [[now / 1_000 - 2, '1']] };
    const stable = series(
      { __name__: 'http_requests_total', namespace: 'shop', pod: 'checkout-7d9f8b-x2v4q', code: '200' },
      [15, '1'],
      [10, '2'],
      [5, '3'],
    );
    const { meter, requests } = await meterOf(
      ({ parameters }) => matrix(...(parameters.query?.startsWith('up{') ? [up] : [stable])),
      { queries: { kind: 'http' } },
    );
    expect((await meter.read(signal)).due).toEqual({
      stable: [now + 5_000, now + 10_000],
      canary: [now + 3_000, now + 8_000],
    });
    expect(requests.at(-1)?.parameters.query).toMatch(/^up\{namespace="shop",pod=~"checkout-canary-/);
  });

  it('passes on values that are no numbers', async () => {
    const { meter } = await meterOf(() =>
      matrix(series({ app: 'checkout' }, [1, 'NaN']), series({ app: 'checkout', x: 'y' }, [1, '+Inf'])),
    );
    const { stable } = await meter.read(signal);
    expect(stable.map(({ value }) => value)).toEqual([Number.NaN, Number.POSITIVE_INFINITY]);
  });

  it('tells that the answer is partial', async () => {
    const { meter } = await meterOf(() =>
      data({ resultType: 'matrix', result: [growing] }, ['store 10.0.0.1 did not answer']),
    );
    expect((await meter.read(signal)).warnings).toEqual([expect.stringContaining('store 10.0.0.1 did not answer')]);
  });

  it.each([
    ['VictoriaMetrics', { isPartial: true }, 'some of its storage nodes did not answer'],
    ['Thanos', { warnings: ['receive series from store:10901: rpc error'] }, 'store:10901'],
    ['Mimir', { warnings: ['PromQL warning: encountered a mix of histograms and floats'] }, 'a mix of histograms'],
  ])('is no reading to count by where %s says that data are missing', async (_, beside, words) => {
    let partial = true;
    const body = { status: 'success', data: { resultType: 'matrix', result: [growing] } };
    const { meter } = await meterOf(() => ({ body: { ...body, ...(partial && beside) } }));
    const first = await meter.read(signal);
    expect(first).toMatchObject({ partial: true, warnings: [expect.stringContaining(words)] });
    partial = false;
    const whole = await meter.read(signal);
    expect(whole.partial).toBeUndefined();
    partial = true;
    expect(await meter.read(signal)).toMatchObject({ partial: true, warnings: [expect.stringContaining(words)] });
  });

  it('takes remarks on the query for none on the data, wherever they stand', async () => {
    const infos = ['PromQL info: metric might not be a counter, name does not end in _total: "requests" (1:6)'];
    for (const beside of [{ infos }, { warnings: infos }]) {
      const body = { status: 'success', data: { resultType: 'matrix', result: [growing] }, ...beside };
      const { meter } = await meterOf(() => ({ body }));
      const reading = await meter.read(signal);
      expect(reading).toMatchObject({ stable: [{ value: 450 }], warnings: [] });
      expect(reading.partial).toBeUndefined();
    }
  });

  it('is no baseline as long as the stable arm does not show', async () => {
    let answer = matrix();
    const { meter } = await meterOf(() => answer);
    await expect(meter.read(signal)).rejects.toMatchObject({ code: 'bad-query' });
    answer = matrix(series({ app: 'checkout-canary' }, [1, '5']));
    await expect(meter.read(signal)).rejects.toMatchObject({ code: 'bad-query' });
    answer = matrix(growing);
    await expect(meter.read(signal)).resolves.toMatchObject({ stable: [{ value: 450 }] });
    answer = matrix(series({ app: 'checkout-canary' }, [1, '5']));
    await expect(meter.read(signal)).resolves.toMatchObject({ stable: [], canary: [{ value: 5 }] });
  });

  it('asks for the arms apart where their queries share no label', async () => {
    const queries = {
      kind: 'own' as const,
      stable: { requests: 'requests_total{app="checkout"}', errors: 'requests_total{app="checkout",code="500"}' },
      canary: { requests: 'requests_total{release="new"}', errors: 'requests_total{release="new",code="500"}' },
    };
    const { meter, requests } = await meterOf(
      ({ parameters }) => matrix(...(parameters.query?.includes('app=') ? [growing] : [])),
      { queries },
    );
    await meter.read(signal);
    expect(requests.map(({ parameters }) => parameters.query)).toContain('requests_total{release="new"}[60s]');
    expect(requests.map(({ parameters }) => parameters.query)).toContain('requests_total{app="checkout"}[60s]');
  });
});

describe('a process that is scraped twice', () => {
  const target = { job: 'shop/a', instance: '10.0.0.7:80', pod: 'a', endpoint: 'http' };
  const ups = [target, { ...target, job: 'shop/b', team: 'shop' }].map((labels) => ({
    metric: { __name__: 'up', ...labels },
    values: [[now / 1_000 - 5, '1']],
  }));
  const twice = ups.map(({ metric }) =>
    series(
      { ...metric, __name__: 'requests_total', app: 'checkout', code: '200', route: '/pay' },
      [15, '90'],
      [5, '100'],
    ),
  );

  it('is counted once, as up of its targets tells which labels are theirs', async () => {
    const { meter, requests } = await meterOf(({ parameters }) =>
      matrix(...(parameters.query?.startsWith('up{') ? ups : twice)),
    );
    const { stable } = await meter.read(signal);
    expect(stable).toMatchObject([{ instance: 'a', value: 100 }]);
    expect(stable[0]?.series).toBe(
      '[["__name__","requests_total"],["app","checkout"],["code","200"],["route","/pay"]]',
    );
    await meter.read(signal);
    expect(requests.map(({ parameters }) => parameters.query).filter((query) => query?.startsWith('up'))).toEqual([
      'up{job=~"shop/a|shop/b",instance=~"10\\\\.0\\\\.0\\\\.7:80"}[300s]',
    ]);
  });

  it('is counted once where up can’t be asked', async () => {
    const { meter } = await meterOf(({ parameters }) =>
      parameters.query?.startsWith('up{')
        ? { status: 422, body: { status: 'error', errorType: 'execution', error: 'not allowed' } }
        : matrix(...twice),
    );
    expect((await meter.read(signal)).stable).toMatchObject([{ instance: 'a', value: 100 }]);
  });

  it('is asked about again when a series appears', async () => {
    let shown = twice.slice(0, 1);
    const { meter, requests } = await meterOf(({ parameters }) =>
      matrix(...(parameters.query?.startsWith('up{') ? ups : shown)),
    );
    await meter.read(signal);
    shown = twice;
    expect((await meter.read(signal)).stable).toHaveLength(1);
    expect(requests.filter(({ parameters }) => parameters.query?.startsWith('up'))).toHaveLength(2);
  });
});

describe('the preflight', () => {
  it('refuses counters that fall again and again', async () => {
    const workers = series({ app: 'checkout', code: '200' }, [60, '5000'], [45, '200'], [30, '5010'], [15, '190']);
    const { meter } = await meterOf(() => matrix(workers));
    await expect(meter.preflight(signal)).rejects.toThrow('fall again and again (5000, 200, 5010, 190)');
  });

  it('refuses recorded rates', async () => {
    const name = 'job:http_requests:all';
    const [requests, errors] = [own.requests, own.errors].map((query) => query.replace('requests_total', name));
    const rates = series({ app: 'checkout', code: '200', __name__: name }, [30, '12.5'], [15, '12.6'], [0, '12.4']);
    const queries = { kind: 'own' as const, requests: requests ?? '', errors: errors ?? '' };
    const { meter } = await meterOf(() => matrix(rates), { queries });
    await expect(meter.preflight(signal)).rejects.toThrow('its values fall (12.5, 12.6, 12.4)');
  });

  it('finds the scrape interval and the traffic in one request', async () => {
    const { meter, requests } = await meterOf(() => matrix(growing));
    await expect(meter.preflight(signal)).resolves.toMatchObject({
      traffic: true,
      requestsPerSecond: expect.closeTo(10.1, 0),
      evidence: expect.stringMatching(
        /10 requests a second; errors are told by code, so far "200"; scraped every 15 s/,
      ),
    });
    expect(requests).toHaveLength(1);
    expect(meter.interval).toBe(3_750);
  });

  it('says that there is no traffic', async () => {
    const still = series({ app: 'checkout', code: '200' }, [45, '7'], [30, '7'], [15, '7'], [0, '7']);
    const { meter } = await meterOf(() => matrix(still));
    await expect(meter.preflight(signal)).resolves.toMatchObject({ traffic: false, requestsPerSecond: 0 });
  });

  it('waits for a second measurement of a new series', async () => {
    let looks = 0;
    const { meter, passed } = await meterOf(() => {
      looks += 1;
      return matrix(
        series({ app: 'checkout', code: '200' }, [15, '1'], ...(looks > 3 ? ([[0, '31']] as [number, string][]) : [])),
      );
    });
    await expect(meter.preflight(signal)).resolves.toMatchObject({ traffic: true, requestsPerSecond: 2 });
    expect(passed()).toBe(3_000);
  });

  it('refuses counters that are no longer scraped', async () => {
    const { meter } = await meterOf(() => matrix(series({ app: 'checkout', code: '200' }, [290, '1'], [260, '2'])));
    await expect(meter.preflight(signal)).rejects.toMatchObject({
      code: 'bad-query',
      problem: expect.stringContaining('last measured 260 s ago'),
    });
  });

  it('names the metrics that are like the one that does not exist', async () => {
    const { meter } = await meterOf(({ path }) =>
      path.endsWith('/__name__/values')
        ? data(['up', 'requestss_total', 'http_requests_total', 'cpu_seconds'])
        : matrix(),
    );
    await expect(meter.preflight(signal)).rejects.toMatchObject({
      code: 'bad-query',
      message: expect.stringMatching(
        /^query requests_total\{app="checkout"\}: matches no series.*Similar ones are.*requestss_total/,
      ),
    });
  });

  it('names the label that does not fit, and the values that do exist', async () => {
    const { meter } = await meterOf(({ path }) => {
      if (path.endsWith('/__name__/values')) return data(['requests_total']);
      return path.endsWith('/series')
        ? data([
            { __name__: 'requests_total', app: 'cart' },
            { __name__: 'requests_total', app: 'chekout' },
          ])
        : matrix();
    });
    await expect(meter.preflight(signal)).rejects.toThrow('app="checkout" does not fit, app is "chekout", "cart"');
  });

  it('refuses series on which errors could not be seen', async () => {
    const { meter } = await meterOf(() => matrix(series({ app: 'checkout', status: '200' }, [15, '1'], [0, '9'])));
    await expect(meter.preflight(signal)).rejects.toThrow(
      'can\'t tell errors: the series of requests have only the labels "app", "pod", "status"',
    );
  });

  it('accepts a counter of errors of its own only where it exists', async () => {
    let existing = ['requests_total', 'failures_total'];
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of a query
    const queries = { ...own, errors: 'failures_total{app="${workload}"}' };
    const { meter } = await meterOf(({ path }) => (path.endsWith('/values') ? data(existing) : matrix(growing)), {
      queries,
    });
    await expect(meter.preflight(signal)).resolves.toMatchObject({ traffic: true });
    existing = ['requests_total', 'failure_total'];
    await expect(meter.preflight(signal)).rejects.toThrow(
      /no metric failures_total\. Similar ones are .*failure_total/,
    );
  });

  it('lists the bounds of the histogram where a latency is none of them', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of a query
    const queries = { ...own, latency: 'duration_bucket{app="${workload}"}' };
    const { meter } = await meterOf(
      ({ path }) => (path.endsWith('/le/values') ? data(['0.1', '0.5', '+Inf']) : matrix(growing)),
      {
        queries,
        latencyBounds: [0.3],
      },
    );
    await expect(meter.preflight(signal)).rejects.toThrow('no bucket bound at 300ms; it has 100ms, 500ms');
  });
});

describe('the server', () => {
  it.each([
    ['AMP', 403, { message: 'Missing Authentication Token' }, 'Missing Authentication Token', /signed.*SigV4 proxy/],
    [
      'AMP without a right',
      403,
      { Message: 'User: arn:aws:sts::1 is not authorized to perform: aps:QueryMetrics' },
      'is not authorized',
      /SigV4/,
    ],
    ['Mimir without a tenant', 401, 'no org id\n', 'no org id', /X-Scope-OrgID/],
    [
      'Google',
      403,
      { error: { code: 403, message: 'Permission monitoring.timeSeries.list denied' } },
      'timeSeries.list denied',
      /right to query/,
    ],
    [
      'Google in a list',
      401,
      [{ error: { message: 'Request had invalid credentials' } }],
      'invalid credentials',
      /token/,
    ],
    [
      'Azure',
      401,
      { error: { code: 'AuthenticationFailed', message: 'Audience is not valid' } },
      'Audience is not',
      /token/,
    ],
    ['Grafana Cloud', 401, { status: 'error', error: 'authentication error: invalid scope' }, 'invalid scope', /token/],
    ['OpenShift', 403, 'Forbidden (user=system:anonymous, verb=get)', 'user=system:anonymous', /right to query/],
    ['a gateway', 403, '<html><head><title>Access\u0007 denied</title></head>', 'Access denied', /right to query/],
  ])('says why it lets nobody in: %s', async (_, status, body, words, next) => {
    const { meter } = await meterOf(() => ({ status, body }));
    await expect(meter.read(signal)).rejects.toMatchObject({
      code: 'forbidden',
      problem: expect.stringContaining(words),
      next: expect.stringMatching(next),
    });
  });

  it.each([
    ['https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1', 'SigV4'],
    ['https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1', 'the connection of a gate "sigv4"'],
    ['https://monitoring.googleapis.com/v1/projects/p/location/global/prometheus', 'google-github-actions/auth'],
    ['https://shop-a1b2.westeurope.prometheus.monitor.azure.com', 'az account get-access-token'],
    ['https://monitoring.googleapis.com/v1/projects/p/location/global/prometheus', 'monitoring.viewer'],
    ['https://shop-a1b2.westeurope.prometheus.monitor.azure.com', 'Monitoring Data Reader'],
    ['https://prometheus-prod-01-eu-west-0.grafana.net/api/prom', 'metrics:read'],
  ])('is known by its address: %s', (address, next) => {
    expect(explainRefusal(`Prometheus ${address}`, { status: 403, body: '' }, undefined).next).toContain(next);
  });

  it('is known by a page for people', async () => {
    const page = '<!DOCTYPE html>\n<html><title>Sign in — Shop</title>';
    const { meter } = await meterOf(() => ({ body: page }));
    await expect(meter.read(signal)).rejects.toMatchObject({
      code: 'not-found',
      problem: expect.stringContaining('a web page ("Sign in — Shop")'),
      next: expect.stringContaining('log in'),
    });
  });

  it('that redirects is not followed, and where to is told without what it hands on', async () => {
    const location = 'https://login.example/authorize?state=secret-state';
    const { meter } = await meterOf(() => ({ status: 302, body: '', headers: { location } }));
    const refused = meter.read(signal);
    await expect(refused).rejects.toMatchObject({
      code: 'not-found',
      problem: expect.stringContaining('a redirect to https://login.example/authorize.'),
      next: expect.stringContaining('https://'),
    });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('secret-state') });
  });

  it('that quotes the token brings it into no error', async () => {
    const { address } = await meterOf(({ headers }) => ({ status: 401, body: `bad token: ${headers.authorization}` }));
    const authorization = { kind: 'bearer' as const, token: 'very-secret' };
    const options = { kind: 'prometheus' as const, names, queries: own, latencyBounds: [] };
    const clock = { now: () => now, sleep: async () => undefined };
    const meter = createPrometheusMeter({ ...options, connection: { address, authorization } }, { clock, env: {} });
    await expect(meter.read(signal)).rejects.toMatchObject({
      problem: expect.stringContaining('bad token: Bearer ***'),
    });
  });

  it('says much only in short, and on one line', async () => {
    const body = { status: 'error', error: `x\n::stop-commands::x\u001b[31m${'y'.repeat(5_000)}` };
    const { meter } = await meterOf(() => ({ status: 422, body }));
    const error: unknown = await meter.read(signal).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ problem: expect.stringMatching(/: x ::stop-commands::xy{100,280}…\.$/) });
  });

  it('answers with a part of the names only: nothing is said to be missing', async () => {
    const { meter } = await meterOf(({ path }) =>
      path.endsWith('/values') ? { body: { status: 'success', isPartial: true, data: ['up'] } } : matrix(),
    );
    await expect(meter.preflight(signal)).rejects.toMatchObject({
      code: 'unreachable',
      problem: expect.stringContaining('a part of the data only'),
    });
  });

  it('that answers in part at first is waited for by the preflight, not for long', async () => {
    let looks = 0;
    const whole = { resultType: 'matrix', result: [growing] };
    const { meter, passed } = await meterOf(() => data(whole, ++looks < 4 ? ['a store is away'] : undefined));
    await expect(meter.preflight(signal)).resolves.toMatchObject({ traffic: true });
    expect(passed()).toBe(6_000);
    const never = await meterOf(() => data(whole, ['a store is away']));
    await expect(never.meter.preflight(signal)).rejects.toMatchObject({ code: 'unreachable' });
    expect(never.passed()).toBeLessThan(60_000);
  });

  it('says what is wrong with a query, in its own words', async () => {
    const { meter } = await meterOf(() => ({
      status: 422,
      body: { status: 'error', errorType: 'execution', error: 'too many samples' },
    }));
    await expect(meter.read(signal)).rejects.toMatchObject({
      code: 'bad-query',
      message: expect.stringMatching(/^query .*requests_total.*: was refused by Prometheus http.*: too many samples\./),
    });
  });

  it.each([
    [401, 'forbidden'],
    [403, 'forbidden'],
    [404, 'not-found'],
    [302, 'not-found'],
    [200, 'not-found'],
  ])('that answers HTTP %i without being Prometheus is %s', async (status, code) => {
    const { meter } = await meterOf(() => ({ status, body: '<html></html>' }));
    await expect(meter.read(signal)).rejects.toMatchObject({ code });
  });

  it('is told who asks, anew for every request', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meter-'));
    closing.push(() => rm(folder, { recursive: true }));
    const path = join(folder, 'token');
    await writeFile(path, 'first\n');
    const connection = {
      address: '',
      authorization: { kind: 'bearer-file' as const, path },
      headers: { 'X-Scope-OrgID': 'shop' },
    };
    const { address, requests } = await meterOf(() => matrix(growing));
    const clock = { now: () => now, sleep: async () => undefined };
    const options = { kind: 'prometheus' as const, names, queries: own, latencyBounds: [] };
    const meter = createPrometheusMeter({ ...options, connection: { ...connection, address } }, { clock, env: {} });
    await meter.read(signal);
    await writeFile(path, 'second\n');
    await meter.read(signal);
    expect(requests.at(0)?.headers).toMatchObject({ authorization: 'Bearer first', 'x-scope-orgid': 'shop' });
    expect(requests.at(-1)?.headers.authorization).toBe('Bearer second');
    const basic = { kind: 'basic' as const, username: 'me', password: 'pass' };
    await createPrometheusMeter({ ...options, connection: { address, authorization: basic } }, { clock, env: {} }).read(
      signal,
    );
    expect(requests.at(-1)?.headers.authorization).toBe(`Basic ${btoa('me:pass')}`);
  });

  it('is read below a path prefix', async () => {
    const { address, requests } = await meterOf(() => matrix(growing));
    const clock = { now: () => now, sleep: async () => undefined };
    const connection = { address: `${address}/select/0/prometheus/` };
    const options = { kind: 'prometheus' as const, names, queries: own, latencyBounds: [], connection };
    await createPrometheusMeter(options, { clock, env: {} }).read(signal);
    expect(requests.at(-1)?.path).toBe('/select/0/prometheus/api/v1/query');
  });
});

describe('an address', () => {
  const create = (connection: PrometheusOptions['connection']) => () =>
    createPrometheusMeter(
      { kind: 'prometheus', connection, names, queries: own, latencyBounds: [] },
      { clock: { now: () => now, sleep: async () => undefined }, env: {} },
    );

  it.each(['prometheus:9090', 'ftp://x', 'k8s://monitoring', 'k8s://monitoring/prometheus', ''])(
    '%j is refused',
    (address) => {
      expect(create({ address })).toThrow('neither an http(s) URL nor of the form k8s://namespace/service:port');
    },
  );

  it('with credentials in it is refused, without showing them', () => {
    expect(create({ address: 'https://me:secret@host' })).toThrow(/^(?!.*secret).*holds credentials/s);
  });

  it("through the API server can't carry credentials of its own", () => {
    const address = 'k8s://monitoring/prometheus:9090';
    expect(create({ address, authorization: { kind: 'bearer', token: 't' } })).toThrow(
      'keeps the Authorization header',
    );
    expect(create({ address, headers: { authorization: 'x' } })).toThrow('keeps the Authorization header');
  });
});

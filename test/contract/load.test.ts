import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { close, listen } from '../../lab/embedded/sockets.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Source } from '../../src/gates/ports.ts';
import type { Look } from '../../src/judge/looks/look.ts';
import type { Connection } from '../../src/remote/connection.ts';
import { type ExpectedRequest, type LoadQuery, loadSource } from '../../src/sources/load.ts';
import { openTarget } from '../../src/traffic/target.ts';
import { type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';

const world = { env: {}, clock: systemClock };
const window = { from: 0, to: 0 };
const signal = AbortSignal.timeout(60_000);
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((stop) => stop()));
});

interface Got {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A real server, and all that it got. */
async function serve(handle: (got: Got, response: ServerResponse) => void) {
  const asked: Got[] = [];
  const server = createServer(async (request, response) => {
    const { method, url: path, headers } = request;
    const chunks = await Array.fromAsync(request);
    const got = { method, path, headers, body: Buffer.concat(chunks).toString() };
    asked.push(got);
    handle(got, response);
  });
  const port = await listen(server, 0);
  const stop = async () => {
    server.closeAllConnections();
    if (server.listening) await close(server);
  };
  closing.push(stop);
  return { address: `http://127.0.0.1:${port}`, asked, stop };
}

const request = (path: string, more: Partial<ExpectedRequest> = {}): ExpectedRequest => ({
  method: 'GET',
  path,
  headers: {},
  status: undefined,
  ...more,
});

/** Some twenty requests in a fifth of a second. */
const query: LoadQuery = {
  requests: [request('/a')],
  rate: 100,
  duration: 200,
  timeout: 10_000,
  slowerThan: undefined,
  answersWith: {},
  mark: '42',
  forecast: '',
  warnings: [],
};

function sourceOf(connection: Connection, change: Partial<LoadQuery> = {}) {
  return loadSource({ ...query, ...change }, openTarget('the service at', connection, world), world);
}

const countsOf = (look: Look) => (look.kind === 'counts' ? look : expect.fail(`${look.kind}, no counts`));

/** What several looks count together, until there are so many: a busy machine sends few in one of them. */
async function lookAt(source: Source, least = 8): Promise<{ total: number; bad: number; notes: string[] }> {
  const all = { total: 0, bad: 0, notes: new Set<string>() };
  while (all.total < least) {
    const one = await source.look(window, signal);
    for (const note of one.notes ?? []) all.notes.add(note);
    if (one.kind !== 'counts') continue;
    all.total += one.total;
    all.bad += one.bad;
  }
  // How many were left out depends on the machine.
  return { ...all, notes: [...all.notes].filter((note) => !note.startsWith('fewer requests')) };
}

describe('requests of our own to a real server', () => {
  it('are marked, have the list in turn with methods, bodies and headers, and the login of their connection', async () => {
    const { address, asked } = await serve((_, response) => response.writeHead(201).end());
    const requests = [
      request('/a?b=1'),
      request('/orders', { method: 'POST', body: '{"n":1}', headers: { 'x-a': 'b' } }),
    ];
    const connection = { address: `${address}/prefix`, authorization: { kind: 'bearer', token: 's3cret' } } as const;
    const { total, bad } = await lookAt(sourceOf(connection, { requests }));
    expect(total).toBe(asked.length);
    expect(bad).toBe(0);
    const [first, second] = asked
      .toSorted((a, b) => (a.path ?? '').localeCompare(b.path ?? ''))
      .filter((_, at, all) => at === 0 || at === all.length - 1);
    expect([first?.method, first?.path, second?.method, second?.path, second?.body]).toEqual([
      'GET',
      '/prefix/a?b=1',
      'POST',
      '/prefix/orders',
      '{"n":1}',
    ]);
    expect(second?.headers).toMatchObject({
      'x-sluice-load': '42',
      'user-agent': 'sluice-load',
      'x-a': 'b',
      authorization: 'Bearer s3cret',
    });
  });

  it('count errors as bad, by the statuses that are accepted, and say which', async () => {
    const { address, asked } = await serve(({ path }, response) =>
      response.writeHead(path === '/bad' ? 503 : 404).end(),
    );
    const requests = [request('/bad'), request('/gone', { status: [404] })];
    const { total, bad, notes } = await lookAt(sourceOf({ address }, { requests }));
    expect([total, bad]).toEqual([asked.length, asked.filter(({ path }) => path === '/bad').length]);
    expect(notes).toEqual(['GET /bad was answered with HTTP 503']);
  });

  it('count what comes too late, also while nothing comes at all', async () => {
    let served = 0;
    const { address } = await serve((_, response) => {
      served += 1;
      if (served === 1) response.end();
    });
    const { total, bad, notes } = await lookAt(sourceOf({ address }, { timeout: 500 }));
    expect([bad, notes]).toEqual([total - 1, ['GET /a was not answered within 500ms']]);
  });

  it('count answers that are slower than they may be', async () => {
    const { address } = await serve((_, response) => void setTimeout(() => response.end(), 60));
    const { total, ...counted } = await lookAt(sourceOf({ address }, { slowerThan: 50 }));
    expect(counted).toEqual({ bad: total, notes: ['GET /a took longer than 50ms'] });
  });

  it('count a connection that is reset, once the server has answered', async () => {
    let served = 0;
    const { address } = await serve((_, response) => {
      served += 1;
      if (served === 1) response.end();
      else response.destroy();
    });
    const { total, bad } = await lookAt(sourceOf({ address }));
    expect(bad).toBe(total - 1);
  });

  it('do not follow a redirect', async () => {
    const other = await serve((_, response) => response.end());
    const { address } = await serve((_, response) => response.writeHead(302, { location: other.address }).end());
    const { total, ...counted } = await lookAt(sourceOf({ address }));
    expect(counted).toEqual({ bad: total, notes: ['GET /a was answered with HTTP 302'] });
    expect(other.asked).toEqual([]);
  });

  it('read no more than the beginning of an endless answer', async () => {
    const chunk = Buffer.alloc(16 * 1024);
    let closed = 0;
    const { address, asked } = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more).on('close', () => {
        closed += 1;
      });
      more();
    });
    const { total, bad } = await lookAt(sourceOf({ address }));
    expect([bad, total]).toEqual([0, asked.length]);
    await expect.poll(() => closed).toBe(asked.length);
  });

  it('know nothing of a URL that never answered: refused, silent, or without TLS', async () => {
    const gone = await serve((_, response) => response.end());
    await gone.stop();
    await expect(sourceOf({ address: gone.address }).look(window, signal)).rejects.toMatchObject({
      code: 'unreachable',
      problem: expect.stringContaining('never answered'),
    });
    const silent = await serve(() => undefined);
    await expect(sourceOf({ address: silent.address }, { timeout: 500 }).look(window, signal)).rejects.toThrow(
      'none of',
    );
    // It speaks no TLS.
    const plain = await serve((_, response) => response.end());
    const secure = sourceOf({ address: plain.address.replace('http:', 'https:') });
    await expect(secure.look(window, signal)).rejects.toThrow('never answered');
    expect(plain.asked).toEqual([]);
  });

  it('are harm where a URL has answered before', async () => {
    const { address, stop } = await serve((_, response) => response.end());
    const source = sourceOf({ address });
    expect((await lookAt(source)).bad).toBe(0);
    await stop();
    const { total, bad } = await lookAt(source);
    expect(bad).toBe(total);
  });

  it('do not count good answers of another version, and count errors that name none', async () => {
    const versions = [
      { 'x-version': 'v2' },
      { 'x-version': 'v1' },
      {},
      'error',
      { 'x-version': 'v1', fails: '1' },
    ] as const;
    let served = 0;
    const { address } = await serve((_, response) => {
      const version = versions[served++ % versions.length];
      if (version === 'error') response.writeHead(502).end();
      else response.writeHead(version && 'fails' in version ? 500 : 200, version).end();
    });
    const { total, bad, notes } = await lookAt(sourceOf({ address }, { answersWith: { 'x-version': 'v2' } }));
    const counted = Array.from({ length: served }, (_, index) => versions[index % versions.length]);
    const errors = counted.filter((version) => version === 'error').length;
    expect([total, bad]).toEqual([errors + counted.filter((version) => version === versions[0]).length, errors]);
    expect(notes).toEqual([
      'GET /a was answered with HTTP 502',
      'some answers came without x-version: v2: they may be those of another version, and do not count',
    ]);
    const wrong = await sourceOf(
      { address: (await serve((_, response) => response.end())).address },
      { answersWith: { 'x-version': 'v2' } },
    );
    expect(await wrong.look(window, signal)).toMatchObject({
      kind: 'missing',
      reason: expect.stringContaining('all answers came without'),
    });
  });

  it('stop at once when they are aborted', async () => {
    const { address, asked } = await serve(() => undefined);
    const stop = new AbortController();
    const looking = sourceOf({ address }, { duration: 20_000, timeout: 20_000 }).look(window, stop.signal);
    const settled = expect(looking).rejects.toThrow('enough');
    await expect.poll(() => asked.length).toBeGreaterThan(3);
    stop.abort(new Error('enough'));
    await settled;
  });
});

describe('requests of our own through the API server', () => {
  const address = 'k8s://shop/checkout:80';
  const permission = { apiGroup: '', resource: 'services', subresource: 'proxy', namespace: 'shop' } as const;

  async function shop(): Promise<EmbeddedCluster> {
    const cluster = await startEmbeddedCluster({ 'registry.example/shop:1': {} });
    closing.push(() => cluster.stop());
    const labels = { app: 'checkout' };
    const metadata = { name: 'checkout', namespace: 'shop' };
    cluster.api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    cluster.api.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    });
    cluster.api.put({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: 'shop', image: 'registry.example/shop:1', ports: [{ containerPort: 8080 }] }] },
        },
      },
    });
    return cluster;
  }

  function through(client: EmbeddedCluster['client'], change: Partial<LoadQuery> = {}) {
    const given = { ...world, client };
    return loadSource({ ...query, ...change }, openTarget('the service at', { address }, given), given);
  }

  it('reach the Service, and are harm where nothing answers behind it', async () => {
    const { client } = await shop();
    const unready = await through(client).look(window, signal);
    // Its pod may be ready by now.
    expect(unready.kind).toBe('counts');
    await expect
      .poll(async () => countsOf(await through(client).look(window, signal)).bad, { timeout: 20_000, interval: 10 })
      .toBe(0);
    await client.remove(
      {
        type: { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' },
        namespace: 'shop',
        name: 'checkout',
      },
      signal,
    );
    await expect
      .poll(
        async () => {
          const look = countsOf(await through(client).look(window, signal));
          return look.bad / look.total;
        },
        { timeout: 20_000, interval: 10 },
      )
      .toBe(1);
  });

  it('need the right for their methods, and are not known without it', async () => {
    const cluster = await shop();
    const reader = cluster.clientWith([{ ...permission, resource: 'services/proxy', verbs: ['get'] }]);
    expect((await through(reader).look(window, signal)).kind).toBe('counts');
    const posting = through(reader, { requests: [request('/a', { method: 'POST', body: '1' })] });
    await expect(posting.look(window, signal)).rejects.toMatchObject({ code: 'forbidden' });
    expect(posting.permissions).toEqual([{ ...permission, verbs: ['create'] }]);
  });

  it('say nothing of the Service while the API server is away', async () => {
    const { api, client } = await shop();
    api.faults.inject({ match: (info) => info?.subresource === 'proxy', drop: true });
    const look = await through(client).look(window, signal);
    expect(look).toMatchObject({ kind: 'missing', reason: expect.stringContaining('no request got through') });
    api.faults.clear();
    api.faults.inject({ match: (info) => info?.subresource === 'proxy', status: 429, retryAfter: 1 });
    expect((await through(client).look(window, signal)).kind).toBe('missing');
  });

  it('never lead out of the proxy of their Service, nor carry what the API server would read', async () => {
    const { client } = await shop();
    for (const path of ['/../../../secrets', '/%2e%2e/x', '/a#b', '//..\\x'])
      await expect(through(client, { requests: [request(path)] }).look(window, signal)).rejects.toMatchObject({
        code: 'invalid-input',
      });
    for (const header of ['Authorization', 'Impersonate-User', 'X-Remote-Group', 'Upgrade'])
      await expect(
        through(client, { requests: [request('/a', { headers: { [header]: 'x' } })] }).look(window, signal),
      ).rejects.toMatchObject({ code: 'invalid-input' });
    expect(() => openTarget('it', { address, headers: { 'impersonate-user': 'admin' } }, { ...world, client })).toThrow(
      'is read by the API server',
    );
    expect(() =>
      openTarget('it', { address, authorization: { kind: 'bearer', token: 'x' } }, { ...world, client }),
    ).toThrow('keeps credentials');
  });
});

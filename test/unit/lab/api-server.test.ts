import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from '../../../lab/embedded/api-server/index.ts';
import { configMaps } from '../../../lab/embedded/api-server/resources.ts';
import { createClient, type KubernetesClient } from '../../../src/cluster/client.ts';
import { loadConfig } from '../../../src/cluster/kubeconfig.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { connect } from '../../../src/cluster/transport.ts';

let api: ApiServer;
let client: KubernetesClient;

beforeEach(async () => {
  api = await startApiServer({ bookmarkInterval: 20 });
  client = clientFor('admin');
});
afterEach(async () => {
  await client.close();
  await api.stop();
});

function clientFor(user: string): KubernetesClient {
  const config = loadConfig({ kubeconfig: api.kubeconfig({ user }), context: '', env: {} });
  return createClient(connect(config, {}), { attemptTimeout: 500, deadline: 3_000, startTime: 50 });
}

const signal = () => AbortSignal.timeout(5_000);
const reference = { type: resources.configMap, namespace: 'default', name: 'settings' };
const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' } };

describe('as a server for clients', () => {
  test('the official client reads from it with the kubeconfig that it gives', async () => {
    api.put(manifest);
    const config = new KubeConfig();
    config.loadFromString(api.kubeconfig());
    const list = await config.makeApiClient(CoreV1Api).listNamespacedConfigMap({ namespace: 'default' });
    expect(list.items.map((item) => item.metadata?.name)).toEqual(['settings']);
  });

  test('lists what it serves', async () => {
    const answer = await request(`${api.url}/apis/apps/v1`);
    expect(await answer.body.json()).toMatchObject({
      groupVersion: 'apps/v1',
      resources: expect.arrayContaining([
        expect.objectContaining({ name: 'deployments', kind: 'Deployment', namespaced: true }),
        expect.objectContaining({ name: 'deployments/scale' }),
      ]),
    });
  });
});

describe('users', () => {
  const viewer = (verbs: string[]) => ({
    name: 'viewer',
    token: 'viewer-token',
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs, namespaces: ['default'] }],
  });

  test('may do what their rules say and nothing else', async () => {
    api.put(manifest);
    api.setUser(viewer(['get']));
    const limited = clientFor('viewer');
    await expect(limited.get(reference, signal())).resolves.toMatchObject({ kind: 'ConfigMap' });
    await expect(limited.patchMerge(reference, {}, signal())).rejects.toMatchObject({ code: 'forbidden', status: 403 });
    const permission = { apiGroup: '', resource: 'configmaps', verbs: ['get', 'patch'], namespace: 'default' };
    expect(await limited.missingVerbs(permission, signal())).toEqual(['patch']);
    await limited.close();
  });

  test('lose and gain rights while they are connected', async () => {
    api.put(manifest);
    api.setUser(viewer(['get']));
    const limited = clientFor('viewer');
    api.setUser(viewer([]));
    await expect(limited.get(reference, signal())).rejects.toMatchObject({ status: 403 });
    api.setUser({ ...viewer(['get']), token: 'renewed' });
    await expect(limited.get(reference, signal())).rejects.toMatchObject({ status: 401 });
    await limited.close();
  });

  test('need the right to create as well for an apply that creates', async () => {
    api.setUser(viewer(['patch']));
    const limited = clientFor('viewer');
    await expect(limited.apply(resources.configMap, manifest, signal())).rejects.toMatchObject({ status: 403 });
    await limited.close();
  });
});

describe('the audit log', () => {
  test('tells who did what as which field manager, and how it ended', async () => {
    await client.create(resources.configMap, manifest, signal());
    await client.find({ ...reference, name: 'absent' }, signal());
    await client.apply(resources.configMap, manifest, signal(), { dryRun: true });
    expect(api.audit).toMatchObject([
      {
        user: 'admin',
        verb: 'create',
        resource: 'configmaps',
        namespace: 'default',
        fieldManager: 'sluice',
        status: 201,
      },
      { verb: 'get', name: 'absent', status: 404 },
      { verb: 'patch', name: 'settings', dryRun: true, contentType: 'application/apply-patch+yaml', status: 200 },
    ]);
    expect(JSON.parse(api.audit[0]?.body ?? '')).toEqual(manifest);
  });
});

describe('faults', () => {
  test('an answered fault hits so many requests of those it matches, and a client that repeats itself gets through', async () => {
    api.put(manifest);
    api.faults.inject({ match: (info) => info?.resource === configMaps, status: 503, times: 2 });
    await expect(client.get(reference, signal())).resolves.toMatchObject({ kind: 'ConfigMap' });
    expect(api.audit.map(({ status }) => status)).toEqual([503, 503, 200]);
  });

  test('429 carries Retry-After', async () => {
    const heal = api.faults.inject({ status: 429, retryAfter: 7 });
    const throttled = await request(`${api.url}/version`);
    expect([throttled.statusCode, throttled.headers['retry-after']]).toEqual([429, '7']);
    await throttled.body.dump();
    heal();
    const healed = await request(`${api.url}/version`);
    expect(healed.statusCode).toBe(200);
    await healed.body.dump();
  });

  test('a dropped connection gives no answer', async () => {
    api.faults.inject({ drop: true, times: 1 });
    await expect(request(`${api.url}/version`)).rejects.toThrow('other side closed');
    await expect.poll(() => api.audit.map(({ status }) => status)).toEqual([0]);
  });

  test('a delay holds the answer back', async () => {
    api.faults.inject({ delay: 80 });
    const begun = performance.now();
    await (await request(`${api.url}/version`)).body.dump();
    expect(performance.now() - begun).toBeGreaterThan(75);
  });

  test('stopped, it refuses connections; started again, it has its port and its objects', async () => {
    const before = api.put(manifest);
    await api.stop();
    await expect(request(`${api.url}/version`)).rejects.toThrow('ECONNREFUSED');
    const waiting = client.get(reference, signal());
    await api.start();
    expect(await waiting).toEqual(before);
  });
});

describe('watches', () => {
  async function* named(): AsyncGenerator<string> {
    const watching = new AbortController();
    try {
      for await (const { type, object } of client.watch(resources.configMap, 'default', {}, watching.signal)) {
        yield `${type} ${object.metadata.name}`;
      }
    } finally {
      watching.abort();
    }
  }
  const put = (name: string) => api.put({ ...manifest, metadata: { ...manifest.metadata, name } });

  test('go on after their connection was cut', async () => {
    const events = named();
    put('one');
    expect((await events.next()).value).toBe('ADDED one');
    const next = events.next();
    await expect.poll(() => api.watches()).toBe(1);
    api.dropConnections();
    put('two');
    const seen = [(await next).value];
    while (!seen.includes('ADDED two')) seen.push((await events.next()).value);
    await events.return(undefined);
  });

  test('are told when the past is forgotten', async () => {
    put('one');
    api.storage.compact();
    const path = '/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=1';
    const answer = await request(`${api.url}${path}`, { headers: { authorization: 'Bearer embedded-admin-token' } });
    expect(answer.statusCode).toBe(200);
    expect(await answer.body.json()).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
  });

  test('get bookmarks where they ask for them', async () => {
    const path = '/api/v1/namespaces/default/configmaps?watch=true&allowWatchBookmarks=true';
    const answer = await request(`${api.url}${path}`, { headers: { authorization: 'Bearer embedded-admin-token' } });
    for await (const chunk of answer.body) {
      expect(JSON.parse(String(chunk))).toMatchObject({
        type: 'BOOKMARK',
        object: { kind: 'ConfigMap', metadata: { resourceVersion: String(api.storage.revision()) } },
      });
      break;
    }
  });
});

test('what is stored can’t be changed by who has read it', () => {
  const stored = api.put(manifest);
  expect(() => {
    stored.metadata.name = 'changed';
  }).toThrow(TypeError);
});

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { configMaps } from '../../lab/embedded/api-server/resources.ts';
import { createClient } from '../../src/cluster/client.ts';
import { ApiError } from '../../src/cluster/errors.ts';
import { createInformer } from '../../src/cluster/informer.ts';
import { checkPermissions, permissionTo } from '../../src/cluster/permissions.ts';
import { resources } from '../../src/cluster/resources.ts';
import type { Manifest } from '../../src/cluster/schema.ts';
import { type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { openTarget } from './target.ts';

const target = await openTarget();
const { namespace } = target;
const client = createClient(target.connection);
afterAll(() => target.close());

const signal = new AbortController().signal;
const type = resources.configMap;
const at = (name: string) => ({ type, namespace, name });

function configMap(name: string, data: Record<string, string>, metadata: object = {}): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, ...metadata }, data };
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await sleep(5);
}

describe('an object', () => {
  test('is made, read, replaced and removed', async () => {
    const made = await client.create(type, configMap('life', { a: '1' }), signal);
    expect(await client.get(at('life'), signal)).toMatchObject({ kind: 'ConfigMap', data: { a: '1' } });
    const { resourceVersion } = made.metadata;
    await client.replace(type, configMap('life', { a: '2' }, { resourceVersion }), signal);
    await expect(
      client.replace(type, configMap('life', { a: '3' }, { resourceVersion }), signal),
    ).rejects.toMatchObject({
      code: 'conflict',
      status: 409,
      about: `ConfigMap ${namespace}/life`,
    });
    await client.remove(at('life'), signal);
    await client.remove(at('life'), signal);
    expect(await client.find(at('life'), signal)).toBeUndefined();
    await expect(client.get(at('life'), signal)).rejects.toMatchObject({ code: 'not-found', status: 404 });
  });

  test('that is there already can not be made', async () => {
    await client.create(type, configMap('twice', {}), signal);
    await expect(client.create(type, configMap('twice', {}), signal)).rejects.toMatchObject({
      code: 'conflict',
      reason: 'AlreadyExists',
    });
  });

  test('is found in a list by its labels, with its kind', async () => {
    await client.create(type, configMap('listed', {}, { labels: { pick: 'me' } }), signal);
    await client.create(type, configMap('unlisted', {}), signal);
    const found = await client.list(type, namespace, { labelSelector: 'pick=me' }, signal);
    expect(found).toMatchObject([{ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'listed' } }]);
  });

  test('of a kind that the cluster does not serve is told apart from one that is missing', async () => {
    const unknown = { apiVersion: 'unknown.example/v1', kind: 'Unknown', plural: 'unknowns' };
    await expect(client.get({ type: unknown, namespace, name: 'x' }, signal)).rejects.toMatchObject({
      code: 'not-found',
      next: expect.stringContaining('does not serve unknown.example/v1'),
    });
  });
});

describe('a JSON Patch', () => {
  test('changes what it names', async () => {
    await client.create(type, configMap('patched', { a: '1', b: '1' }), signal);
    const test = { op: 'test', path: '/data/a', value: '1' } as const;
    await client.patchJson(at('patched'), [test, { op: 'replace', path: '/data/a', value: '2' }], signal);
    expect(await client.get(at('patched'), signal)).toMatchObject({ data: { a: '2', b: '1' } });
  });

  test.each([
    ['another value', { op: 'test', path: '/data/a', value: 'other' }],
    ['a missing value', { op: 'test', path: '/data/missing', value: 'x' }],
    ['a missing value to remove', { op: 'remove', path: '/data/missing' }],
    ['another resourceVersion', { op: 'test', path: '/metadata/resourceVersion', value: '1' }],
  ] as const)('is a conflict where it meets %s', async (title, operation) => {
    const name = title.replaceAll(' ', '-').toLowerCase();
    await client.create(type, configMap(name, { a: '1' }), signal);
    const change = { op: 'replace', path: '/data/a', value: '2' } as const;
    await expect(client.patchJson(at(name), [operation, change], signal)).rejects.toMatchObject({ code: 'conflict' });
    expect(await client.get(at(name), signal)).toMatchObject({ data: { a: '1' } });
  });
});

describe('server-side apply', () => {
  test('makes and changes own fields, and meets those of others as a conflict', async () => {
    await client.apply(type, configMap('applied', { mine: '1' }), signal);
    await client.patchMerge(at('applied'), { data: { theirs: '1' } }, signal);
    await client.apply(type, configMap('applied', { mine: '2' }), signal);
    expect(await client.get(at('applied'), signal)).toMatchObject({ data: { mine: '2', theirs: '1' } });

    await target.call('PATCH', `/api/v1/namespaces/${namespace}/configmaps/applied?fieldManager=other`, {
      contentType: 'application/merge-patch+json',
      body: { data: { mine: 'theirs now' } },
    });
    await expect(client.apply(type, configMap('applied', { mine: '3' }), signal)).rejects.toMatchObject({
      code: 'conflict',
    });
    await client.apply(type, configMap('applied', { mine: '3' }), signal, { force: true });
    expect(await client.get(at('applied'), signal)).toMatchObject({ data: { mine: '3' } });
  });

  test('changes nothing as a dry run', async () => {
    const shown = await client.apply(type, configMap('dry', { a: '1' }), signal, { dryRun: true });
    expect(shown).toMatchObject({ data: { a: '1' } });
    expect(await client.find(at('dry'), signal)).toBeUndefined();
  });
});

test('what can not be right is refused with the words of the server', async () => {
  const bad = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'Not A Name', namespace } };
  await expect(client.create(type, bad, signal)).rejects.toBeInstanceOf(ApiError);
  await expect(client.create(type, bad, signal)).rejects.toMatchObject({ code: 'invalid-input', status: 422 });
});

describe('a watch', () => {
  test('tells what is there and then each change, and ends without an error', async () => {
    await client.create(type, configMap('seen-1', {}, { labels: { watched: 'yes' } }), signal);
    const end = new AbortController();
    const told: string[] = [];
    const watching = (async () => {
      for await (const event of client.watch(type, namespace, { labelSelector: 'watched=yes' }, end.signal)) {
        told.push(`${event.type} ${event.object.metadata.name}`);
      }
    })();
    await until(() => told.length === 1);
    await client.create(type, configMap('seen-2', {}, { labels: { watched: 'yes' } }), signal);
    await client.create(type, configMap('unseen', {}), signal);
    await client.patchMerge(at('seen-1'), { data: { a: '1' } }, signal);
    await client.remove(at('seen-2'), signal);
    await until(() => told.length === 4);
    end.abort();
    await watching;
    expect(told).toEqual(['ADDED seen-1', 'ADDED seen-2', 'MODIFIED seen-1', 'DELETED seen-2']);
  });
});

describe('against a server that misbehaves', () => {
  let cluster: EmbeddedCluster;
  beforeAll(async () => {
    cluster = await startEmbeddedCluster({});
  });
  afterAll(() => cluster.stop());

  const inDefault = (name: string): Manifest => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
  });

  test('an informer goes on after a broken connection, and forgets what was deleted meanwhile', async () => {
    const { api, client: own } = cluster;
    await own.create(type, inDefault('kept'), signal);
    await own.create(type, inDefault('deleted'), signal);
    const source = { type, namespace: 'default', selector: {} };
    const informer = createInformer(own, source, cluster.lifetime, () => undefined);
    const names = async () => (await informer.objects(signal)).map(({ metadata }) => metadata.name).sort();
    expect(await names()).toEqual(['deleted', 'kept']);

    await api.stop();
    api.registry.remove({ resource: configMaps, namespace: 'default', name: 'deleted' }, {});
    await api.start();
    await own.create(type, inDefault('new'), signal);
    await until(async () => (await names()).includes('new'));
    expect(await names()).toEqual(['kept', 'new']);
  });

  test('an informer that was refused says so, and asks again at the next look', async () => {
    const refused = cluster.clientWith([]);
    const source = { type, namespace: 'default', selector: {} };
    const informer = createInformer(refused, source, cluster.lifetime, () => undefined);
    await expect(informer.objects(signal)).rejects.toMatchObject({ code: 'forbidden' });
    cluster.api.setUser({
      name: 'limited',
      token: 'limited-token',
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] }],
    });
    expect(await informer.objects(signal)).not.toEqual([]);
    await refused.close();
  });

  test('all missing rights are told at once, with the Roles to add', async () => {
    const limited = cluster.clientWith([permissionTo(['get', 'list'], resources.deployment, 'default')]);
    const needed = [
      permissionTo(['get', 'patch'], resources.deployment, 'default'),
      permissionTo(['get'], resources.configMap, 'default'),
      { apiGroup: '', resource: 'pods', subresource: 'proxy', verbs: ['get'], namespace: 'default' },
    ];
    await checkPermissions(limited, [permissionTo(['list'], resources.deployment, 'default')], signal);
    const error = await checkPermissions(limited, needed, signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'forbidden',
      problem:
        'are missing: get configmaps in namespace default; get pods/proxy in namespace default; patch deployments in namespace default.',
    });
    const { next } = z.looseObject({ next: z.string() }).parse(error);
    expect(next).toContain('kind: Role');
    expect(next).toContain('- pods/proxy');
    await limited.close();
  });

  test('one missing right that is met later names the rule to add', async () => {
    const limited = cluster.clientWith([]);
    await expect(limited.get({ type, namespace: 'default', name: 'x' }, signal)).rejects.toMatchObject({
      code: 'forbidden',
      problem: expect.stringContaining('the right to get configmaps in namespace default is missing'),
    });
    await limited.close();
  });
});

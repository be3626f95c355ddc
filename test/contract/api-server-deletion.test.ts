import { describe, expect, test } from 'vitest';
import { configMap, configMaps, create, eventually, mergePatch, target } from './api-server-target.ts';
import { anyObject } from './target.ts';

describe('delete', () => {
  test('answers with a Status and the object is gone', async () => {
    const { metadata } = await create(configMaps(), configMap('deleted'));
    expect(await target.call('DELETE', configMaps('deleted'))).toMatchObject({
      status: 200,
      body: { kind: 'Status', status: 'Success', details: { name: 'deleted', kind: 'configmaps', uid: metadata.uid } },
    });
    expect(await target.call('DELETE', configMaps('deleted'))).toMatchObject({ status: 404 });
  });

  test('preconditions on uid and resourceVersion must hold', async () => {
    await create(configMaps(), configMap('conditional'));
    for (const preconditions of [{ uid: 'other' }, { resourceVersion: '1' }]) {
      const answer = await target.call('DELETE', configMaps('conditional'), { body: { preconditions } });
      expect(answer).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
    }
  });

  test('finalizers hold the object until the last one is taken off', async () => {
    await create(configMaps(), configMap('held', {}, { finalizers: ['contract.test/hold'] }));
    await target.call('DELETE', configMaps('held'));
    expect(await target.object('GET', configMaps('held'))).toMatchObject({
      metadata: { deletionTimestamp: expect.any(String) },
    });
    await target.object('PATCH', configMaps('held'), {
      body: { metadata: { finalizers: null } },
      contentType: mergePatch,
    });
    expect(await target.call('GET', configMaps('held'))).toMatchObject({ status: 404 });
  });

  test('dependents are collected after their owner, and not before the last owner', async (context) => {
    if (!target.has.controllers) context.skip();
    const owner = (name: string, uid: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name, uid });
    const one = await create(configMaps(), configMap('owner-1'));
    const two = await create(configMaps(), configMap('owner-2'));
    const ownerReferences = [owner('owner-1', one.metadata.uid), owner('owner-2', two.metadata.uid)];
    await create(configMaps(), configMap('owned-by-both', {}, { ownerReferences }));
    await create(configMaps(), configMap('owned-by-one', {}, { ownerReferences: [ownerReferences[0]] }));
    await target.call('DELETE', configMaps('owner-1'), { body: { propagationPolicy: 'Background' } });
    await eventually(configMaps('owned-by-one'), (status) => status === 404);
    expect(await target.call('GET', configMaps('owned-by-both'))).toMatchObject({ status: 200 });
    await target.call('DELETE', configMaps('owner-2'));
    await eventually(configMaps('owned-by-both'), (status) => status === 404);
  });

  test('orphaned dependents stay', async (context) => {
    if (!target.has.controllers) context.skip();
    const { metadata } = await create(configMaps(), configMap('leaving'));
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'leaving', uid: metadata.uid }];
    await create(configMaps(), configMap('orphan', {}, { ownerReferences }));
    await target.call('DELETE', configMaps('leaving'), { body: { propagationPolicy: 'Orphan' } });
    await eventually(configMaps('leaving'), (status) => status === 404);
    const { body } = await target.call('GET', configMaps('orphan'));
    expect(anyObject.parse(body).metadata.ownerReferences).toEqual([]);
  });
});

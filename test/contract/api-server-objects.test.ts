import { describe, expect, test } from 'vitest';
import {
  configMap,
  configMaps,
  create,
  deployment,
  deployments,
  leases,
  mergePatch,
  target,
} from './api-server-target.ts';

describe('create, get and errors', () => {
  test('a created object has uid, resourceVersion, creationTimestamp and no generation where its kind has none', async () => {
    const created = await create(configMaps(), configMap('created', { a: '1' }));
    expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(created.metadata.resourceVersion).toMatch(/^\d+$/);
    expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(created.metadata.generation).toBeUndefined();
    expect(await target.object('GET', configMaps('created'))).toEqual(created);
  });

  test('creating it again is 409 AlreadyExists', async () => {
    await create(configMaps(), configMap('twice'));
    expect(await target.call('POST', configMaps(), { body: configMap('twice') })).toMatchObject({
      status: 409,
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason: 'AlreadyExists',
        message: 'configmaps "twice" already exists',
        details: { name: 'twice', kind: 'configmaps' },
        code: 409,
      },
    });
  });

  test('what does not exist is 404 NotFound, with the group in its name', async () => {
    expect(await target.call('GET', deployments('absent'))).toMatchObject({
      status: 404,
      body: {
        reason: 'NotFound',
        message: 'deployments.apps "absent" not found',
        details: { name: 'absent', group: 'apps', kind: 'deployments' },
      },
    });
  });

  test('a resource that is not served is 404 with another message', async () => {
    const { status, body } = await target.call('GET', `/api/v1/namespaces/${target.namespace}/unknowns/x`);
    expect(status).toBe(404);
    expect(body).toMatchObject({ reason: 'NotFound', message: 'the server could not find the requested resource' });
  });

  test('a namespace that does not exist is named', async () => {
    const path = '/api/v1/namespaces/contract-absent/configmaps';
    expect(await target.call('POST', path, { body: configMap('x') })).toMatchObject({
      status: 404,
      body: { message: 'namespaces "contract-absent" not found', details: { kind: 'namespaces' } },
    });
  });

  test('a generated name begins with generateName', async () => {
    const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'generated-' } };
    const created = await create(configMaps(), manifest);
    expect(created.metadata.name).toMatch(/^generated-[a-z0-9]{5}$/);
  });

  test.each([
    ['a name', configMap('No_Name'), 'metadata.name'],
    ['a label', configMap('bad-label', {}, { labels: { a: 'not/valid' } }), 'metadata.labels'],
  ])('%s that is not allowed is 422 Invalid with a cause', async (_, body, field) => {
    const answer = await target.call('POST', configMaps(), { body });
    expect(answer).toMatchObject({
      status: 422,
      body: { reason: 'Invalid', details: { kind: 'ConfigMap', causes: [{ reason: 'FieldValueInvalid', field }] } },
    });
  });

  test('a label of the wrong type is 400 BadRequest', async () => {
    const body = configMap('bad-type', {}, { labels: { a: 5 } });
    expect(await target.call('POST', configMaps(), { body })).toMatchObject({
      status: 400,
      body: { reason: 'BadRequest' },
    });
  });

  test('a Deployment whose selector does not match its template is refused, as is a change of the selector', async () => {
    const mismatched = deployment('mismatched', { selector: { matchLabels: { app: 'other' } } });
    expect(await target.call('POST', deployments(), { body: mismatched })).toMatchObject({
      status: 422,
      body: { details: { group: 'apps', kind: 'Deployment', causes: [{ field: 'spec.template.metadata.labels' }] } },
    });
    await create(deployments(), deployment('selected'));
    const labels = { app: 'other' };
    const change = { spec: { selector: { matchLabels: labels }, template: { metadata: { labels } } } };
    expect(
      await target.call('PATCH', deployments('selected'), { body: change, contentType: mergePatch }),
    ).toMatchObject({ status: 422, body: { details: { causes: [{ field: 'spec.selector' }] } } });
  });

  test('the stringData of a Secret comes back encoded', async () => {
    const path = `/api/v1/namespaces/${target.namespace}/secrets`;
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret' }, stringData: { key: 'value' } };
    expect(await create(path, secret)).toMatchObject({ data: { key: 'dmFsdWU=' }, type: 'Opaque' });
  });
});

describe('generation and resourceVersion', () => {
  test('generation counts changes of the spec, resourceVersion every change, and a write that changes nothing neither', async () => {
    const first = await create(deployments(), deployment('counted', { paused: true }));
    expect(first.metadata.generation).toBe(1);
    const merge = (change: object) =>
      target.object('PATCH', deployments('counted'), { body: change, contentType: mergePatch });
    const labelled = await merge({ metadata: { labels: { a: 'b' } } });
    expect(labelled.metadata.generation).toBe(1);
    expect(labelled.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
    const scaled = await merge({ spec: { minReadySeconds: 3 } });
    expect(scaled.metadata.generation).toBe(2);
  });

  test('a write that changes nothing keeps the resourceVersion', async () => {
    const first = await create(configMaps(), configMap('unchanged', { a: '1' }));
    const again = { body: { data: { a: '1' } }, contentType: mergePatch };
    const second = await target.object('PATCH', configMaps('unchanged'), again);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test('an update with an old resourceVersion is 409 Conflict', async () => {
    const first = await create(configMaps(), configMap('raced', { a: '1' }));
    await target.object('PUT', configMaps('raced'), { body: { ...first, data: { a: '2' } } });
    expect(await target.call('PUT', configMaps('raced'), { body: { ...first, data: { a: '3' } } })).toMatchObject({
      status: 409,
      body: {
        reason: 'Conflict',
        message:
          'Operation cannot be fulfilled on configmaps "raced": the object has been modified; ' +
          'please apply your changes to the latest version and try again',
      },
    });
  });

  test('so is a patch that names an old one', async () => {
    await create(configMaps(), configMap('raced-patch', { a: '1' }));
    const body = { metadata: { resourceVersion: '1' }, data: { a: '2' } };
    expect(await target.call('PATCH', configMaps('raced-patch'), { body, contentType: mergePatch })).toMatchObject({
      status: 409,
      body: { reason: 'Conflict' },
    });
  });

  test('an update without a resourceVersion overwrites a ConfigMap', async () => {
    await create(configMaps(), configMap('overwritten', { a: '1' }));
    const body = configMap('overwritten', { b: '2' });
    expect(await target.object('PUT', configMaps('overwritten'), { body })).toMatchObject({ data: { b: '2' } });
  });

  test('a uid in the update must be the object’s', async () => {
    await create(configMaps(), configMap('other-uid'));
    const body = configMap('other-uid', {}, { uid: '00000000-0000-0000-0000-000000000000' });
    expect(await target.call('PUT', configMaps('other-uid'), { body })).toMatchObject({ status: 409 });
  });
});

describe('dry run', () => {
  test('answers as if it had been done and stores nothing', async () => {
    const before = await create(deployments(), deployment('dry'));
    const body = { spec: { minReadySeconds: 5 } };
    const answer = await target.object('PATCH', `${deployments('dry')}?dryRun=All`, { body, contentType: mergePatch });
    expect(answer).toMatchObject({ spec: { minReadySeconds: 5 }, metadata: { generation: 2 } });
    expect(await target.object('GET', deployments('dry'))).toMatchObject({
      spec: before.spec,
      metadata: { generation: 1 },
    });
  });

  test('creates and deletes nothing', async () => {
    const post = await target.call('POST', `${configMaps()}?dryRun=All`, { body: configMap('dry-created') });
    expect(post.status).toBe(201);
    expect(await target.call('GET', configMaps('dry-created'))).toMatchObject({ status: 404 });
    await create(configMaps(), configMap('dry-deleted'));
    expect(await target.call('DELETE', `${configMaps('dry-deleted')}?dryRun=All`)).toMatchObject({ status: 200 });
    expect(await target.call('GET', configMaps('dry-deleted'))).toMatchObject({ status: 200 });
  });

  test('any other value is 422', async () => {
    const body = configMap('dry-some');
    expect(await target.call('POST', `${configMaps()}?dryRun=Some`, { body })).toMatchObject({ status: 422 });
  });
});

describe('subresources', () => {
  test('a write to the object leaves its status, a write to status leaves the object', async () => {
    // A paused Deployment is left alone by its controller.
    await create(deployments(), deployment('split', { paused: true }));
    const viaObject = { body: { status: { replicas: 7 } }, contentType: mergePatch };
    const object = await target.object('PATCH', deployments('split'), viaObject);
    expect(object.status).not.toMatchObject({ replicas: 7 });
    const viaStatus = {
      body: { spec: { minReadySeconds: 9 }, status: { collisionCount: 7 } },
      contentType: mergePatch,
    };
    const status = await target.object('PATCH', `${deployments('split')}/status?fieldManager=tester`, viaStatus);
    expect(status).toMatchObject({ metadata: { generation: 1 }, status: { collisionCount: 7 } });
    expect(status.spec).not.toMatchObject({ minReadySeconds: 9 });
    expect(status.metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: 'tester', operation: 'Update', subresource: 'status' }),
    );
  });

  test('scale reads and sets the replicas; none at all are left out', async () => {
    await create(deployments(), deployment('scaled', { paused: true }));
    const path = `${deployments('scaled')}/scale`;
    const { body } = await target.call('GET', path);
    expect(body).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', status: { selector: 'app=scaled' } });
    expect(body).toHaveProperty('spec', {});
    const scaled = await target.call('PATCH', path, { body: { spec: { replicas: 2 } }, contentType: mergePatch });
    expect(scaled).toMatchObject({ status: 200, body: { kind: 'Scale', spec: { replicas: 2 } } });
    expect(await target.object('GET', deployments('scaled'))).toMatchObject({
      spec: { replicas: 2 },
      metadata: { generation: 2 },
    });
  });
});

describe('Lease', () => {
  const lease = (name: string, holderIdentity: string, metadata: object = {}) => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, ...metadata },
    spec: { holderIdentity, leaseDurationSeconds: 15 },
  });

  test('of two that take it from the same state, one wins', async () => {
    const seen = await create(leases(), lease('taken', ''));
    const take = (holder: string) =>
      target.call('PUT', leases('taken'), {
        body: { ...seen, spec: { holderIdentity: holder, leaseDurationSeconds: 15 } },
      });
    const answers = await Promise.all([take('one'), take('two')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('an update must say which state it is based on', async () => {
    await create(leases(), lease('blind', 'one'));
    expect(await target.call('PUT', leases('blind'), { body: lease('blind', 'two') })).toMatchObject({
      status: 422,
      body: { details: { causes: [{ field: 'metadata.resourceVersion' }] } },
    });
  });
});

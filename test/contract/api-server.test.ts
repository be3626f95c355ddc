import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { anyObject, openTarget, type Target } from './target.ts';

/**
 * What Sluice relies on in an API server. Runs against the embedded double, and against a real server where
 * SLUICE_CONTRACT_KUBECONFIG names one (SLUICE_CONTRACT_IMAGE: an image that serves HTTP on port 8080, where pods run).
 */
let target: Target;

beforeAll(async () => {
  target = await openTarget();
});
afterAll(async () => {
  await target.close();
});

const anyList = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  items: z.array(anyObject),
});
const workload = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({ containers: z.array(z.looseObject({ name: z.string(), image: z.string() })) }),
    }),
  }),
  status: z
    .looseObject({ observedGeneration: z.number().optional(), availableReplicas: z.number().optional() })
    .optional(),
});

const jsonPatch = 'application/json-patch+json';
const mergePatch = 'application/merge-patch+json';
const strategicMergePatch = 'application/strategic-merge-patch+json';
const applyPatch = 'application/apply-patch+yaml';

function configMaps(name = ''): string {
  return `/api/v1/namespaces/${target.namespace}/configmaps${name === '' ? '' : `/${name}`}`;
}
function deployments(name = ''): string {
  return `/apis/apps/v1/namespaces/${target.namespace}/deployments${name === '' ? '' : `/${name}`}`;
}
function leases(name = ''): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${target.namespace}/leases${name === '' ? '' : `/${name}`}`;
}
function pods(name = ''): string {
  return `/api/v1/namespaces/${target.namespace}/pods${name === '' ? '' : `/${name}`}`;
}
function virtualServices(name = ''): string {
  return `/apis/networking.istio.io/v1/namespaces/${target.namespace}/virtualservices${name === '' ? '' : `/${name}`}`;
}

function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data };
}

function deployment(name: string, spec: object = {}, containers: object[] = [{ name: 'app', image: 'app:1' }]) {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas: 0, selector: { matchLabels: labels }, template, ...spec },
  };
}

function virtualService(name: string, weight: number) {
  const route = [
    { destination: { host: 'shop', subset: 'stable' }, weight: 100 - weight },
    { destination: { host: 'shop', subset: 'canary' }, weight },
  ];
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name },
    spec: { hosts: ['shop'], http: [{ route }] },
  };
}

function create(path: string, body: unknown) {
  return target.object('POST', `${path}?fieldManager=creator`, { body });
}

function itemsOf(body: unknown) {
  return anyList.parse(body).items;
}

function containersOf(body: unknown) {
  return workload.parse(body).spec.template.spec.containers;
}

/** Asks again until the answer is as wanted: for what controllers do in their own time. */
async function eventually(path: string, wanted: (status: number, body: unknown) => boolean): Promise<unknown> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    const { status, body } = await target.call('GET', path);
    if (wanted(status, body)) return body;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${path} did not become as wanted.`);
}

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

describe('JSON Patch', () => {
  const patch = (path: string, body: unknown) => target.call('PATCH', path, { body, contentType: jsonPatch });

  test('applies its operations when every test holds', async () => {
    await create(configMaps(), configMap('patched', { weight: '10' }));
    const answer = await patch(configMaps('patched'), [
      { op: 'test', path: '/data/weight', value: '10' },
      { op: 'replace', path: '/data/weight', value: '20' },
      { op: 'add', path: '/metadata/annotations', value: { 'a/b': 'c' } },
    ]);
    expect(answer).toMatchObject({
      status: 200,
      body: { data: { weight: '20' }, metadata: { annotations: { 'a/b': 'c' } } },
    });
  });

  test('a failed test is 422 Invalid, does not say which, and changes nothing', async () => {
    const before = await create(configMaps(), configMap('tested', { weight: '10' }));
    const answer = await patch(configMaps('tested'), [
      { op: 'replace', path: '/data/weight', value: '30' },
      { op: 'test', path: '/data/weight', value: '20' },
    ]);
    expect(answer).toEqual({
      status: 422,
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'the server rejected our request due to an error in our request',
        reason: 'Invalid',
        details: {},
        code: 422,
      },
    });
    expect(await target.object('GET', configMaps('tested'))).toEqual(before);
  });

  test.each([
    ['a path whose parent is absent', { op: 'add', path: '/nowhere/a', value: '1' }],
    ['the removal of an absent field', { op: 'remove', path: '/data/absent' }],
    ['a test of an absent field', { op: 'test', path: '/data/absent', value: '1' }],
    ['an unknown operation', { op: 'shift', path: '/data/weight' }],
  ])('%s is 422 too', async (title, operation) => {
    const name = `rejected-${title.replaceAll(/[^a-z]/g, '-')}`;
    await create(configMaps(), configMap(name, { weight: '10' }));
    expect(await patch(configMaps(name), [operation])).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
  });

  test('a test for null holds on an absent field', async () => {
    await create(configMaps(), configMap('null-test', { a: '1' }));
    expect(await patch(configMaps('null-test'), [{ op: 'test', path: '/data/absent', value: null }])).toMatchObject({
      status: 200,
    });
  });

  test('a test compares whole values, whatever the order of their fields', async () => {
    await create(configMaps(), configMap('deep', { a: '1', b: '2' }));
    const answer = await patch(configMaps('deep'), [{ op: 'test', path: '/data', value: { b: '2', a: '1' } }]);
    expect(answer.status).toBe(200);
  });

  test('what is not a list of operations is 400, and a name in it must not change', async () => {
    await create(configMaps(), configMap('not-a-list'));
    expect(await patch(configMaps('not-a-list'), { op: 'add' })).toMatchObject({ status: 400 });
    const rename = [{ op: 'replace', path: '/metadata/name', value: 'renamed' }];
    expect(await patch(configMaps('not-a-list'), rename)).toMatchObject({
      status: 400,
      body: { message: 'the name of the object (renamed) does not match the name on the URL (not-a-list)' },
    });
  });

  test('on an object that is not there it is 404', async () => {
    expect(await patch(configMaps('not-there'), [])).toMatchObject({ status: 404, body: { reason: 'NotFound' } });
  });
});

describe('merge patch', () => {
  test('null removes, the rest is merged', async () => {
    await create(configMaps(), configMap('merged', { a: '1', b: '1' }));
    const body = { data: { a: null, c: '3' } };
    const merged = await target.object('PATCH', configMaps('merged'), { body, contentType: mergePatch });
    expect(merged.data).toEqual({ b: '1', c: '3' });
  });

  test('strategic merge knows containers by their name', async () => {
    const containers = [
      { name: 'app', image: 'app:1', env: [{ name: 'A', value: '1' }] },
      { name: 'proxy', image: 'proxy:1' },
    ];
    await create(deployments(), deployment('strategic', {}, containers));
    const change = [
      { name: 'app', image: 'app:2' },
      { name: 'proxy', $patch: 'delete' },
      { name: 'new', image: 'new:1' },
    ];
    const body = { spec: { template: { spec: { containers: change } } } };
    const patched = await target.object('PATCH', deployments('strategic'), { body, contentType: strategicMergePatch });
    const result = containersOf(patched);
    expect(result.map(({ name, image }) => `${name} ${image}`).sort()).toEqual(['app app:2', 'new new:1']);
    expect(result).toContainEqual(expect.objectContaining({ env: [{ name: 'A', value: '1' }] }));
  });

  test('an unknown content type is 415', async () => {
    await create(configMaps(), configMap('untyped'));
    expect(await target.call('PATCH', configMaps('untyped'), { body: {} })).toMatchObject({ status: 415 });
  });
});

describe('server-side apply', () => {
  const apply = (path: string, manager: string, body: unknown, more = '') =>
    target.call('PATCH', `${path}?fieldManager=${manager}${more}`, { body, contentType: applyPatch });

  async function managers(path: string): Promise<string[]> {
    const { metadata } = await target.object('GET', path);
    return metadata.managedFields.map(
      (entry) => `${entry.manager} ${entry.operation} ${JSON.stringify(entry.fieldsV1)}`,
    );
  }

  test('creates with 201, then updates with 200, and the manager owns what it applied', async () => {
    const path = configMaps('applied');
    expect(await apply(path, 'one', configMap('applied', { a: '1', b: '1' }))).toMatchObject({ status: 201 });
    expect(await managers(path)).toEqual(['one Apply {"f:data":{"f:a":{},"f:b":{}}}']);
    expect(await apply(path, 'one', configMap('applied', { a: '2', b: '1' }))).toMatchObject({ status: 200 });
  });

  test('applying the same again keeps the resourceVersion', async () => {
    const path = configMaps('applied-again');
    const first = await apply(path, 'one', configMap('applied-again', { a: '1' }));
    const second = await apply(path, 'one', configMap('applied-again', { a: '1' }));
    const versions = [first, second].map(({ body }) => anyObject.parse(body).metadata.resourceVersion);
    expect(versions[0]).toBe(versions[1]);
  });

  test('another manager’s value is a conflict that names manager and field', async () => {
    const path = configMaps('contested');
    await apply(path, 'one', configMap('contested', { a: '1', b: '1' }));
    expect(await apply(path, 'two', configMap('contested', { a: '2' }))).toEqual({
      status: 409,
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'Apply failed with 1 conflict: conflict with "one": .data.a',
        reason: 'Conflict',
        details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' }] },
        code: 409,
      },
    });
    expect(await apply(path, 'two', configMap('contested', { a: '2', b: '2' }))).toMatchObject({
      status: 409,
      body: { message: 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b' },
    });
  });

  test('the same value is owned together, and stays when one of the owners drops it', async () => {
    const path = configMaps('shared');
    await apply(path, 'one', configMap('shared', { a: '1', b: '1' }));
    await apply(path, 'two', configMap('shared', { a: '1' }));
    await apply(path, 'one', configMap('shared', { b: '1' }));
    expect(await target.object('GET', path)).toMatchObject({ data: { a: '1', b: '1' } });
  });

  test('force takes the field over', async () => {
    const path = configMaps('forced');
    await apply(path, 'one', configMap('forced', { a: '1', b: '1' }));
    expect(await apply(path, 'two', configMap('forced', { a: '2' }), '&force=true')).toMatchObject({
      status: 200,
      body: { data: { a: '2', b: '1' } },
    });
    expect((await managers(path)).sort()).toEqual([
      'one Apply {"f:data":{"f:b":{}}}',
      'two Apply {"f:data":{"f:a":{}}}',
    ]);
  });

  test('a field that its only owner no longer applies is removed', async () => {
    const path = configMaps('dropped');
    await apply(path, 'one', configMap('dropped', { a: '1', b: '1' }, { labels: { x: 'y' } }));
    await apply(path, 'one', configMap('dropped', { a: '1' }));
    const left = await target.object('GET', path);
    expect(left.data).toEqual({ a: '1' });
    expect(left.metadata.labels).toBeUndefined();
  });

  test('a plain update takes the ownership of what it changes, and the next apply meets it as a conflict', async () => {
    const path = configMaps('edited');
    await apply(path, 'one', configMap('edited', { a: '1', b: '1' }));
    await target.object('PATCH', `${path}?fieldManager=kubectl-edit`, {
      body: { data: { a: '5' } },
      contentType: mergePatch,
    });
    expect((await managers(path)).sort()).toEqual([
      'kubectl-edit Update {"f:data":{"f:a":{}}}',
      'one Apply {"f:data":{"f:b":{}}}',
    ]);
    expect(await apply(path, 'one', configMap('edited', { a: '1', b: '1' }))).toMatchObject({
      status: 409,
      body: { message: 'Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .data.a' },
    });
  });

  test('containers are known by their name: one that is no longer applied goes, others’ stay', async () => {
    const path = deployments('containers');
    const two = [
      { name: 'app', image: 'app:1' },
      { name: 'extra', image: 'extra:1' },
    ];
    await apply(path, 'one', deployment('containers', {}, two));
    const sidecar = { spec: { template: { spec: { containers: [{ name: 'sidecar', image: 'sidecar:1' }] } } } };
    const foreign = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'containers' }, ...sidecar };
    await apply(path, 'two', foreign);
    await apply(path, 'one', deployment('containers', {}, [{ name: 'app', image: 'app:1' }]));
    const result = containersOf(await target.object('GET', path));
    expect(result.map(({ name }) => name).sort()).toEqual(['app', 'sidecar']);
  });

  test('a conflict in a container names it', async () => {
    const path = deployments('contested-image');
    await create(deployments(), deployment('contested-image'));
    const other = deployment('contested-image', {}, [{ name: 'app', image: 'app:2' }]);
    expect(await apply(path, 'one', other)).toMatchObject({
      status: 409,
      body: {
        details: {
          causes: [
            {
              message: 'conflict with "creator" using apps/v1',
              field: '.spec.template.spec.containers[name="app"].image',
            },
          ],
        },
      },
    });
  });

  test('needs a field manager, and no managed fields', async () => {
    const body = configMap('unmanaged');
    expect(await target.call('PATCH', configMaps('unmanaged'), { body, contentType: applyPatch })).toMatchObject({
      status: 422,
      body: { details: { kind: 'PatchOptions', causes: [{ field: 'fieldManager' }] } },
    });
    const managed = configMap('unmanaged', {}, { managedFields: [{ manager: 'x' }] });
    expect(await apply(configMaps('unmanaged'), 'one', managed)).toMatchObject({ status: 400 });
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

describe('lists', () => {
  test('label selectors', async () => {
    await create(configMaps(), configMap('listed-1', {}, { labels: { suite: 'lists', arm: 'stable' } }));
    await create(configMaps(), configMap('listed-2', {}, { labels: { suite: 'lists', arm: 'canary', extra: '' } }));
    const names = async (selector: string) => {
      const { body } = await target.call('GET', `${configMaps()}?labelSelector=${encodeURIComponent(selector)}`);
      return itemsOf(body).map((item) => item.metadata.name);
    };
    expect(await names('suite=lists')).toEqual(['listed-1', 'listed-2']);
    expect(await names('suite=lists,arm==canary')).toEqual(['listed-2']);
    expect(await names('suite=lists,arm!=canary')).toEqual(['listed-1']);
    expect(await names('suite in (lists,other),arm notin (stable)')).toEqual(['listed-2']);
    expect(await names('suite,!extra')).toEqual(['listed-1']);
    const malformed = await target.call('GET', `${configMaps()}?labelSelector=${encodeURIComponent('a===b')}`);
    expect(malformed).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
  });

  test('field selectors, and a refusal of fields that can’t be selected', async () => {
    await create(configMaps(), configMap('field-listed'));
    const { body } = await target.call('GET', `${configMaps()}?fieldSelector=metadata.name%3Dfield-listed`);
    expect(body).toMatchObject({
      kind: 'ConfigMapList',
      apiVersion: 'v1',
      items: [{ metadata: { name: 'field-listed' } }],
    });
    expect(await target.call('GET', `${configMaps()}?fieldSelector=data.a%3D1`)).toMatchObject({ status: 400 });
  });

  test('items of built-in kinds carry neither kind nor apiVersion', async () => {
    await create(configMaps(), configMap('bare'));
    const { body } = await target.call('GET', `${configMaps()}?fieldSelector=metadata.name%3Dbare`);
    const [item] = itemsOf(body);
    expect(item).not.toHaveProperty('kind');
    expect(item).not.toHaveProperty('apiVersion');
  });
});

describe('watch', () => {
  const listVersion = async (path: string): Promise<string> => {
    const { body } = await target.call('GET', path);
    return anyList.parse(body).metadata.resourceVersion;
  };
  const told = (events: readonly { type: string; object: Record<string, unknown> }[]) =>
    events.map(({ type, object }) => `${type} ${anyObject.parse(object).metadata.name}`);

  test('gives every change after a resourceVersion, in order, and can be resumed in the middle', async () => {
    const start = await listVersion(configMaps());
    const selector = 'labelSelector=suite%3Dwatch';
    const labels = { labels: { suite: 'watch' } };
    const first = await create(configMaps(), configMap('watched', { a: '1' }, labels));
    await target.object('PUT', configMaps('watched'), { body: configMap('watched', { a: '2' }, labels) });
    await target.call('DELETE', configMaps('watched'));
    const url = `${configMaps()}?watch=true&${selector}&resourceVersion=`;
    const all = await target.watch(`${url}${start}`, (events) => events.length === 3);
    expect(told(all)).toEqual(['ADDED watched', 'MODIFIED watched', 'DELETED watched']);
    const resumed = await target.watch(`${url}${first.metadata.resourceVersion}`, (events) => events.length === 2);
    expect(resumed).toEqual(all.slice(1));
  });

  test('an object that begins or ceases to match its selector is added or deleted', async () => {
    const start = await listVersion(configMaps());
    const label = (value: string) => configMap('relabelled', {}, { labels: { phase: value } });
    await create(configMaps(), label('other'));
    await target.object('PUT', configMaps('relabelled'), { body: label('wanted') });
    await target.object('PUT', configMaps('relabelled'), { body: label('other') });
    const url = `${configMaps()}?watch=true&labelSelector=phase%3Dwanted&resourceVersion=${start}`;
    expect(told(await target.watch(url, (events) => events.length === 2))).toEqual([
      'ADDED relabelled',
      'DELETED relabelled',
    ]);
  });

  test('ends by itself after timeoutSeconds', async () => {
    const start = await listVersion(configMaps());
    const url = `${configMaps()}?watch=true&fieldSelector=metadata.name%3Dnone&timeoutSeconds=1&resourceVersion=${start}`;
    expect(await target.watch(url, () => false)).toEqual([]);
  });

  test('one that is too old is told so in the stream, as 410 Expired', async (context) => {
    // A real server forgets by compaction: a kind defined after its start is one whose revision 1 is surely gone.
    if (!target.has.istio) context.skip();
    const events = await target.watch(`${virtualServices()}?watch=true&resourceVersion=1`, (seen) => seen.length === 1);
    expect(events).toMatchObject([
      { type: 'ERROR', object: { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 } },
    ]);
  });
});

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

describe('rights', () => {
  const review = (verb: string, as?: string) =>
    target.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { namespace: target.namespace, verb, resource: 'pods', subresource: 'proxy' } },
      },
      ...(as !== undefined && { as }),
    });

  test('SelfSubjectAccessReview tells what is allowed and what is not', async () => {
    expect(await review('get')).toMatchObject({ status: 201, body: { status: { allowed: true } } });
    expect(await review('get', 'contract-nobody')).toMatchObject({ status: 201, body: { status: { allowed: false } } });
  });

  test('what is not allowed is 403 Forbidden and says who lacks what', async () => {
    const forbidden = await target.call('PATCH', leases('any'), {
      body: {},
      contentType: mergePatch,
      as: 'contract-nobody',
    });
    expect(forbidden).toMatchObject({
      status: 403,
      body: {
        reason: 'Forbidden',
        message:
          'leases.coordination.k8s.io "any" is forbidden: User "contract-nobody" cannot patch resource "leases" ' +
          `in API group "coordination.k8s.io" in the namespace "${target.namespace}"`,
        details: { name: 'any', group: 'coordination.k8s.io', kind: 'leases' },
      },
    });
    const proxied = await target.call('GET', `${pods('any')}/proxy/`, { as: 'contract-nobody' });
    expect(proxied).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining('cannot get resource "pods/proxy" in API group ""') },
    });
  });

  test('an unknown token is 401 Unauthorized', async () => {
    expect(await target.call('GET', configMaps(), { token: 'unknown' })).toMatchObject({
      status: 401,
      body: { reason: 'Unauthorized', message: 'Unauthorized' },
    });
  });

  test('SelfSubjectReview tells who one is', async () => {
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    expect(await target.call('POST', path, { body, as: 'contract-nobody' })).toMatchObject({
      status: 201,
      body: { status: { userInfo: { username: 'contract-nobody' } } },
    });
  });
});

describe('custom resources', () => {
  test('a JSON Patch shifts the weights of a VirtualService only from the state last seen', async (context) => {
    if (!target.has.istio) context.skip();
    const first = await create(virtualServices(), virtualService('shifted', 0));
    const shift = (from: number, to: number) =>
      target.call('PATCH', `${virtualServices('shifted')}?fieldManager=sluice`, {
        body: [
          { op: 'test', path: '/spec/http/0/route/1/weight', value: from },
          { op: 'replace', path: '/spec/http/0/route/1/weight', value: to },
          { op: 'replace', path: '/spec/http/0/route/0/weight', value: 100 - to },
        ],
        contentType: jsonPatch,
      });
    const shifted = await shift(0, 10);
    expect(shifted).toMatchObject({ status: 200, body: { metadata: { generation: 2 } } });
    expect(shifted.body).toMatchObject({ spec: virtualService('shifted', 10).spec });
    expect(await shift(0, 20)).toMatchObject({ status: 422 });
    expect(first.metadata.generation).toBe(1);
  });

  test('route lists are owned as a whole', async (context) => {
    if (!target.has.istio) context.skip();
    await create(virtualServices(), virtualService('owned', 0));
    const { metadata } = await target.object('PATCH', `${virtualServices('owned')}?fieldManager=sluice`, {
      body: [{ op: 'replace', path: '/spec/http/0/route/0/weight', value: 99 }],
      contentType: jsonPatch,
    });
    expect(metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: 'sluice', fieldsV1: { 'f:spec': { 'f:http': {} } } }),
    );
    const answer = await target.call('PATCH', `${virtualServices('owned')}?fieldManager=other`, {
      body: virtualService('owned', 50),
      contentType: applyPatch,
    });
    expect(answer).toMatchObject({ status: 409, body: { details: { causes: [{ field: '.spec.http' }] } } });
  });

  test('strategic merge patch is not for them: 415', async (context) => {
    if (!target.has.istio) context.skip();
    await create(virtualServices(), virtualService('typed', 0));
    const call = { body: { spec: {} }, contentType: strategicMergePatch };
    expect(await target.call('PATCH', virtualServices('typed'), call)).toMatchObject({
      status: 415,
      body: { reason: 'UnsupportedMediaType' },
    });
  });

  test('an update must say which state it is based on, and their list items carry their kind', async (context) => {
    if (!target.has.istio) context.skip();
    await create(virtualServices(), virtualService('kinded', 0));
    const put = await target.call('PUT', virtualServices('kinded'), { body: virtualService('kinded', 5) });
    expect(put).toMatchObject({ status: 422, body: { details: { causes: [{ field: 'metadata.resourceVersion' }] } } });
    const { body } = await target.call('GET', `${virtualServices()}?fieldSelector=metadata.name%3Dkinded`);
    expect(body).toMatchObject({ items: [{ kind: 'VirtualService', apiVersion: 'networking.istio.io/v1' }] });
  });
});

describe('workloads', () => {
  test('a Deployment gets a ReplicaSet and pods that belong to each other', async (context) => {
    if (!target.has.controllers) context.skip();
    const { metadata } = await create(deployments(), deployment('grown', { replicas: 2 }));
    const selector = 'labelSelector=app%3Dgrown';
    const replicaSets = `/apis/apps/v1/namespaces/${target.namespace}/replicasets?${selector}`;
    const sets = itemsOf(await eventually(replicaSets, (_, body) => itemsOf(body).length === 1));
    expect(sets[0]?.metadata.ownerReferences).toMatchObject([
      { kind: 'Deployment', uid: metadata.uid, controller: true, blockOwnerDeletion: true },
    ]);
    const hash = sets[0]?.metadata.labels?.['pod-template-hash'];
    expect(sets[0]?.metadata.name).toBe(`grown-${hash}`);
    const grown = itemsOf(await eventually(`${pods()}?${selector}`, (_, body) => itemsOf(body).length === 2));
    for (const pod of grown) {
      expect(pod.metadata.name).toMatch(new RegExp(`^grown-${hash}-[a-z0-9]{5}$`));
      expect(pod.metadata.labels).toEqual({ app: 'grown', 'pod-template-hash': hash });
      expect(pod.metadata.ownerReferences).toMatchObject([{ kind: 'ReplicaSet', uid: sets[0]?.metadata.uid }]);
    }
    await eventually(deployments('grown'), (_, body) => workload.parse(body).status?.observedGeneration === 1);
    await target.call('DELETE', deployments('grown'), { body: { propagationPolicy: 'Background' } });
    await eventually(`${pods()}?${selector}`, (_, body) => itemsOf(body).length === 0);
  });

  test('a changed pod template gets a ReplicaSet of its own', async (context) => {
    if (!target.has.controllers) context.skip();
    await create(deployments(), deployment('rolled', { replicas: 1 }));
    await eventually(deployments('rolled'), (_, body) => workload.parse(body).status?.observedGeneration === 1);
    const body = { spec: { template: { metadata: { annotations: { changed: 'yes' } } } } };
    await target.object('PATCH', deployments('rolled'), { body, contentType: mergePatch });
    const path = `/apis/apps/v1/namespaces/${target.namespace}/replicasets?labelSelector=app%3Drolled`;
    await eventually(path, (_, list) => itemsOf(list).length === 2);
    await target.call('DELETE', deployments('rolled'));
  });

  test('the pod proxy reaches the port of a pod that runs', async (context) => {
    const { image } = target.has;
    if (image === undefined) context.skip();
    const containers = [{ name: 'app', image, ports: [{ containerPort: 8080 }] }];
    await create(deployments(), deployment('served', { replicas: 1 }, containers));
    await eventually(deployments('served'), (_, body) => workload.parse(body).status?.availableReplicas === 1);
    const { body } = await target.call('GET', `${pods()}?labelSelector=app%3Dserved`);
    const name = itemsOf(body)[0]?.metadata.name;
    expect(await target.call('GET', `${pods()}/${name}:8080/proxy/metrics`)).toMatchObject({
      status: 200,
      body: expect.stringContaining('# TYPE'),
    });
    expect(await target.call('GET', `${pods()}/${name}:9999/proxy/metrics`)).toMatchObject({ status: 503 });
    expect(await target.call('GET', `${pods()}/absent:8080/proxy/metrics`)).toMatchObject({ status: 404 });
    await target.call('DELETE', deployments('served'));
  });
});

test('a proxied service without endpoints is 503 ServiceUnavailable', async () => {
  const path = `/api/v1/namespaces/${target.namespace}/services`;
  const spec = { selector: { app: 'nothing' }, ports: [{ port: 80 }] };
  await create(path, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'empty' }, spec });
  // The proxy learns of Services by a watch of its own.
  await vi.waitFor(async () =>
    expect(await target.call('GET', `${path}/empty:80/proxy/`)).toMatchObject({
      status: 503,
      body: { reason: 'ServiceUnavailable', message: 'no endpoints available for service "empty"' },
    }),
  );
  expect(await target.call('GET', `${path}/empty:81/proxy/`)).toMatchObject({
    status: 503,
    body: { message: 'no service port 81 found for service "empty"' },
  });
});

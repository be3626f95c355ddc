import { describe, expect, test } from 'vitest';
import {
  applyPatch,
  configMap,
  configMaps,
  containersOf,
  create,
  deployment,
  deployments,
  jsonPatch,
  mergePatch,
  strategicMergePatch,
  target,
} from './api-server-target.ts';
import { anyObject } from './target.ts';

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

import { describe, expect, test } from 'vitest';
import {
  applyPatch,
  create,
  jsonPatch,
  strategicMergePatch,
  target,
  virtualService,
  virtualServices,
} from './api-server-target.ts';

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

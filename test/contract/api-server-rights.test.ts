import { describe, expect, test } from 'vitest';
import { configMaps, leases, mergePatch, pods, target } from './api-server-target.ts';

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

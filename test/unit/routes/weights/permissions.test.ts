import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { startApiServer } from '../../../../lab/embedded/api-server/index.ts';
import { startControllers } from '../../../../lab/embedded/controllers/index.ts';
import { createImages } from '../../../../lab/embedded/images.ts';
import type { Router } from '../../../../src/canary/ports.ts';
import { createClient } from '../../../../src/cluster/client.ts';
import { loadConfig } from '../../../../src/cluster/kubeconfig.ts';
import { type ResourceType, resources } from '../../../../src/cluster/resources.ts';
import { connect } from '../../../../src/cluster/transport.ts';
import type { Permission } from '../../../../src/core/permission.ts';
import { createRouter, type RouterOptions } from '../../../../src/routes/weights/index.ts';

/** Each router does all that it does with exactly the rights that it names: no right is missing, and none is unused. */
const api = await startApiServer();
const image = 'registry.example/checkout:1';
const controllers = startControllers(api, { images: createImages({ [image]: {} }) });
afterAll(async () => {
  controllers.stop();
  await api.stop();
});
const signal = AbortSignal.timeout(60_000);
const namespace = 'default';
const admin = clientOf('admin');

function clientOf(user: string) {
  return createClient(connect(loadConfig({ kubeconfig: api.kubeconfig({ user }), context: '', env: {} }), {}));
}

function create(type: ResourceType, name: string, content: object, metadata: object = {}) {
  const manifest = {
    apiVersion: type.apiVersion,
    kind: type.kind,
    metadata: { name, namespace, ...metadata },
    ...content,
  };
  return admin.create(type, manifest, signal);
}

const clock = {
  now: Date.now,
  async sleep(_milliseconds: number, signal: AbortSignal): Promise<void> {
    await sleep(5, undefined, { signal });
  },
};

async function prepare(): Promise<RouterOptions[]> {
  for (const name of ['checkout', 'checkout-canary'])
    await create(resources.service, name, { spec: { selector: { app: 'checkout' }, ports: [{ port: 80 }] } });
  const arms = { stable: { name: 'checkout' }, canary: { name: 'checkout-canary' } };
  const route = { namespace, name: 'checkout' };

  await create(resources.destinationRule, 'checkout', {
    spec: { host: 'checkout', subsets: [{ name: 'v1' }, { name: 'v2' }] },
  });
  const http = [{ route: [{ destination: { host: 'checkout', subset: 'v1' } }] }];
  await create(resources.virtualService, 'checkout', { spec: { hosts: ['checkout'], http } });
  await create(resources.httpRoute, 'checkout', {
    spec: { rules: [{ backendRefs: [{ name: 'checkout', port: 80 }] }] },
  });
  await create(resources.traefikService, 'checkout', {
    spec: { weighted: { services: [{ name: 'checkout', port: 80 }] } },
  });
  const backend = { service: { name: 'checkout', port: { number: 80 } } };
  await create(resources.ingress, 'checkout', {
    spec: { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] },
  });
  const labels = { app: 'checkout' };
  for (const [arm, replicas] of [['stable', 2] as const, ['canary', 0] as const]) {
    const template = {
      metadata: { labels: { ...labels, arm } },
      spec: { containers: [{ name: 'app', image }] },
    };
    await create(resources.deployment, arm, {
      spec: { replicas, selector: { matchLabels: { ...labels, arm } }, template },
    });
  }
  return [
    { kind: 'istio', ...route, stable: { host: 'checkout', subset: 'v1' }, canary: { host: 'checkout', subset: 'v2' } },
    { kind: 'gateway-api', route: 'HTTPRoute', ...route, ...arms },
    { kind: 'traefik', ...route, ...arms },
    { kind: 'nginx', ...route, canaryIngress: 'checkout-canary', stable: 'checkout', canary: 'checkout-canary' },
    {
      kind: 'replicas',
      namespace,
      service: 'checkout',
      stable: { kind: 'Deployment', name: 'stable' },
      canary: { kind: 'Deployment', name: 'canary' },
    },
  ];
}

/** All that a router can do, in order. */
async function useAll(router: Router): Promise<void> {
  const found = await router.inspect(signal);
  await router.shift(found, 0, 50, signal);
  await router.weight(found, signal);
  await router.confirm(found, 50, signal);
  await router.shift(found, 50, 99, signal);
  await router.restore(found, [99], signal);
  await router.relinquish(found, signal);
}

function asText(permissions: readonly Permission[]): string[] {
  return permissions
    .flatMap(({ apiGroup, resource, verbs, namespace }) =>
      verbs.map((verb) => `${verb} ${apiGroup === '' ? resource : `${resource}.${apiGroup}`} in ${namespace}`),
    )
    .sort();
}

describe('the rights of a router', async () => {
  test.each(await prepare())('$kind', async (options) => {
    const { permissions } = createRouter(options, admin, { clock });
    api.setUser({
      name: options.kind,
      token: `${options.kind}-token`,
      rules: permissions.map(({ apiGroup, resource, verbs, namespace }) => ({
        apiGroups: [apiGroup],
        resources: [resource],
        verbs,
        namespaces: [namespace],
      })),
    });
    await useAll(createRouter(options, clientOf(options.kind), { clock }));
    const used = api.audit.filter(({ user }) => user === options.kind);
    expect(used.filter(({ status }) => status === 403)).toEqual([]);
    const verbs = new Set(used.map(({ verb, resource, namespace }) => `${verb} ${resource} in ${namespace}`));
    expect([...verbs].sort()).toEqual(asText(permissions));
  });
});

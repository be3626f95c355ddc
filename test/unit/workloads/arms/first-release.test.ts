import { describe, expect, it } from 'vitest';
import { resources } from '../../../../src/cluster/resources.ts';
import type { KubernetesObject } from '../../../../src/cluster/schema.ts';
import { findFirstRelease } from '../../../../src/workloads/arms/first-release.ts';

const signal = new AbortController().signal;
const checkout = { kind: 'Deployment', name: 'checkout' } as const;

function deployment(revision: string, ready: number): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'checkout', annotations: { 'deployment.kubernetes.io/revision': revision } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'checkout' } },
      template: { metadata: { labels: { app: 'checkout' } }, spec: { containers: [{ name: 'app', image: 'a:1' }] } },
    },
    status: { readyReplicas: ready },
  };
}

/** A namespace with a workload, or none, and with so many endpoints of the Service. */
function place(found: KubernetesObject | undefined, endpoints: readonly { ready?: boolean }[]) {
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'checkout-1' },
    endpoints: endpoints.map((conditions) => ({ addresses: ['10.0.0.1'], conditions })),
  };
  return {
    client: {
      find: async () => found,
      list: async (type: { kind: string }) => (type.kind === resources.endpointSlice.kind ? [slice] : []),
    },
    namespace: 'shop',
  };
}

describe('a first release', () => {
  it('is one where the workload does not exist and nothing serves', async () => {
    expect(await findFirstRelease(place(undefined, []), checkout, 'checkout', signal)).toEqual({
      about: 'Deployment shop/checkout',
      exists: false,
    });
    expect(await findFirstRelease(place(undefined, [{ ready: false }]), checkout, 'checkout', signal)).toBeDefined();
  });

  it('is one where a workload of one revision has no ready pod', async () => {
    expect(await findFirstRelease(place(deployment('1', 0), []), checkout, 'checkout', signal)).toMatchObject({
      exists: true,
    });
  });

  it('is none where something serves: the name may be mistyped', async () => {
    expect(await findFirstRelease(place(undefined, [{ ready: true }]), checkout, 'checkout', signal)).toBeUndefined();
    // Not told means ready.
    expect(await findFirstRelease(place(undefined, [{}]), checkout, 'checkout', signal)).toBeUndefined();
  });

  it('is none where what has served is down', async () => {
    expect(await findFirstRelease(place(deployment('7', 0), []), checkout, 'checkout', signal)).toBeUndefined();
    expect(await findFirstRelease(place(deployment('1', 2), []), checkout, 'checkout', signal)).toBeUndefined();
  });

  it('is not looked for without names of a workload and its Service', async () => {
    expect(await findFirstRelease(place(undefined, []), { selector: 'app=a' }, 'checkout', signal)).toBeUndefined();
    expect(await findFirstRelease(place(undefined, []), checkout, '', signal)).toBeUndefined();
  });
});

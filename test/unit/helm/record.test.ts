import { expect, it } from 'vitest';
import { resources } from '../../../src/cluster/resources.ts';
import { kubernetesObject } from '../../../src/cluster/schema.ts';
import { createChangeStore } from '../../../src/helm/record.ts';

const lease = { type: resources.lease, namespace: 'shop', name: 'sluice-helm-checkout' };

it.each(['{', '[]', '{"id":"run"}', '{"id":"run","baseline":1e99,"latest":0,"undoing":true,"keepFailed":false}'])(
  'a record of a change that can’t be read is an error with its place and how to take it off: %s',
  async (text) => {
    const metadata = { name: lease.name, annotations: { 'sluice.dev/helm-change': text } };
    const found = kubernetesObject.parse({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata });
    const client = { find: async () => found, patchMerge: async () => found };
    await expect(createChangeStore(client, lease).load(new AbortController().signal)).rejects.toMatchObject({
      code: 'unsupported',
      about: 'Lease shop/sluice-helm-checkout',
      next: expect.stringContaining('kubectl -n shop annotate lease/sluice-helm-checkout sluice.dev/helm-change-'),
    });
  },
);

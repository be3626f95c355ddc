import { expect, it } from 'vitest';
import { type KubernetesObject, kubernetesObject, type PatchOperation } from '../../../src/cluster/schema.ts';
import { discardRecord } from '../../../src/ledger/discard.ts';

const signal = new AbortController().signal;
const place = { namespace: 'shop', rollout: 'checkout' };

/** A ConfigMap, and what is written to it. */
function clusterWith(data: object | undefined, labels: object = { 'sluice.dev/rollout': 'checkout' }) {
  const written: PatchOperation[] = [];
  const metadata = { name: 'sluice-checkout', labels: { 'app.kubernetes.io/managed-by': 'sluice', ...labels } };
  const found: KubernetesObject | undefined =
    data && kubernetesObject.parse({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
  const client: Parameters<typeof discardRecord>[0] = {
    find: async () => found,
    async patchJson(_, operations) {
      written.push(...operations);
      return kubernetesObject.parse(found);
    },
  };
  return { client, written };
}

it.each([
  ['{', {}],
  ['[[[[', {}],
  ['{"phase":7,"route":"x","arms":[]}', {}],
  [
    JSON.stringify({ phase: 'shifting', startedBy: 'alice', route: { object: 'VirtualService shop/checkout', x: 1 } }),
    { phase: 'shifting', startedBy: 'alice', route: { object: 'VirtualService shop/checkout' } },
  ],
])('a record is given up whatever it says, and what it said is told: %s', async (record, told) => {
  const { client, written } = clusterWith({ record, history: '[]' });
  expect(await discardRecord(client, place, signal)).toEqual(told);
  expect(written).toEqual([
    { op: 'test', path: '/data/record', value: record },
    { op: 'remove', path: '/data/record' },
  ]);
});

it('nothing is given up where there is no record, or somebody else’s ConfigMap', async () => {
  for (const data of [undefined, {}]) {
    const { client, written } = clusterWith(data);
    expect(await discardRecord(client, place, signal)).toBeUndefined();
    expect(written).toEqual([]);
  }
  const { client } = clusterWith({ record: '{}' }, { 'sluice.dev/rollout': 'payments' });
  await expect(discardRecord(client, place, signal)).rejects.toMatchObject({ code: 'conflict' });
});

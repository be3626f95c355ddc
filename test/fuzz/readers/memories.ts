import { createInventoryStore } from '../../../src/apply/inventory.ts';
import { resources } from '../../../src/cluster/resources.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { SluiceError } from '../../../src/core/errors.ts';
import { createChangeStore } from '../../../src/helm/record.ts';
import { claimLease } from '../../../src/ledger/lease.ts';
import type { Seal } from '../../../src/ledger/seal.ts';
import { clientOf } from '../cluster.ts';
import { nearlyJson, nearlyJsonText } from '../generators.ts';
import { namespace, ofText, type Reader, signal } from '../reader.ts';

const cluster = clientOf();
const reference = { type: resources.lease, namespace, name: 'sluice-checkout' };
const metadata = { namespace, name: 'sluice-checkout', resourceVersion: '1' };

/** Milliseconds for which a run waits for a Lease. */
const PATIENCE = 60_000;

/** Time passes only where one waits for it, and the wait has an end. */
function patientClock(): { readonly clock: Clock; readonly signal: AbortSignal } {
  let now = 1_800_000_000_000;
  const until = now + PATIENCE;
  const end = new AbortController();
  const clock: Clock = {
    now: () => now,
    async sleep(milliseconds, stop) {
      stop?.throwIfAborted();
      now += milliseconds;
      if (now > until) end.abort(new SluiceError('timed-out', { about: 'Lease', problem: 'is held.', next: '' }));
    },
  };
  return { clock, signal: end.signal };
}

const lease: Reader = {
  name: 'Lease',
  share: 0.3,
  cases: nearlyJson({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...metadata, annotations: { 'sluice.dev/held-by': 'alice', 'sluice.dev/claim': 'n' } },
    spec: {
      holderIdentity: 'other',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 3,
    },
  }),
  async read(value) {
    cluster.answer(value);
    const patient = patientClock();
    const holder = { identity: 'run', description: 'alice' };
    const options = { client: cluster.client, lease: reference, rollout: 'checkout', holder, clock: patient.clock };
    const claim = await claimLease({ ...options, duration: 15_000, nonce: () => 'n' }, patient.signal);
    await claim.release();
  },
};

const helmChange = ofText(
  'record of a Helm change',
  nearlyJsonText({ id: 'run', baseline: 3, latest: 4, undoing: false, keepFailed: true }),
  async (text) => {
    const annotations = { 'sluice.dev/helm-change': text };
    cluster.answer({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { ...metadata, annotations } });
    await createChangeStore(cluster.client, reference).load(signal);
  },
);

const type = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
const kept = {
  schema: 1,
  id: 'run',
  startedBy: 'alice',
  startedAt: 1_800_000_000_000,
  phase: 'applying',
  digest: 'sha256:1',
  objects: [{ type, namespace, name: 'a' }],
  created: [],
  snapshots: ['sha256:2'],
};

/** Each inventory counts as one that was written with the same credentials, and as one that was not. */
const inventory = ofText('inventory', nearlyJsonText(kept), async (text) => {
  for (const isOurs of [true, false]) {
    const seal: Seal = { sign: () => '', verify: () => isOurs };
    cluster.answer({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...metadata, name: 'sluice-inventory-checkout' },
      data: { inventory: text, seal: 's', snapshot: Buffer.from(text).toString('base64') },
    });
    const store = createInventoryStore(cluster.client, namespace, 'checkout', seal);
    await store.load(signal);
    await store.loadSnapshot(signal).catch((error: unknown) => {
      if (!(error instanceof SluiceError)) throw error;
    });
  }
});

/** What runs keep in the cluster besides the record of a rollout. */
export const memoryReaders: readonly Reader[] = [lease, helmChange, inventory];

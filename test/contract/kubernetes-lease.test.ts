import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';
import { resources } from '../../src/cluster/resources.ts';
import { SluiceError } from '../../src/core/errors.ts';
import { type Claim, claimLease, type LeaseOptions } from '../../src/ledger/lease.ts';
import { createQuickClock } from '../support/embedded-cluster.ts';
import { openTarget } from './target.ts';

const target = await openTarget();
const { namespace } = target;
const client = createClient(target.connection);
afterAll(() => target.close());

const signal = new AbortController().signal;
/** Twenty times as fast: a Lease of 15 s runs out after 0.75 s. */
const clock = createQuickClock(20);

let count = 0;
function fresh() {
  count += 1;
  return { type: resources.lease, namespace, name: `sluice-route-${count}` };
}

let nonces = 0;
function optionsOf(lease: LeaseOptions['lease'], who: string, through: KubernetesClient = client): LeaseOptions {
  return {
    client: through,
    lease,
    rollout: 'route',
    holder: { identity: who, description: `${who}, https://github.example/runs/${who}` },
    clock,
    duration: 15_000,
    nonce: () => `nonce-${nonces++}`,
  };
}

const leaseSpec = z.looseObject({
  holderIdentity: z.string(),
  leaseDurationSeconds: z.number(),
  leaseTransitions: z.number(),
  acquireTime: z.string(),
  renewTime: z.string(),
});

async function read(lease: LeaseOptions['lease']) {
  const { spec, metadata } = await client.get(lease, signal);
  return { ...leaseSpec.parse(spec), resourceVersion: metadata.resourceVersion, labels: metadata.labels };
}

/** A claim whose process has died: it renews no more and releases nothing. */
async function claimAndDie(lease: LeaseOptions['lease'], who: string): Promise<void> {
  const dead = new AbortController();
  const mortal: KubernetesClient = {
    ...client,
    replace: (type, manifest, during) =>
      dead.signal.aborted ? Promise.reject(new Error('dead')) : client.replace(type, manifest, during),
  };
  await claimLease(optionsOf(lease, who, mortal), signal);
  dead.abort();
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await sleep(5);
}

describe('a free Lease', () => {
  test('is taken, renewed, and given back', async () => {
    const lease = fresh();
    const claim = await claimLease(optionsOf(lease, 'one'), signal);
    const taken = await read(lease);
    expect(taken).toMatchObject({
      holderIdentity: 'one',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
      labels: { 'app.kubernetes.io/managed-by': 'sluice', 'sluice.dev/rollout': 'route' },
    });
    await until(async () => (await read(lease)).resourceVersion !== taken.resourceVersion);
    expect((await read(lease)).acquireTime).toBe(taken.acquireTime);
    await claim.release();
    expect((await read(lease)).holderIdentity).toBe('');

    const next = await claimLease(optionsOf(lease, 'two'), signal);
    expect(await read(lease)).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 });
    await next.release();
  });

  test('goes to one of many that ask at the same time', async () => {
    const lease = fresh();
    const claims = await Promise.allSettled(
      ['a', 'b', 'c', 'd', 'e'].map((who) => claimLease(optionsOf(lease, who), signal)),
    );
    const won = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value] : []));
    const lost = claims.flatMap((claim) => (claim.status === 'rejected' ? [claim.reason] : []));
    expect(won).toHaveLength(1);
    expect(lost.map(({ code }) => code)).toEqual(['locked', 'locked', 'locked', 'locked']);
    await Promise.all(won.map((claim: Claim) => claim.release()));
  });

  test('counts as taken when only the answer was lost', async () => {
    const lease = fresh();
    const conflict = new SluiceError('conflict', { about: '', problem: '', next: '' });
    const lossy: KubernetesClient = {
      ...client,
      async create(type, manifest, during) {
        await client.create(type, manifest, during);
        throw conflict;
      },
    };
    const claim = await claimLease(optionsOf(lease, 'one', lossy), signal);
    expect((await read(lease)).holderIdentity).toBe('one');
    await claim.release();
  });
});

describe('a Lease that somebody else holds', () => {
  test('is refused within a third of its duration when it is renewed, with who holds it and since when', async () => {
    const lease = fresh();
    const claim = await claimLease(optionsOf(lease, 'alice'), signal);
    const began = clock.now();
    await expect(claimLease(optionsOf(lease, 'bob'), signal)).rejects.toMatchObject({
      code: 'locked',
      about: `Lease ${namespace}/${lease.name}`,
      problem: expect.stringMatching(/since 20\d\d-.*Z: alice, https:\/\/github\.example\/runs\/alice/),
    });
    expect(clock.now() - began).toBeLessThan(10_000);
    await claim.release();
  });

  test('is taken over when it has not been renewed for its duration, and not before', async () => {
    const lease = fresh();
    await claimAndDie(lease, 'dead');
    const began = clock.now();
    const claim = await claimLease(optionsOf(lease, 'heir'), signal);
    expect(clock.now() - began).toBeGreaterThanOrEqual(15_000);
    expect(await read(lease)).toMatchObject({ holderIdentity: 'heir', leaseTransitions: 1 });
    await claim.release();
  });

  test('whatever its clock says: times of another machine count for nothing', async () => {
    const lease = fresh();
    await claimAndDie(lease, 'dead');
    const ancient = { spec: { renewTime: '2001-01-01T00:00:00.000000Z' } };
    await client.patchMerge(lease, ancient, signal);
    const began = clock.now();
    const claim = await claimLease(optionsOf(lease, 'heir'), signal);
    expect(clock.now() - began).toBeGreaterThanOrEqual(15_000);
    await claim.release();
  });

  test('is not waited for longer than the signal allows', async () => {
    const lease = fresh();
    await claimAndDie(lease, 'dead');
    await expect(claimLease(optionsOf(lease, 'bob'), AbortSignal.timeout(100))).rejects.toMatchObject({
      code: 'locked',
    });
    const cancelled = AbortSignal.abort(new Error('cancelled'));
    await expect(claimLease(optionsOf(lease, 'bob'), cancelled)).rejects.toThrow('cancelled');
  });
});

describe('a run of the same job that is started again', () => {
  test('takes its own Lease over at once, and the earlier one learns it', async () => {
    const lease = fresh();
    const earlier = await claimLease(optionsOf(lease, 'job-1'), signal);
    const began = clock.now();
    const later = await claimLease(optionsOf(lease, 'job-1'), signal);
    expect(clock.now() - began).toBeLessThan(5_000);
    await until(() => earlier.lost.aborted);
    expect(earlier.lost.reason).toMatchObject({ code: 'locked' });
    await earlier.release();
    expect((await read(lease)).holderIdentity).toBe('job-1');
    expect(later.lost.aborted).toBe(false);
    await later.release();
  });
});

describe('a Lease that is held', () => {
  /** A client whose first renewals fail like this. */
  function cutOffAt(code: 'unreachable' | 'forbidden', times: number) {
    const state = { refused: 0 };
    const cutOff: KubernetesClient = {
      ...client,
      replace: (type, manifest, during) => {
        if (state.refused++ < times) {
          const detail = { about: 'API server', problem: 'is away.', next: 'Wait.' };
          return Promise.reject(new SluiceError(code, detail));
        }
        return client.replace(type, manifest, during);
      },
    };
    return { state, cutOff };
  }

  test.each(['unreachable', 'forbidden'] as const)(
    'outlasts an API server that is %s for longer than the Lease lasts',
    async (code) => {
      const lease = fresh();
      const { state, cutOff } = cutOffAt(code, 4);
      const claim = await claimLease(optionsOf(lease, 'one', cutOff), signal);
      const before = (await read(lease)).renewTime;
      await until(async () => (await read(lease)).renewTime !== before);
      expect(state.refused).toBeGreaterThan(4);
      expect(claim.lost.aborted).toBe(false);
      await claim.release();
    },
  );

  test('that can not be given back runs out by itself, and is no reason to fail', async () => {
    const lease = fresh();
    const { cutOff } = cutOffAt('unreachable', Number.POSITIVE_INFINITY);
    const claim = await claimLease(optionsOf(lease, 'one', cutOff), signal);
    await claim.release();
    expect((await read(lease)).holderIdentity).toBe('one');
  });

  test('is not lost because somebody writes an annotation on it', async () => {
    const lease = fresh();
    const claim = await claimLease(optionsOf(lease, 'one'), signal);
    for (let look = 0; look < 5; look += 1) {
      await client.patchMerge(lease, { metadata: { annotations: { note: `${look}` } } }, signal);
      await clock.sleep(3_000, signal);
    }
    expect(claim.lost.aborted).toBe(false);
    await claim.release();
    expect((await read(lease)).holderIdentity).toBe('');
  });

  test('is written again when somebody deletes it, unless another run was faster', async () => {
    const lease = fresh();
    const claim = await claimLease(optionsOf(lease, 'one'), signal);
    await client.remove(lease, signal);
    await until(async () => (await client.find(lease, signal)) !== undefined);
    expect((await read(lease)).holderIdentity).toBe('one');

    await client.remove(lease, signal);
    const other = await claimLease(optionsOf(lease, 'two'), signal);
    await until(() => claim.lost.aborted);
    expect(claim.lost.reason).toMatchObject({ code: 'locked', problem: expect.stringContaining('two') });
    await claim.release();
    expect((await read(lease)).holderIdentity).toBe('two');
    await other.release();
  });
});

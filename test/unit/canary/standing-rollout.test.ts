import { describe, expect, it } from 'vitest';
import { rollout } from '../../../src/canary/rollout.ts';
import { isSluiceError, NothingToRelease } from '../../../src/core/errors.ts';
import { type Cluster, createCluster, createOptions, createWorld } from '../../support/domain-world.ts';

const running = () => new AbortController().signal;
const minute = 60_000;

/** A rollout that stands at 25 %, as somebody froze it there. */
async function standing(): Promise<Cluster> {
  const cluster = createCluster();
  cluster.clock.at(cluster.clock.now() + 1.5 * minute, () => {
    cluster.commands.push({ verb: 'freeze', by: 'bob', why: '' });
  });
  const frozen = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
  expect(frozen.verdict).toBe('frozen');
  expect(cluster.weight).toBe(25);
  return cluster;
}

/** The job of a commit that asks for what the stable workload runs: it can tell only once nothing stands in between. */
function takingBack(cluster: Cluster) {
  const world = createWorld(cluster, { owner: 'run-2' });
  const inspect = async () => {
    throw new NothingToRelease('Deployment shop/checkout');
  };
  return { ...world, arms: { ...world.arms, inspect } };
}
const options = createOptions({ id: 'run-2', fingerprint: 'plan-b' });

describe('a job whose image the stable workload runs already, while a rollout stands', () => {
  it('ends the rollout, restores the route, and is green', async () => {
    const cluster = await standing();
    const world = takingBack(cluster);
    const outcome = await cluster.clock.run(rollout(world, options, running()));
    expect(outcome).toMatchObject({ verdict: 'promoted', passed: true, routeRestored: true, digest: 'sha256:old' });
    expect(outcome.reason).toBe(
      'Deployment shop/checkout runs this release already: what alice, run 1 had left at 25 % was undone, and nothing else was changed',
    );
    expect(cluster).toMatchObject({ weight: 0, canaryExists: false, stableRevision: 'sha256:old', lease: undefined });
    expect(cluster.record).toMatchObject({ phase: 'ended', verdict: 'rolled-back', fingerprint: 'plan-a' });
    expect(world.events.at(-1)).toMatchObject({ type: 'ended', weight: 0, revision: 'sha256:old' });
  });

  it('is red where the stable pods don’t serve it', async () => {
    const cluster = await standing();
    cluster.before = (name) => {
      if (name === 'arms.verifyUndone') throw new Error('2 of 3 pods are ready');
    };
    await expect(cluster.clock.run(rollout(takingBack(cluster), options, running()))).rejects.toThrow('2 of 3');
    expect(cluster).toMatchObject({ weight: 0, canaryExists: false });
  });

  it('is red where the route was changed by somebody else meanwhile', async () => {
    const cluster = await standing();
    cluster.weight = 40;
    const done = cluster.clock.run(rollout(takingBack(cluster), options, running()));
    await expect(done).rejects.toSatisfy((error) => isSluiceError(error, 'foreign-edit'));
    expect(cluster.weight).toBe(40);
  });

  it('leaves the record as one that a later release can begin after', async () => {
    const cluster = await standing();
    await cluster.clock.run(rollout(takingBack(cluster), options, running()));
    const next = createWorld(cluster, { owner: 'run-3' });
    const outcome = await cluster.clock.run(
      rollout(next, createOptions({ id: 'run-3', fingerprint: 'plan-c' }), running()),
    );
    expect(outcome).toMatchObject({ verdict: 'promoted', digest: 'sha256:new' });
  });

  it('is refused as before where no rollout stands', async () => {
    const cluster = createCluster();
    await expect(cluster.clock.run(rollout(takingBack(cluster), options, running()))).rejects.toThrow(
      'nothing to release',
    );
    expect(cluster.calls.filter((name) => /save|shift|claim|undo/.test(name))).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import type { RolloutEvent } from '../../../src/canary/events.ts';
import { rollout } from '../../../src/canary/rollout.ts';
import { undoUnfinishedRollout } from '../../../src/canary/unfinished.ts';
import { createPanel } from '../../../src/judge/panel.ts';
import { type Cluster, createCluster, createOptions, createWorld } from '../../support/domain-world.ts';

const running = () => new AbortController().signal;
const second = 1_000;
const minute = 60 * second;

/** A plan whose last step takes no time, as most do: at 100 % the canary waits for the pods of the stable workload alone. */
const step = (weight: number, time: number) => ({ weight, least: time, most: time, early: false, hold: false });
const plan = { steps: [step(50, 30 * second), step(100, 0)] };

/** A world in which promoting or retiring takes its time. */
function slow(cluster: Cluster, call: 'promote' | 'retire', milliseconds: number, options = {}) {
  const world = createWorld(cluster, options);
  const { promote, retire } = world.arms;
  const pause = (which: typeof call, signal: AbortSignal) =>
    which === call ? cluster.clock.sleep(milliseconds, signal) : undefined;
  const arms: typeof world.arms = {
    ...world.arms,
    async promote(found, learn, signal) {
      await pause('promote', signal);
      return promote(found, learn, signal);
    },
    async retire(found, signal) {
      await pause('retire', signal);
      return retire(found, signal);
    },
  };
  return { ...world, arms };
}

/** Something happens as soon as a call was made, once. */
function once(cluster: Cluster, call: string, act: () => void) {
  let done = false;
  cluster.after = (name) => {
    if (done || name !== call) return;
    done = true;
    act();
  };
}

const breaches = (events: readonly RolloutEvent[]) => events.filter(({ type }) => type === 'breach');

describe('while the stable workload becomes the new version', () => {
  it('a canary that fails is rolled back at once, though the last step takes no time', async () => {
    const cluster = createCluster();
    const world = slow(cluster, 'promote', 5 * minute);
    let failsAt = Number.POSITIVE_INFINITY;
    cluster.after = (name) => {
      if (name !== 'ledger.save promoting') return;
      failsAt = cluster.clock.now() + 10 * second;
      cluster.clock.at(failsAt, () => {
        cluster.errorRate.canary = () => 0.92;
      });
    };
    const outcome = await cluster.clock.run(rollout(world, createOptions({ plan }), running()));
    expect(outcome).toMatchObject({ verdict: 'rolled-back', weight: 100, routeRestored: true });
    expect(outcome.reason).toMatch(
      /^error-rate: .* canary requests failed .* the rate of stable \(0\.\d+ % of .* at weight 50/,
    );
    expect(outcome.endedAt - failsAt).toBeLessThan(5 * second);
    expect(cluster).toMatchObject({ weight: 0, stableRevision: 'sha256:old', canaryExists: false });
    expect(breaches(world.events)).toMatchObject([{ weight: 100 }]);
    // No more of the stable pods become the new version while the proxies follow.
    const back = cluster.calls
      .filter((name) => /undoPromotion|router.(restore|confirm)|arms.undo$/.test(name))
      .slice(-4);
    expect(back).toEqual(['router.restore', 'arms.undoPromotion', 'router.confirm', 'arms.undo']);
  });

  it('one as good as before is promoted, however long it takes', async () => {
    const cluster = createCluster();
    const outcome = await cluster.clock.run(
      rollout(slow(cluster, 'promote', 3 * minute), createOptions({ plan }), running()),
    );
    expect(outcome).toMatchObject({ verdict: 'promoted', weight: 100 });
  });

  it('the stable pods come back before the requests do, where they are away', async () => {
    const cluster = createCluster();
    cluster.mendStable = () => {
      cluster.stablePods.ready = 3;
    };
    const world = slow(cluster, 'promote', 5 * minute);
    once(cluster, 'ledger.save promoting', () => {
      cluster.stablePods.ready = 1;
      cluster.errorRate.canary = () => 0.92;
    });
    const outcome = await cluster.clock.run(rollout(world, createOptions({ plan }), running()));
    expect(outcome).toMatchObject({ verdict: 'rolled-back', routeRestored: true });
    const back = cluster.calls.filter((name) => /undoPromotion|router.restore|arms.undo$/.test(name));
    expect(back).toEqual(['arms.undoPromotion', 'router.restore', 'arms.undoPromotion', 'arms.undo']);
    expect(cluster).toMatchObject({ weight: 0, stableRevision: 'sha256:old' });
  });

  it('says what is true where they don’t come back, and the next run tries again', async () => {
    const cluster = createCluster();
    const world = slow(cluster, 'promote', 5 * minute);
    once(cluster, 'ledger.save promoting', () => {
      cluster.stablePods.ready = 0;
      cluster.errorRate.canary = () => 0.92;
    });
    const held = await cluster.clock.run(rollout(world, createOptions({ plan }), running()));
    expect(held).toMatchObject({ verdict: 'held', routeRestored: false });
    expect(held.reason).toMatch(
      /^error-rate: .*; the pods of Deployment shop\/checkout are not ready, so the canary keeps/,
    );
    expect(cluster).toMatchObject({ weight: 100, canaryExists: true, record: { phase: 'undoing', verdict: 'held' } });

    cluster.mendStable = () => {
      cluster.stablePods.ready = 3;
    };
    const next = createWorld(cluster, { owner: 'run-2' });
    const outcome = await cluster.clock.run(rollout(next, createOptions({ plan, id: 'run-2' }), running()));
    expect(outcome).toMatchObject({ verdict: 'rolled-back', routeRestored: true });
    expect(cluster).toMatchObject({ weight: 0, stableRevision: 'sha256:old', canaryExists: false });
  });
});

describe('the promoted version as the stable arm', () => {
  it('is judged until the last write, against what the version before did last', async () => {
    const cluster = createCluster();
    const world = slow(cluster, 'retire', 30 * second);
    once(cluster, 'arms.verify', () => {
      cluster.errorRate.stable = 0.3;
    });
    const outcome = await cluster.clock.run(rollout(world, createOptions({ plan }), running()));
    expect(outcome.verdict).toBe('rolled-back');
    expect(outcome.reason).toMatch(/^the promoted version fails: error-rate: /);
    expect(cluster).toMatchObject({ weight: 0, stableRevision: 'sha256:old', record: { phase: 'ended' } });
    expect(breaches(world.events)).toHaveLength(1);
  });

  it('stays where it is as good as before, and where nothing is measured any more', async () => {
    for (const metrics of ['up', 'down', 'stale'] as const) {
      const cluster = createCluster();
      once(cluster, 'router.restore', () => {
        cluster.metrics = metrics;
      });
      const world = slow(cluster, 'retire', 2 * minute);
      const outcome = await cluster.clock.run(rollout(world, createOptions({ plan }), running()));
      expect(outcome, metrics).toMatchObject({ verdict: 'promoted' });
    }
  });

  it('that somebody else has deployed is not taken back, and the verdict says so', async () => {
    const cluster = createCluster();
    const deployed = { derived: false, returns: true };
    await cluster.clock.run(rollout(createWorld(cluster, deployed), createOptions({ plan, mode: 'shift' }), running()));
    const world = slow(cluster, 'retire', 30 * second, { ...deployed, owner: 'run-2' });
    once(cluster, 'arms.verify', () => {
      cluster.errorRate.stable = 1;
    });
    // A process that has not seen the version before knows no rate to compare with, but a limit.
    const panel = createPanel([{ kind: 'max-error-rate', limit: 0.2, minRequests: 20 }], { steps: 2 });
    const strict = { ...world, judge: { ...world.judge, panel } };
    const outcome = await cluster.clock.run(
      rollout(strict, createOptions({ plan, mode: 'finish', id: 'run-2' }), running()),
    );
    expect(outcome.verdict).toBe('held');
    expect(outcome.reason).toMatch(/^the promoted version fails: .*deployed by somebody else/);
  });
});

describe('stable pods that break while the route goes back to them', () => {
  /** They break each of the first `times` times. */
  const broken = (times = 2) => {
    const cluster = createCluster();
    let seen = 0;
    cluster.after = (name) => {
      if (name !== 'router.restore' || seen === times) return;
      seen += 1;
      cluster.stablePods.ready = 0;
    };
    return cluster;
  };
  const verifying = (cluster: Cluster, owner = 'run-1') => {
    const world = createWorld(cluster, { owner });
    const { verify } = world.arms;
    return {
      ...world,
      arms: {
        ...world.arms,
        // As the real one: it waits for the pods.
        verify: async (...given: Parameters<typeof verify>) => {
          while (cluster.stablePods.ready < cluster.stablePods.desired) await cluster.clock.sleep(second, given[1]);
          return verify(...given);
        },
      },
    };
  };

  it('leave the requests with the canary until they are ready again, if they break once', async () => {
    const cluster = broken(1);
    const world = verifying(cluster);
    const outcome = await cluster.clock.run(rollout(world, createOptions({ plan }), running()));
    expect(outcome).toMatchObject({ verdict: 'promoted', digest: 'sha256:new' });
    expect(cluster).toMatchObject({ weight: 0, stableRevision: 'sha256:new', canaryExists: false });
    const weights = world.events.flatMap((event) => (event.type === 'shifted' ? [event.to] : []));
    expect(weights.slice(-2)).toEqual([100, 100]);
    const warnings = world.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    expect(warnings).toContainEqual(expect.stringContaining('The requests go to the canary again until the pods of'));
  });

  it('leave the requests with the canary, which is healthy and of the same version, if they break again', async () => {
    const cluster = broken();
    const world = verifying(cluster);
    const held = await cluster.clock.run(rollout(world, createOptions({ plan }), running()));
    expect(held).toMatchObject({ verdict: 'held', weight: 100 });
    expect(held.reason).toContain(
      'are not ready any more after the promotion, or their Service does not lead to them; the canary serves all traffic',
    );
    expect(cluster).toMatchObject({ weight: 100, served: 100, canaryExists: true, record: { phase: 'promoting' } });
    const away = world.events.filter(({ type }) => type === 'shifted').at(-1);
    expect(away).toMatchObject({ from: 0, to: 100 });
  });

  it('are mended by the next run of the same release', async () => {
    const cluster = broken();
    await cluster.clock.run(rollout(verifying(cluster), createOptions({ plan }), running()));
    const next = rollout(verifying(cluster, 'run-2'), createOptions({ plan, id: 'run-2' }), running());
    expect(await cluster.clock.run(next)).toMatchObject({ verdict: 'promoted', digest: 'sha256:new' });
    expect(cluster).toMatchObject({ weight: 0, stableRevision: 'sha256:new', canaryExists: false });
  });

  it('are made what they were before the route goes back to them, by whoever undoes it', async () => {
    const cluster = broken();
    await cluster.clock.run(rollout(verifying(cluster), createOptions({ plan }), running()));
    cluster.mendStable = () => {
      expect(cluster.weight).toBe(100);
      cluster.stablePods.ready = 3;
    };
    const undone = await cluster.clock.run(
      undoUnfinishedRollout(verifying(cluster, 'run-2'), createOptions({ plan, id: 'run-2' }), running()),
    );
    expect(undone?.verdict).toBe('rolled-back');
    expect(cluster).toMatchObject({ weight: 0, stableRevision: 'sha256:old', canaryExists: false });
  });

  it('do not send anything to a canary that is not ready either', async () => {
    const cluster = broken();
    cluster.canaryPods = { desired: 1, ready: 0, problems: [] };
    const held = await cluster.clock.run(
      rollout(verifying(cluster), createOptions({ plan, undoTimeout: 20 * second, timeout: 2 * minute }), running()),
    );
    expect(held.verdict).toBe('held');
    expect(cluster.weight).toBe(0);
  });

  it('that are found broken by the run that finishes the promotion leave the requests with the canary as well', async () => {
    const cluster = createCluster();
    // The process dies between the record and the route.
    let dead = false;
    cluster.before = (name) => {
      dead ||= name === 'router.restore';
      if (dead) throw new Error('killed');
    };
    const killed = rollout(createWorld(cluster), createOptions({ plan, undoTimeout: second }), running());
    await expect(cluster.clock.run(killed)).rejects.toThrow('killed');
    expect(cluster).toMatchObject({ weight: 100, record: { phase: 'returning' } });
    cluster.before = () => undefined;
    cluster.lease = undefined;
    cluster.stablePods.ready = 0;
    const next = rollout(verifying(cluster, 'run-2'), createOptions({ plan, id: 'run-2' }), running());
    expect(await cluster.clock.run(next)).toMatchObject({ verdict: 'held' });
    expect(cluster).toMatchObject({ weight: 100, canaryExists: true });
    const third = rollout(verifying(cluster, 'run-2'), createOptions({ plan, id: 'run-2' }), running());
    expect(await cluster.clock.run(third)).toMatchObject({ verdict: 'promoted' });
  });
});

import { describe, expect, it } from 'vitest';
import { dryRun } from '../../../src/canary/dry-run.ts';
import type { RolloutEvent } from '../../../src/canary/events.ts';
import { recover } from '../../../src/canary/recover.ts';
import { rollout } from '../../../src/canary/rollout.ts';
import { undoUnfinishedRollout } from '../../../src/canary/unfinished.ts';
import { isSluiceError, SluiceError } from '../../../src/core/errors.ts';
import { type Cluster, createCluster, createOptions, createWorld } from '../../support/domain-world.ts';

const running = () => new AbortController().signal;
const minute = 60_000;

function eventsOf<T extends RolloutEvent['type']>(events: readonly RolloutEvent[], type: T) {
  return events.filter((event): event is Extract<RolloutEvent, { type: T }> => event.type === type);
}

describe('a healthy release', () => {
  it('takes every step of the plan and is promoted', async () => {
    const cluster = createCluster();
    const world = createWorld(cluster);
    const outcome = await cluster.clock.run(rollout(world, createOptions(), running()));
    expect(outcome).toMatchObject({ verdict: 'promoted', weight: 100, digest: 'sha256:new', revision: 'sha256:new' });
    expect(eventsOf(world.events, 'shifted').map(({ to }) => to)).toEqual([5, 25, 50, 100]);
    expect(cluster).toMatchObject({ weight: 0, stableRevision: 'sha256:new', canaryExists: false, lease: undefined });
    expect(cluster.record).toMatchObject({ phase: 'ended', verdict: 'promoted' });
    expect(outcome.endedAt - outcome.startedAt).toBeGreaterThanOrEqual(3 * minute);
  });

  it('of two workloads of the user leaves the route at 100 for the canary', async () => {
    const cluster = createCluster();
    const outcome = await cluster.clock.run(
      rollout(createWorld(cluster, { derived: false }), createOptions(), running()),
    );
    expect(outcome.verdict).toBe('promoted');
    expect(cluster.weight).toBe(100);
  });

  it('shifts only after the canary is ready, and goes on only after the last weight was confirmed', async () => {
    const cluster = createCluster();
    await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    const acts = cluster.calls.filter((name) =>
      /^(arms\.prepare|router\.(shift|confirm)|ledger\.save shifting)/.test(name),
    );
    expect(acts.slice(0, 8)).toEqual([
      'arms.prepare 5',
      'ledger.save shifting',
      'router.shift 5',
      'router.confirm',
      'arms.prepare 25',
      'ledger.save shifting',
      'router.shift 25',
      'router.confirm',
    ]);
  });

  it('sends the first requests to the canary shortly before it is measured', async () => {
    const cluster = createCluster();
    const start = cluster.clock.now();
    // Its pods are found by the metrics after seven seconds, and measured each five from then on.
    const times = (now: number, phase: number) => {
      const next = start + phase + Math.ceil((now + 1 - start - phase) / 5_000) * 5_000;
      return [next, next + 5_000];
    };
    cluster.due = (now) => ({ stable: times(now, 3_000), canary: now < start + 7_000 ? [] : times(now, 4_000) });
    const world = createWorld(cluster);
    await cluster.clock.run(rollout(world, createOptions(), running()));
    const [first] = eventsOf(world.events, 'shifted');
    expect((first?.at ?? 0) - start).toBe(7_800);
    expect(eventsOf(world.events, 'warning')).toEqual([]);
  });

  it('does not wait for ever for a canary that the metrics do not show, and says so', async () => {
    const cluster = createCluster();
    cluster.due = () => ({ stable: [], canary: [] });
    const world = createWorld(cluster);
    const outcome = await cluster.clock.run(rollout(world, createOptions(), running()));
    expect(outcome.verdict).toBe('promoted');
    expect(eventsOf(world.events, 'warning').map(({ message }) => message)).toEqual([
      expect.stringContaining('do not show the canary’s pods yet'),
    ]);
  });

  it('writes its record before anything else', async () => {
    const cluster = createCluster();
    await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    const first = cluster.calls.findIndex((name) => /save|shift|prepare|promote/.test(name));
    expect(cluster.calls[first]).toBe('ledger.save preparing');
  });
});

describe('a breach', () => {
  it('restores the route in the evaluation that finds it, before workloads', async () => {
    const cluster = createCluster();
    cluster.errorRate.canary = () => 0.2;
    const world = createWorld(cluster);
    const outcome = await cluster.clock.run(rollout(world, createOptions(), running()));
    expect(outcome).toMatchObject({ verdict: 'rolled-back', weight: 5, routeRestored: true });
    expect(outcome.reason).toMatch(/error-rate/);
    expect(cluster).toMatchObject({ weight: 0, canaryExists: false, stableRevision: 'sha256:old' });
    const [breach] = eventsOf(world.events, 'breach');
    const [restored] = eventsOf(world.events, 'restored');
    expect(restored?.at).toBe(breach?.at);
    expect(cluster.calls.indexOf('router.restore')).toBeLessThan(cluster.calls.indexOf('arms.undo'));
  });

  it('is found when it shows only under load', async () => {
    const cluster = createCluster();
    cluster.errorRate.canary = (weight) => (weight >= 25 ? 0.1 : 0.005);
    const outcome = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    expect(outcome).toMatchObject({ verdict: 'rolled-back', weight: 25 });
  });

  it('of a check that freezes keeps the weight, and the record tells the next run', async () => {
    const cluster = createCluster();
    cluster.errorRate.canary = () => 0.2;
    const outcome = await cluster.clock.run(
      rollout(createWorld(cluster, { onBreach: 'freeze' }), createOptions(), running()),
    );
    expect(outcome).toMatchObject({ verdict: 'frozen', routeRestored: false });
    expect(cluster.weight).toBe(5);
    expect(cluster.record).toMatchObject({ phase: 'paused', verdict: 'frozen' });
  });

  it('by the pods alone needs no metrics', async () => {
    const cluster = createCluster();
    cluster.canaryPods.problems = [{ pod: 'canary-1', reason: 'CrashLoopBackOff', message: 'exit 1' }];
    const outcome = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    expect(outcome).toMatchObject({ verdict: 'rolled-back', reason: expect.stringContaining('CrashLoopBackOff') });
    expect(outcome.endedAt - outcome.startedAt).toBeLessThan(5_000);
  });

  it('stops a shift that is being prepared', async () => {
    const cluster = createCluster();
    const world = createWorld(cluster);
    const prepare = world.arms.prepare;
    const slow = {
      ...world,
      arms: {
        ...world.arms,
        prepare: async (...[found, weight, signal]: Parameters<typeof prepare>) => {
          if (weight === 25) {
            cluster.errorRate.canary = () => 1;
            await cluster.clock.sleep(10 * minute, signal);
          }
          await prepare(found, weight, signal);
        },
      },
    };
    const outcome = await cluster.clock.run(rollout(slow, createOptions({ readyTimeout: 20 * minute }), running()));
    expect(outcome).toMatchObject({ verdict: 'rolled-back', weight: 5 });
    expect(cluster.weight).toBe(0);
  });
});

describe('missing data', () => {
  it.each(['down', 'stale', 'partial'] as const)(
    'keeps the weight while the metrics are %s, then ends as configured',
    async (metrics) => {
      const cluster = createCluster();
      const begun = cluster.clock.now();
      cluster.clock.at(begun + 30_000, () => {
        cluster.metrics = metrics;
      });
      const world = createWorld(cluster);
      const outcome = await cluster.clock.run(rollout(world, createOptions(), running()));
      expect(outcome).toMatchObject({
        verdict: 'rolled-back',
        weight: 5,
        reason: expect.stringContaining('not yet known'),
      });
      expect(cluster.weight).toBe(0);
      const silences = eventsOf(world.events, 'no-data');
      expect(silences.length).toBeGreaterThan(10);
      expect(silences.every(({ weight }) => weight === 5)).toBe(true);
    },
  );

  it('is also what counters of several workers bring: the rollout says so and waits no longer than for silence', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 30_000, () => {
      cluster.metrics = 'workers';
    });
    const world = createWorld(cluster);
    const outcome = await cluster.clock.run(rollout(world, createOptions({ onNoData: 'hold' }), running()));
    expect(outcome).toMatchObject({ verdict: 'held', weight: 5 });
    expect(outcome.reason).toMatch(/^not yet known: .*nothing new for .*did not restart.*several worker processes/);
    expect(eventsOf(world.events, 'warning').filter(({ message }) => message.includes('worker'))).toHaveLength(1);
  });

  it('holds where that is asked for', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 30_000, () => {
      cluster.metrics = 'down';
    });
    const outcome = await cluster.clock.run(
      rollout(createWorld(cluster), createOptions({ onNoData: 'hold' }), running()),
    );
    expect(outcome.verdict).toBe('held');
    expect(cluster.weight).toBe(5);
  });

  it('is survived when it comes back within the patience', async () => {
    const cluster = createCluster();
    const begun = cluster.clock.now();
    cluster.clock.at(begun + 30_000, () => {
      cluster.metrics = 'down';
    });
    cluster.clock.at(begun + 60_000, () => {
      cluster.metrics = 'up';
    });
    const outcome = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    expect(outcome.verdict).toBe('promoted');
  });

  it('means also: no traffic is no success', async () => {
    const cluster = createCluster();
    cluster.requestsPerSecond = 0;
    const outcome = await cluster.clock.run(
      rollout(createWorld(cluster), createOptions({ onNoData: 'hold' }), running()),
    );
    expect(outcome).toMatchObject({
      verdict: 'held',
      weight: 5,
      reason: expect.stringContaining('0 of the 50 requests'),
    });
  });
});

describe('a person', () => {
  it('aborts with one command, and the reason names who and why', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 20_000, () => {
      cluster.commands.push({ verb: 'abort', by: 'bob', why: 'support is ringing' });
    });
    const outcome = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    expect(outcome).toMatchObject({ verdict: 'rolled-back', reason: 'aborted by bob: support is ringing' });
    expect(outcome.endedAt - outcome.startedAt).toBeLessThan(22_000);
    expect(cluster.weight).toBe(0);
  });

  it('freezes, and a later run of the same release goes on from there', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 90_000, () => {
      cluster.commands.push({ verb: 'freeze', by: 'bob', why: '' });
    });
    const frozen = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    expect(frozen).toMatchObject({ verdict: 'frozen', reason: 'frozen by bob' });
    expect(cluster.weight).toBe(25);
    const next = createWorld(cluster, { owner: 'run-2' });
    const outcome = await cluster.clock.run(rollout(next, createOptions({ id: 'run-2' }), running()));
    expect(outcome.verdict).toBe('promoted');
    expect(eventsOf(next.events, 'shifted').map(({ to }) => to)).toEqual([25, 50, 100]);
  });

  it('approves a step that holds; nobody else does', async () => {
    const cluster = createCluster();
    const options = createOptions();
    const plan = { steps: options.plan.steps.map((step) => ({ ...step, hold: step.weight === 25 })) };
    cluster.clock.at(cluster.clock.now() + 10 * minute, () => {
      cluster.commands.push({ verb: 'approve', by: 'bob', why: '' });
    });
    const world = createWorld(cluster);
    const outcome = await cluster.clock.run(rollout(world, { ...options, plan }, running()));
    expect(outcome.verdict).toBe('promoted');
    expect(eventsOf(world.events, 'holding')).toHaveLength(1);
    expect(outcome.endedAt - outcome.startedAt).toBeGreaterThan(10 * minute);
  });

  it('approves ahead the next step that holds, and no further one', async () => {
    const cluster = createCluster();
    const options = createOptions();
    const plan = { steps: options.plan.steps.map((step) => ({ ...step, hold: step.weight > 5 && step.weight < 100 })) };
    const world = createWorld(cluster);
    const start = cluster.clock.now();
    // At 5 %, which does not hold.
    cluster.clock.at(start + minute / 2, () => cluster.commands.push({ verb: 'approve', by: 'bob', why: '' }));
    const outcome = await cluster.clock.run(rollout(world, { ...options, plan }, running()));
    expect(outcome).toMatchObject({ verdict: 'held', weight: 50 });
    expect(eventsOf(world.events, 'shifted').map(({ to }) => to)).toEqual([5, 25, 50]);
    expect(eventsOf(world.events, 'holding').map(({ weight }) => weight)).toEqual([50]);
  });

  it('who does not approve in time leaves it held', async () => {
    const cluster = createCluster();
    const options = createOptions();
    const plan = { steps: options.plan.steps.map((step) => ({ ...step, hold: true })) };
    const outcome = await cluster.clock.run(rollout(createWorld(cluster), { ...options, plan }, running()));
    expect(outcome).toMatchObject({ verdict: 'held', weight: 5, reason: expect.stringContaining('approved') });
    expect(cluster.weight).toBe(5);
  });
});

describe('what can not work', () => {
  it.each(['router.inspect', 'arms.inspect', 'meter.preflight'])('at %s changes nothing', async (broken) => {
    const cluster = createCluster();
    cluster.before = (name) => {
      if (name === broken) throw new Error('refused');
    };
    await expect(cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()))).rejects.toThrow(
      'refused',
    );
    expect(cluster.calls.filter((name) => /save|shift|prepare|claim|promote|undo|restore/.test(name))).toEqual([]);
  });

  it('is a route that already sends traffic to the canary without a record', async () => {
    const cluster = createCluster();
    cluster.weight = 20;
    await expect(cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()))).rejects.toThrow(/20 %/);
    expect(cluster.weight).toBe(20);
  });

  it('is a second rollout on the route: it says who holds it', async () => {
    const cluster = createCluster();
    cluster.lease = 'run-0 of carol';
    const second = cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    await expect(second).rejects.toSatisfy(
      (error) => isSluiceError(error, 'locked') && error.message.includes('carol'),
    );
  });
});

describe('requests that are not found where they were looked for', () => {
  it('are refused with the three ways out', async () => {
    const cluster = createCluster();
    const world = createWorld(cluster);
    const next = 'See that it is collected.';
    const preflight = () =>
      Promise.reject(new SluiceError('bad-query', { about: 'query a', problem: 'matches no series.', next }));
    const refused = { ...world, meter: { ...world.meter, preflight } };
    const ended = cluster.clock.run(rollout(refused, createOptions(), running()));
    await expect(ended).rejects.toMatchObject({
      code: 'bad-query',
      next: expect.stringMatching(
        /^See that it is collected\. There are three ways out.*"metrics".*"query-requests".*"meter: none"/,
      ),
    });
    expect(cluster.calls).not.toContain('ledger.save preparing');
  });
});

describe('without metrics', () => {
  it('each step takes its time, and the verdict says what was not looked at', async () => {
    const cluster = createCluster();
    const world = createWorld(cluster, { uncounted: true });
    const begun = cluster.clock.now();
    const outcome = await cluster.clock.run(rollout(world, createOptions(), running()));
    expect(outcome.verdict).toBe('promoted');
    expect(outcome.reason).toContain('requests were not counted');
    // Three steps of a minute each.
    expect(cluster.clock.now() - begun).toBeGreaterThanOrEqual(180_000);
    expect(cluster.calls).not.toContain('meter.read');
    expect(eventsOf(world.events, 'preflight')[0]?.forecast).toBeUndefined();
  });

  it('a pod in trouble rolls back as ever', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 90_000, () => {
      cluster.canaryPods.problems.push({ pod: 'checkout-canary-1', reason: 'OOMKilled', message: '' });
    });
    const outcome = await cluster.clock.run(
      rollout(createWorld(cluster, { uncounted: true }), createOptions(), running()),
    );
    expect(outcome).toMatchObject({ verdict: 'rolled-back', weight: 25, routeRestored: true });
  });

  it('a step does not end well while pods are not ready, nor while they can not be seen', async () => {
    const unready = createCluster();
    unready.clock.at(unready.clock.now() + 30_000, () => {
      unready.canaryPods.ready = 0;
    });
    const world = createWorld(unready, { uncounted: true });
    const outcome = await unready.clock.run(rollout(world, createOptions(), running()));
    expect(outcome).toMatchObject({
      verdict: 'rolled-back',
      weight: 5,
      reason: expect.stringMatching(/not yet known: 0 of 1 pods/),
    });

    const unseen = createCluster();
    const from = unseen.clock.now() + 30_000;
    unseen.before = (call) => {
      if (call === 'arms.health canary' && unseen.clock.now() > from) throw new Error('no answer');
    };
    const blind = await unseen.clock.run(rollout(createWorld(unseen, { uncounted: true }), createOptions(), running()));
    expect(blind).toMatchObject({
      verdict: 'rolled-back',
      weight: 5,
      reason: expect.stringContaining('looks at the pods'),
    });
  });
});

describe('pods in trouble', () => {
  it('are told of with their last words before they are removed, and after the route is back', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 30_000, () => {
      cluster.canaryPods.problems.push({ pod: 'checkout-canary-1', reason: 'OOMKilled', message: '' });
    });
    const world = createWorld(cluster);
    let removedWithout = false;
    cluster.before = (call) => {
      if (call === 'arms.undo') removedWithout = eventsOf(world.events, 'pod-details').length === 0;
    };
    await cluster.clock.run(rollout(world, createOptions(), running()));
    expect(removedWithout).toBe(false);
    const order = world.events.map(({ type }) => type);
    expect(order.indexOf('pod-details')).toBeGreaterThan(order.indexOf('restored'));
    expect(eventsOf(world.events, 'pod-details')).toMatchObject([
      { details: [{ pod: 'checkout-canary-1', exitCode: 1, lastLines: ['no config'] }] },
    ]);
  });

  it('whose logs can not be read do not keep the route or the verdict waiting', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 30_000, () => {
      cluster.canaryPods.problems.push({ pod: 'checkout-canary-1', reason: 'OOMKilled', message: '' });
    });
    const world = createWorld(cluster);
    const deaf = { ...world, arms: { ...world.arms, podDetails: () => Promise.reject(new Error('the node is gone')) } };
    const outcome = await cluster.clock.run(rollout(deaf, createOptions(), running()));
    expect(outcome).toMatchObject({ verdict: 'rolled-back', routeRestored: true });
    expect(eventsOf(world.events, 'warning').map(({ message }) => message)).toContainEqual(
      expect.stringContaining('the node is gone'),
    );
  });
});

describe('a foreign edit', () => {
  it('freezes the rollout and is not fought', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 30_000, () => {
      cluster.weight = 40;
    });
    const outcome = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    expect(outcome).toMatchObject({ verdict: 'frozen', reason: expect.stringContaining('40 %') });
    expect(cluster.weight).toBe(40);
  });

  it('is told with the one weight that the route shows then', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 30_000, () => {
      cluster.weight = 40;
    });
    const world = createWorld(cluster);
    await cluster.clock.run(rollout(world, createOptions(), running()));
    expect(eventsOf(world.events, 'ended')).toMatchObject([{ verdict: 'frozen', weight: 40 }]);
  });

  it('that is met on the way back is told with what the route shows as well', async () => {
    const cluster = createCluster();
    cluster.errorRate.canary = () => 0.05;
    cluster.clock.at(cluster.clock.now() + 2_000, () => {
      cluster.weight = 40;
    });
    const world = createWorld(cluster);
    await cluster.clock.run(rollout(world, createOptions(), running()));
    expect(eventsOf(world.events, 'ended')).toMatchObject([{ verdict: 'frozen', weight: 40 }]);
  });

  it('that meets a breach is left to its author, and the verdict says so', async () => {
    const cluster = createCluster();
    cluster.errorRate.canary = () => 0.05;
    cluster.clock.at(cluster.clock.now() + 2_000, () => {
      cluster.weight = 40;
    });
    const outcome = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    expect(outcome).toMatchObject({ verdict: 'frozen', routeRestored: false });
    expect(cluster.weight).toBe(40);
    expect(cluster.canaryExists).toBe(true);
  });
});

describe('a cancelled run', () => {
  it('restores the route before it ends', async () => {
    const cluster = createCluster();
    const cancel = new AbortController();
    cluster.clock.at(cluster.clock.now() + 70_000, () => cancel.abort(new Error('cancelled by SIGINT')));
    const outcome = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), cancel.signal));
    expect(outcome).toMatchObject({ verdict: 'rolled-back', reason: 'cancelled by SIGINT', routeRestored: true });
    expect(cluster).toMatchObject({ weight: 0, canaryExists: false });
  });

  it('finishes a promotion that is made', async () => {
    const cluster = createCluster();
    const cancel = new AbortController();
    cluster.after = (name) => {
      if (name === 'ledger.save returning') cancel.abort(new Error('cancelled'));
    };
    const outcome = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), cancel.signal));
    expect(outcome.verdict).toBe('promoted');
    expect(cluster).toMatchObject({ weight: 0, stableRevision: 'sha256:new', canaryExists: false });
  });
});

describe('a promotion that fails midway', () => {
  it('gives all traffic back to the stable arm while its pods serve', async () => {
    const cluster = createCluster();
    cluster.before = (name) => {
      if (name === 'arms.promote') throw new Error('quota exceeded');
    };
    const outcome = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    expect(outcome).toMatchObject({ verdict: 'rolled-back', reason: expect.stringContaining('quota exceeded') });
    expect(cluster).toMatchObject({ weight: 0, stableRevision: 'sha256:old' });
  });

  it('stays with the canary while the stable pods are not ready, and the next run goes on', async () => {
    const cluster = createCluster();
    cluster.before = (name) => {
      if (name === 'arms.promote') {
        cluster.stablePods.ready = 1;
        throw new Error('image can not be pulled');
      }
    };
    const held = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    expect(held).toMatchObject({ verdict: 'held', weight: 100 });
    expect(cluster).toMatchObject({ weight: 100, canaryExists: true });
    cluster.before = () => undefined;
    const next = rollout(createWorld(cluster, { owner: 'run-2' }), createOptions({ id: 'run-2' }), running());
    expect((await cluster.clock.run(next)).verdict).toBe('promoted');
    expect(cluster).toMatchObject({ weight: 0, stableRevision: 'sha256:new', canaryExists: false });
  });
});

describe('the API server away during an undo', () => {
  it('is waited for', async () => {
    const cluster = createCluster();
    cluster.errorRate.canary = () => 1;
    let refusals = 0;
    const world = createWorld(cluster);
    cluster.before = (name) => {
      if (name === 'router.restore' && refusals++ < 20) {
        throw new SluiceError('unreachable', { about: 'API server', problem: 'is away.', next: 'Wait.' });
      }
    };
    const outcome = await cluster.clock.run(rollout(world, createOptions(), running()));
    expect(outcome).toMatchObject({ verdict: 'rolled-back', routeRestored: true });
    expect(refusals).toBe(21);
  });
});

describe('a data plane that does not follow', () => {
  it('leaves a promotion the pods of the canary, which serve, and the next run goes on', async () => {
    const cluster = createCluster();
    cluster.before = (name) => {
      if (name === 'arms.promote') cluster.follows = false;
    };
    const held = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    expect(held).toMatchObject({ verdict: 'held', reason: expect.stringContaining('not seen to follow') });
    expect(cluster).toMatchObject({ weight: 0, served: 100, canaryExists: true });

    cluster.follows = true;
    const next = rollout(createWorld(cluster, { owner: 'run-2' }), createOptions({ id: 'run-2' }), running());
    expect((await cluster.clock.run(next)).verdict).toBe('promoted');
    expect(cluster).toMatchObject({ weight: 0, canaryExists: false });
  });

  it('is waited for by an undo before the canary goes, no longer than the confirmation may take', async () => {
    const cluster = createCluster();
    cluster.errorRate.canary = () => 1;
    let restoredAt = 0;
    let undoneAt = 0;
    cluster.before = (name) => {
      if (name === 'router.restore') {
        cluster.follows = false;
        restoredAt = cluster.clock.now();
      }
      if (name === 'arms.undo') undoneAt = cluster.clock.now();
    };
    const outcome = await cluster.clock.run(
      rollout(createWorld(cluster), createOptions({ confirmTimeout: 20_000 }), running()),
    );
    expect(outcome).toMatchObject({ verdict: 'rolled-back', routeRestored: true });
    expect(undoneAt - restoredAt).toBe(20_000);
  });

  it.each([
    { release: 'a good release', errors: 0.005, after: 'router.restore' },
    { release: 'a bad release', errors: 1, after: 'router.restore' },
  ])('can be seen to the end of $release, as requests are counted until then', async ({ errors, after }) => {
    const cluster = createCluster();
    cluster.errorRate.canary = () => errors;
    cluster.before = (name) => {
      if (name === 'router.restore') cluster.follows = false;
    };
    const done = rollout(createWorld(cluster), createOptions({ confirmTimeout: 20_000 }), running());
    await cluster.clock.run(done);
    const requests = cluster.counted.filter((told) => told.after === after).map(({ total }) => total.canary.requests);
    expect(requests.length).toBeGreaterThan(10);
    expect(requests.at(-1)).toBeGreaterThan(requests[0] ?? Number.POSITIVE_INFINITY);
  });
});

describe('an undo that is not over in time', () => {
  it.each([
    { during: 'router.restore', says: 'could not be restored within 300 s.' },
    {
      during: 'arms.undo',
      says: 'shows the weights that were found, but the workloads could not be given back within 300 s.',
    },
  ])('says what is left: $during', async ({ during, says }) => {
    const cluster = createCluster();
    cluster.errorRate.canary = () => 1;
    cluster.before = (name) => {
      if (name !== during) return;
      throw new SluiceError('unreachable', { about: 'API server', problem: 'is away.', next: 'Wait.' });
    };
    const options = createOptions({ undoTimeout: 300_000 });
    await expect(cluster.clock.run(rollout(createWorld(cluster), options, running()))).rejects.toMatchObject({
      code: 'unreachable',
      problem: says,
    });
  });
});

describe('the API server away when a rollout is held', () => {
  it('is waited for, so that the record says so', async () => {
    const cluster = createCluster();
    let refusals = 0;
    cluster.before = (name) => {
      if (name === 'router.confirm') cluster.metrics = 'down';
      if (name === 'ledger.save paused' && refusals++ < 20) {
        throw new SluiceError('unreachable', { about: 'API server', problem: 'is away.', next: 'Wait.' });
      }
    };
    const held = await cluster.clock.run(rollout(createWorld(cluster), createOptions({ onNoData: 'hold' }), running()));
    expect(held.verdict).toBe('held');
    expect(cluster.record).toMatchObject({ phase: 'paused', verdict: 'held' });
    expect(refusals).toBe(21);
  });
});

describe('a process that is killed', () => {
  // Just long enough for the least number of requests.
  const short = {
    steps: createOptions().plan.steps.map((step) => ({ ...step, least: 0, most: Math.min(step.most, 12_000) })),
  };

  /** Runs until the n-th call and dies there, before it or just after it; then nothing of that process happens any more. */
  async function killedAt(cluster: Cluster, call: number, where: 'before' | 'after'): Promise<boolean> {
    let dead = false;
    let calls = 0;
    const die = () => {
      if (dead) throw new Error('killed');
    };
    cluster.before = (name) => {
      die();
      if (name === 'meter.read' || name.startsWith('arms.health')) return;
      if (where === 'before' && ++calls === call) {
        dead = true;
        die();
      }
    };
    cluster.after = (name) => {
      if (name === 'meter.read' || name.startsWith('arms.health')) return;
      if (where === 'after' && ++calls === call) {
        dead = true;
        die();
      }
    };
    const options = { ...createOptions({ undoTimeout: 1_000, confirmTimeout: 1_000 }), plan: short };
    await cluster.clock.run(rollout(createWorld(cluster), options, running())).catch(() => undefined);
    cluster.before = () => undefined;
    cluster.after = () => undefined;
    // The lease of the dead expires.
    cluster.lease = undefined;
    return dead;
  }

  const releases = [
    { release: 'healthy', rate: 0.005, ends: ['promoted'] },
    { release: 'bad', rate: 0.3, ends: ['rolled-back'] },
  ] as const;

  describe.each(releases)('in a $release release', ({ rate, ends }) => {
    it.each(['before', 'after'] as const)('%s any call ends well with the next run', async (where) => {
      let call = 1;
      for (; ; call++) {
        const cluster = createCluster();
        cluster.errorRate.canary = () => rate;
        if (!(await killedAt(cluster, call, where))) break;
        const next = createWorld(cluster, { owner: 'run-2' });
        const options = createOptions({ id: 'run-2', plan: short });
        const outcome = await cluster.clock.run(rollout(next, options, running()));
        expect(ends, `killed ${where} call ${call}`).toContain(outcome.verdict);
        const revision = outcome.verdict === 'promoted' ? 'sha256:new' : 'sha256:old';
        expect(cluster, `killed ${where} call ${call}`).toMatchObject({
          weight: 0,
          stableRevision: revision,
          canaryExists: false,
          record: { phase: 'ended', verdict: outcome.verdict },
        });
      }
      expect(call).toBeGreaterThan(10);
    });

    it('is undone first when the next run releases something else', async () => {
      for (let call = 1; ; call++) {
        const cluster = createCluster();
        cluster.errorRate.canary = () => rate;
        if (!(await killedAt(cluster, call, 'after'))) break;
        cluster.errorRate.canary = () => 0.005;
        const next = createWorld(cluster, { owner: 'run-2' });
        const options = createOptions({ id: 'run-2', fingerprint: 'plan-b', plan: short });
        const outcome = await cluster.clock.run(rollout(next, options, running()));
        expect(outcome.verdict, `killed after call ${call}`).toBe('promoted');
        expect(cluster.weight).toBe(0);
      }
    });
  });
});

describe('a rollout that is taken up again', () => {
  /** A process ends before the call of this name, or right after it; nothing of it happens any more. */
  async function dies(where: 'before' | 'after', fatal: string, cluster: Cluster, run: () => Promise<unknown>) {
    let dead = false;
    cluster.before = (name) => {
      dead ||= where === 'before' && name === fatal;
      if (dead) throw new Error('killed');
    };
    cluster.after = (name) => {
      dead ||= where === 'after' && name === fatal;
    };
    await expect(cluster.clock.run(run())).rejects.toThrow('killed');
    cluster.before = () => undefined;
    cluster.after = () => undefined;
    cluster.lease = undefined;
  }
  const hasty = { undoTimeout: 1_000, confirmTimeout: 1_000 };

  it('goes up along the plan when its undo had set the route back and nothing had been written of it', async () => {
    const cluster = createCluster();
    cluster.errorRate.canary = (weight) => (weight >= 50 ? 0.2 : 0.005);
    await dies('after', 'router.restore', cluster, () =>
      rollout(createWorld(cluster), createOptions(hasty), running()),
    );
    expect(cluster).toMatchObject({ weight: 0, record: { phase: 'shifting', weight: { from: 25, to: 50 } } });
    cluster.errorRate.canary = () => 0.005;
    const world = createWorld(cluster, { owner: 'run-2' });
    const outcome = await cluster.clock.run(rollout(world, createOptions({ id: 'run-2' }), running()));
    expect(outcome.verdict).toBe('promoted');
    expect(eventsOf(world.events, 'shifted').map(({ to }) => to)).toEqual([5, 25, 50, 100]);
  });

  it('takes all steps again where somebody has given all traffic back to stable during its promotion', async () => {
    const cluster = createCluster();
    await dies('before', 'arms.promote', cluster, () => rollout(createWorld(cluster), createOptions(hasty), running()));
    expect(cluster).toMatchObject({ weight: 100, record: { phase: 'promoting' } });
    cluster.weight = 0;
    cluster.served = 0;
    const world = createWorld(cluster, { owner: 'run-2' });
    const outcome = await cluster.clock.run(rollout(world, createOptions({ id: 'run-2' }), running()));
    expect(outcome.verdict).toBe('promoted');
    expect(eventsOf(world.events, 'shifted').map(({ to }) => to)).toEqual([5, 25, 50, 100]);
  });

  it.each([
    ['goes on with it', 'plan-a', 'arms.prepare 5'],
    ['undoes it first', 'plan-b', 'arms.undo'],
  ])('by a run that %s is concluded by the post step of that run', async (_, fingerprint, fatal) => {
    const cluster = createCluster();
    await dies('before', 'arms.prepare 25', cluster, () =>
      rollout(createWorld(cluster), createOptions(hasty), running()),
    );
    expect(cluster.weight).toBe(5);
    const options = createOptions({ ...hasty, id: 'run-2', fingerprint });
    await dies('before', fatal, cluster, () => rollout(createWorld(cluster, { owner: 'run-2' }), options, running()));
    const ended = await cluster.clock.run(recover(createWorld(cluster, { owner: 'run-2' }), options, running()));
    expect(ended?.verdict).toBe('rolled-back');
    expect(cluster).toMatchObject({ weight: 0, canaryExists: false, record: { phase: 'ended' } });
  });

  it('after it was frozen, and is undone, is concluded by the post step of the run that undoes it', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 20_000, () => {
      cluster.commands.push({ verb: 'freeze', by: 'bob', why: '' });
    });
    const frozen = await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    expect(frozen.verdict).toBe('frozen');
    const options = createOptions({ ...hasty, id: 'run-2', onInterrupted: 'undo' });
    await dies('before', 'arms.undo', cluster, () =>
      rollout(createWorld(cluster, { owner: 'run-2' }), options, running()),
    );
    const ended = await cluster.clock.run(recover(createWorld(cluster, { owner: 'run-2' }), options, running()));
    expect(ended?.verdict).toBe('rolled-back');
    expect(cluster).toMatchObject({ weight: 0, canaryExists: false });
  });
});

describe('a stable workload that somebody else deploys', () => {
  const world = (cluster: Cluster, owner = 'run-1') => createWorld(cluster, { owner, derived: false, returns: true });
  const run = (cluster: Cluster, mode: 'shift' | 'finish', id = 'run-1') =>
    cluster.clock.run(rollout(world(cluster, id), createOptions({ mode, id }), running()));

  it('gets the route back only when the plan was passed and it is the new version', async () => {
    const cluster = createCluster();
    const shifted = await run(cluster, 'shift');
    expect(shifted).toMatchObject({ verdict: 'held', passed: true, weight: 100 });
    expect(cluster).toMatchObject({ weight: 100, lease: undefined, record: { phase: 'promoting', verdict: 'held' } });
    expect(cluster.calls).not.toContain('arms.promote');
    expect(cluster.calls.filter((call) => /^(router.relinquish|arms.relinquish)/.test(call)).toSorted()).toEqual([
      'arms.relinquish',
      'router.relinquish',
    ]);
    const finished = await run(cluster, 'finish', 'run-2');
    expect(finished).toMatchObject({ verdict: 'promoted', passed: true, digest: 'sha256:new' });
    expect(cluster).toMatchObject({ weight: 0, record: { phase: 'ended', verdict: 'promoted' } });
  });

  it('may have been deployed together with the route', async () => {
    const cluster = createCluster();
    await run(cluster, 'shift');
    cluster.weight = 0;
    cluster.served = 0;
    const finished = await run(cluster, 'finish', 'run-2');
    expect(finished).toMatchObject({ verdict: 'promoted', weight: 100 });
    expect(cluster).toMatchObject({ weight: 0, record: { phase: 'ended' } });
  });

  it('leaves other weights to whom they belong', async () => {
    const cluster = createCluster();
    await run(cluster, 'shift');
    cluster.weight = 40;
    await expect(run(cluster, 'finish', 'run-2')).rejects.toMatchObject({ code: 'foreign-edit' });
    expect(cluster).toMatchObject({ weight: 40, record: { phase: 'promoting', verdict: 'held' } });
  });

  it('has nothing to be finished before the plan was passed', async () => {
    const cluster = createCluster();
    await expect(run(cluster, 'finish')).rejects.toMatchObject({ code: 'not-found' });
    cluster.errorRate.canary = () => 0.3;
    const bad = await run(cluster, 'shift');
    expect(bad).toMatchObject({ verdict: 'rolled-back', passed: false });
    await expect(run(cluster, 'finish')).rejects.toMatchObject({ code: 'not-found' });
    expect(cluster).toMatchObject({ weight: 0, record: { phase: 'ended' } });
  });

  it('gets the route back as it is when its deploy has failed', async () => {
    const cluster = createCluster();
    await run(cluster, 'shift');
    const undone = await cluster.clock.run(
      undoUnfinishedRollout(world(cluster, 'run-2'), createOptions({ id: 'run-2' }), running()),
    );
    expect(undone?.verdict).toBe('rolled-back');
    expect(cluster).toMatchObject({ weight: 0, lease: undefined, record: { phase: 'ended', verdict: 'rolled-back' } });
    await expect(
      undoUnfinishedRollout(world(cluster, 'run-3'), createOptions({ id: 'run-3' }), running()),
    ).resolves.toBeUndefined();
  });

  it('is told of a new version by the canary and not by its name', async () => {
    const cluster = createCluster();
    await run(cluster, 'shift');
    await run(cluster, 'finish', 'run-2');
    const again = await run(cluster, 'shift', 'run-3');
    expect(again).toMatchObject({ verdict: 'promoted', passed: true });
    cluster.canaryRevision = 'sha256:newer';
    const next = await run(cluster, 'shift', 'run-4');
    expect(next).toMatchObject({ verdict: 'held', passed: true, revision: 'sha256:newer' });
  });

  it('is not undone while a run is alive that holds the route', async () => {
    const cluster = createCluster();
    cluster.lease = 'run-1';
    await expect(
      undoUnfinishedRollout(world(cluster, 'run-2'), createOptions({ id: 'run-2' }), running()),
    ).rejects.toMatchObject({
      code: 'locked',
    });
  });
});

describe('the post step', () => {
  it('undoes what the main process was killed in', async () => {
    const cluster = createCluster();
    let dead = false;
    cluster.before = () => {
      if (dead) throw new Error('killed');
    };
    cluster.clock.at(cluster.clock.now() + 30_000, () => {
      dead = true;
    });
    const killed = rollout(createWorld(cluster), createOptions({ undoTimeout: 1_000 }), running());
    await expect(cluster.clock.run(killed)).rejects.toThrow('killed');
    expect(cluster.weight).toBe(5);
    dead = false;
    const ended = await cluster.clock.run(recover(createWorld(cluster), createOptions(), running()));
    expect(ended?.verdict).toBe('rolled-back');
    expect(cluster).toMatchObject({ weight: 0, canaryExists: false, lease: undefined });
  });

  it('leaves alone what came to its end, what is paused, and what another run has taken up', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 20_000, () => {
      cluster.commands.push({ verb: 'freeze', by: 'bob', why: '' });
    });
    await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    const { record } = cluster;
    expect(await recover(createWorld(cluster), createOptions({ id: 'run-9' }), running())).toBeUndefined();
    expect(await recover(createWorld(cluster), createOptions({ fingerprint: 'plan-b' }), running())).toBeUndefined();
    expect(await recover(createWorld(cluster), createOptions(), running())).toMatchObject({ verdict: 'frozen' });
    expect(cluster).toMatchObject({ weight: 5, record });
  });

  it('tells the end that the main process was killed in before it could', async () => {
    const cluster = createCluster();
    cluster.errorRate.canary = () => 0.3;
    cluster.before = (name) => {
      if (name === 'ledger.release') throw new Error('killed');
    };
    const killed = rollout(createWorld(cluster), createOptions(), running());
    await expect(cluster.clock.run(killed)).rejects.toThrow('killed');
    cluster.before = () => undefined;
    const world = createWorld(cluster);
    const ended = await recover(world, createOptions(), running());
    expect(ended).toMatchObject({ verdict: 'rolled-back', reason: expect.stringContaining('error-rate') });
    expect(eventsOf(world.events, 'ended')).toMatchObject([{ verdict: 'rolled-back', reached: 5, weight: 0 }]);
  });
});

describe('a dry run', () => {
  it('looks at everything and changes nothing', async () => {
    const cluster = createCluster();
    await cluster.clock.run(dryRun(createWorld(cluster), createOptions(), running()));
    expect(cluster.calls).toEqual(['router.inspect', 'arms.inspect', 'meter.preflight']);
  });

  it('tells each write once, as a change of what the one before has left, and which come for sure', async () => {
    const cluster = createCluster();
    const world = createWorld(cluster);
    const created = (replicas: number) => ({
      object: 'Deployment canary',
      action: 'create' as const,
      before: undefined,
      after: { replicas },
    });
    const service = { object: 'Service canary', action: 'create' as const, before: undefined, after: {} };
    const planning = {
      ...world,
      arms: { ...world.arms, preview: (_: unknown, weight: number) => [service, created(weight > 5 ? 2 : 1)] },
      router: {
        ...world.router,
        preview: (_: unknown, weight: number) => [
          { object: 'Route', action: 'update' as const, before: { weight: 0 }, after: { weight } },
        ],
      },
    };
    await cluster.clock.run(dryRun(planning, createOptions(), running()));
    const told = eventsOf(world.events, 'planned').map(({ write, weight, later }) => [
      `${write.action} ${write.object}`,
      weight,
      later,
      write.before,
    ]);
    expect(told).toEqual([
      ['create Service canary', 5, false, undefined],
      ['create Deployment canary', 5, false, undefined],
      ['update Route', 5, false, { weight: 0 }],
      ['update Deployment canary', 25, true, { replicas: 1 }],
      ['update Route', 25, true, { weight: 5 }],
      ['update Route', 50, true, { weight: 25 }],
      ['update Route', 100, true, { weight: 50 }],
    ]);
  });
});

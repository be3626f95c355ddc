import { describe, expect, it } from 'vitest';
import type { RolloutEvent } from '../../../src/canary/events.ts';
import { rollout } from '../../../src/canary/rollout.ts';
import { type Cluster, createCluster, createOptions, createWorld } from '../../support/domain-world.ts';

const running = () => new AbortController().signal;
const second = 1_000;

const step = (weight: number, time: number) => ({ weight, least: time, most: time, early: false, hold: false });
const plan = { steps: [step(50, 30 * second), step(100, 0)] };

const warningsOf = (events: readonly RolloutEvent[]) =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

/** A cluster in which something happens as soon as a call was made, once. */
function clusterIn(call: string, act: (cluster: Cluster) => void): Cluster {
  const cluster = createCluster();
  let done = false;
  cluster.after = (name) => {
    if (done || name !== call) return;
    done = true;
    act(cluster);
  };
  return cluster;
}

/** When the route went back, since the given call. */
function wayBack(cluster: Cluster, since: string) {
  const times = { began: Number.NaN, back: Number.NaN };
  const { after } = cluster;
  cluster.after = (name) => {
    after(name);
    if (name === since && Number.isNaN(times.began)) times.began = cluster.clock.now();
    if (name === 'router.restore') times.back = cluster.clock.now();
  };
  return times;
}

describe('a promotion whose pods are ready before the EndpointSlices list them', () => {
  it.each([
    ['of the stable Service', {}],
    ['of both Services, as after an outage of the API server', { canary: 0 }],
  ])('leaves the route on the canary until those list them %s', async (_, others) => {
    const cluster = clusterIn('ledger.save returning', ({ clock }) => {
      cluster.listed = { stable: 0, ...others };
      clock.at(clock.now() + 10 * second, () => {
        cluster.listed = { stable: 2, ...others };
      });
      clock.at(clock.now() + 15 * second, () => {
        cluster.listed = {};
      });
    });
    const times = wayBack(cluster, 'ledger.save returning');
    const outcome = await cluster.clock.run(
      rollout(createWorld(cluster), createOptions({ plan, confirmTimeout: 60 * second }), running()),
    );
    expect(outcome).toMatchObject({ verdict: 'promoted', weight: 100 });
    // Where the canary gets nothing either, a part of the stable pods is better than none.
    const wanted = 'canary' in others ? 10 : 15;
    expect(times.back - times.began).toBeGreaterThanOrEqual(wanted * second);
    expect(times.back - times.began).toBeLessThan((wanted + 1) * second);
  });

  it('is held with the canary serving where they are never listed, and the next run goes on with it', async () => {
    const cluster = clusterIn('ledger.save returning', () => {
      cluster.listed = { stable: 0 };
    });
    const held = await cluster.clock.run(rollout(createWorld(cluster), createOptions({ plan }), running()));
    expect(held).toMatchObject({ verdict: 'held', weight: 100, routeRestored: false });
    expect(held.reason).toContain('or their Service does not lead to them; the canary serves all traffic');
    expect(cluster).toMatchObject({ weight: 100, served: 100, canaryExists: true, record: { phase: 'promoting' } });

    cluster.listed = {};
    const next = createWorld(cluster, { owner: 'run-2' });
    const outcome = await cluster.clock.run(rollout(next, createOptions({ plan, id: 'run-2' }), running()));
    expect(outcome).toMatchObject({ verdict: 'promoted' });
    expect(cluster).toMatchObject({ weight: 0, canaryExists: false });
  });

  it('says what is not listed where the canary’s pods are not either', async () => {
    const cluster = clusterIn('ledger.save returning', () => {
      cluster.listed = { stable: 0, canary: 0 };
    });
    const held = await cluster.clock.run(rollout(createWorld(cluster), createOptions({ plan }), running()));
    expect(held).toMatchObject({ verdict: 'held', routeRestored: false });
    expect(held.reason).toMatch(
      /Service shop\/stable.* has 0 of 3 ready pods of Deployment shop\/checkout in its EndpointSlices after 60 s/,
    );
    expect(cluster).toMatchObject({ weight: 100, record: { phase: 'returning' } });
  });

  it('goes by the readiness of the pods where the slices can’t be seen, and says so once', async () => {
    const cluster = createCluster();
    cluster.listed = { stable: 'the EndpointSlices of Service shop/stable may not be read. Add the rule.' };
    const world = createWorld(cluster);
    const outcome = await cluster.clock.run(rollout(world, createOptions({ plan }), running()));
    expect(outcome.verdict).toBe('promoted');
    expect(warningsOf(world.events).filter((message) => message.includes('EndpointSlices'))).toEqual([
      'The route goes back by the readiness of the pods alone: the EndpointSlices of Service shop/stable may not be read. Add the rule.',
    ]);
  });

  it('leaves the route on the canary where the slices can’t be seen and the pods are not ready any more', async () => {
    const cluster = createCluster();
    cluster.after = (name) => {
      if (name !== 'ledger.save returning') return;
      cluster.listed = { stable: 'no Service is known that leads to the pods' };
      cluster.stablePods.ready = 1;
    };
    const held = await cluster.clock.run(rollout(createWorld(cluster), createOptions({ plan }), running()));
    expect(held).toMatchObject({ verdict: 'held', weight: 100 });
    expect(cluster.weight).toBe(100);
  });
});

describe('an undo while the stable Service has no ready endpoint', () => {
  /** A canary at half of the requests that turns bad when the endpoints are as given. */
  function turnsBad(listed: Cluster['listed'], stableReady = 3): Cluster {
    const cluster = clusterIn('router.confirm', () => {
      cluster.errorRate.canary = () => 0.5;
      cluster.listed = listed;
      cluster.stablePods.ready = stableReady;
    });
    return cluster;
  }
  const undo = (cluster: Cluster) => {
    const world = createWorld(cluster);
    const times = { breach: Number.NaN, back: Number.NaN };
    const emit: typeof world.emit = (event) => {
      if (event.type === 'breach') times.breach = event.at;
      if (event.type === 'restored') times.back = event.at;
      world.emit(event);
    };
    return {
      world,
      times,
      run: () => cluster.clock.run(rollout({ ...world, emit }, createOptions({ plan }), running())),
    };
  };

  it('waits for the first one, with the record saying that it undoes', async () => {
    const cluster = turnsBad({ stable: 0, canary: 1 });
    const { times, run, world } = undo(cluster);
    const { after } = cluster;
    cluster.after = (name) => {
      after(name);
      if (name !== 'ledger.save undoing') return;
      cluster.clock.at(cluster.clock.now() + 7 * second, () => {
        cluster.listed = { stable: 1, canary: 1 };
      });
      cluster.after = after;
    };
    expect(await run()).toMatchObject({ verdict: 'rolled-back', routeRestored: true });
    expect(times.back - times.breach).toBeGreaterThanOrEqual(7 * second);
    expect(times.back - times.breach).toBeLessThan(8 * second);
    const order = cluster.calls.filter((name) => /ledger.save undoing|router.restore/.test(name));
    expect(order.slice(0, 2)).toEqual(['ledger.save undoing', 'router.restore']);
    expect(warningsOf(world.events)).toContain(
      'Service shop/stable has no ready endpoint, though pods are ready: the route goes back as soon as it has one.',
    );
  });

  it('does not wait longer than 20 s, and says so', async () => {
    const cluster = turnsBad({ stable: 0, canary: 1 });
    const { times, run, world } = undo(cluster);
    expect(await run()).toMatchObject({ verdict: 'rolled-back', routeRestored: true });
    expect(times.back - times.breach).toBeGreaterThanOrEqual(20 * second);
    expect(times.back - times.breach).toBeLessThan(22 * second);
    expect(warningsOf(world.events)).toContain(
      'The route goes back although Service shop/stable still has no ready endpoint after 20 s.',
    );
  });

  it.each([
    ['the stable Service has one endpoint', { stable: 1, canary: 1 }, 3],
    ['the canary gets no requests either', { stable: 0, canary: 0 }, 3],
    ['the stable arm has no ready pod, which the way back may bring', { stable: 0, canary: 1 }, 0],
    ['it can’t be seen', { stable: 'no Service is known' }, 3],
    ['it can’t be seen for the canary', { stable: 0, canary: 'no Service is known' }, 3],
  ])('does not wait where %s', async (_, listed, ready) => {
    const { times, run } = undo(turnsBad(listed, ready));
    expect(await run()).toMatchObject({ verdict: 'rolled-back', routeRestored: true });
    expect(times.back - times.breach).toBeLessThan(second);
  });

  it('does not wait where the API server does not say it within two seconds', async () => {
    const cluster = turnsBad({});
    const { times, run, world } = undo(cluster);
    const { reach } = world.arms;
    world.arms.reach = async (found, arm, signal) => {
      await cluster.clock.sleep(60 * second, signal);
      return reach(found, arm, signal);
    };
    expect(await run()).toMatchObject({ verdict: 'rolled-back', routeRestored: true });
    expect(times.back - times.breach).toBeLessThan(3 * second);
  });
});

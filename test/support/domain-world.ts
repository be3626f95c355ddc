/**
 * A world for the rollout without any cluster: a route with a weight, two arms with error rates, and a clock that takes no real
 * time. Every call to a port is recorded and can be made to fail, so that a test can break a rollout between any two.
 */

import type { RolloutEvent } from '../../src/canary/events.ts';
import type { RolloutOptions } from '../../src/canary/options.ts';
import type { Command, LeftObject, PodProblem, RolloutRecord, RouteSnapshot } from '../../src/canary/ports.ts';
import type { World } from '../../src/canary/world.ts';
import { SluiceError } from '../../src/core/errors.ts';
import { createPanel } from '../../src/judge/panel.ts';
import type { Counter, Reading } from '../../src/judge/readings.ts';
import type { OnBreach, Tallies } from '../../src/judge/types.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export interface Cluster {
  readonly clock: VirtualClock;
  /** The weight on the route. */
  weight: number;
  /** The weight that the data plane uses. */
  served: number;
  /** Whether the data plane follows the route. */
  follows: boolean;
  /** Fraction of bad responses; for the canary at a weight. */
  errorRate: { stable: number; canary: (weight: number) => number };
  requestsPerSecond: number;
  canaryPods: { desired: number; ready: number; problems: PodProblem[] };
  stablePods: { desired: number; ready: number };
  /** Which of the ready pods their Services lead to; undefined where all, a reason where that can't be seen. */
  listed: { stable?: number | string; canary?: number | string };
  /** How the stable pods change when an undo restores their workload. */
  mendStable: () => void;
  stableRevision: string;
  canaryRevision: string;
  canaryExists: boolean;
  /** What an undo of the arms can't restore. */
  left: LeftObject[];
  /** `workers`: two processes answer in turn, each with its own counts. */
  metrics: 'up' | 'down' | 'stale' | 'partial' | 'workers';
  /** When the arms are measured next, if the metrics tell. */
  due: ((now: number) => Reading['due']) | undefined;
  record: RolloutRecord | undefined;
  lease: string | undefined;
  commands: Command[];
  /** The counts that routers have received, each with the name of the previous call. */
  readonly counted: { after: string | undefined; total: Tallies }[];
  /** Names of the port calls, in order: `router.shift 5`, `ledger.save shifting`. */
  readonly calls: string[];
  /** Called before each port call; throws to make it fail. */
  before: (call: string) => void;
  /** Called after each port call that changed something; throws as if the process had died there. */
  after: (call: string) => void;
}

export function createCluster(): Cluster {
  return {
    clock: createVirtualClock(),
    weight: 0,
    served: 0,
    follows: true,
    errorRate: { stable: 0.005, canary: () => 0.005 },
    requestsPerSecond: 100,
    canaryPods: { desired: 1, ready: 1, problems: [] },
    stablePods: { desired: 3, ready: 3 },
    listed: {},
    mendStable: () => undefined,
    stableRevision: 'sha256:old',
    canaryRevision: 'sha256:new',
    canaryExists: false,
    left: [],
    metrics: 'up',
    due: undefined,
    record: undefined,
    lease: undefined,
    commands: [],
    counted: [],
    calls: [],
    before: () => undefined,
    after: () => undefined,
  };
}

export interface WorldOptions {
  readonly owner?: string;
  readonly onBreach?: OnBreach;
  readonly onPodProblem?: OnBreach;
  /** The stable workload gets the new revision and the route goes back to it. */
  readonly derived?: boolean;
  /** Requests are not counted. */
  readonly uncounted?: boolean;
  /** Somebody else deploys the stable workload after the plan; then the route goes back to it. */
  readonly returns?: boolean;
}

/** One process that works on the cluster. Its events are collected. */
export function createWorld(
  cluster: Cluster,
  {
    owner = 'run-1',
    onBreach = 'rollback',
    onPodProblem = 'rollback',
    uncounted = false,
    derived = true,
    returns = false,
  }: WorldOptions = {},
): World & { readonly events: RolloutEvent[] } {
  const { clock } = cluster;
  const events: RolloutEvent[] = [];
  const traffic = createTraffic(cluster);

  async function call<T>(name: string, act: () => T, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    cluster.before(name);
    cluster.calls.push(name);
    const result = act();
    cluster.after(name);
    return result;
  }

  return {
    clock,
    events,
    emit: (event) => events.push(event),
    counted: (total) => {
      cluster.counted.push({ after: cluster.calls.findLast((name) => name.startsWith('router.')), total });
    },
    forecast: () => ({ detects: 0.05, stableRate: 0.005, steps: [] }),
    judge: {
      panel: createPanel(uncounted ? [] : [{ kind: 'error-rate', onBreach }], { alpha: 0.01, steps: 4 }),
      checks: [],
      onPodProblem,
    },
    router: {
      kind: 'fake',
      object: 'Route shop/checkout',
      permissions: [],
      inspect: (signal) => call('router.inspect', () => snapshot(cluster.weight), signal),
      preview: () => [],
      shift: (_, from, to, signal) =>
        call(
          `router.shift ${to}`,
          () => {
            traffic.advance();
            if (cluster.weight !== from && cluster.weight !== to) throw foreignEdit(cluster.weight);
            cluster.weight = to;
            if (cluster.follows) cluster.served = to;
          },
          signal,
        ),
      async confirm(_, weight, signal) {
        while (!cluster.follows) await clock.sleep(1_000, signal);
        return call('router.confirm', () => ({ evidence: `serves ${weight} %` }), signal);
      },
      verifyRecorded: async () => undefined,
      weight: (_, signal) => call('router.weight', () => cluster.weight, signal),
      relinquish: (_, signal) => call('router.relinquish', () => undefined, signal),
      restore: (route, expected, signal) =>
        call(
          'router.restore',
          () => {
            traffic.advance();
            if (!expected.includes(cluster.weight)) throw foreignEdit(cluster.weight);
            cluster.weight = route.weight;
            if (cluster.follows) cluster.served = route.weight;
          },
          signal,
        ),
    },
    meter: {
      kind: uncounted ? 'none' : 'fake',
      source: 'requests_total',
      permissions: [],
      interval: 1_000,
      preflight: (signal) =>
        call(
          'meter.preflight',
          () => ({ traffic: true, requestsPerSecond: cluster.requestsPerSecond, evidence: 'counters grow' }),
          signal,
        ),
      read: (signal) =>
        call(
          'meter.read',
          () => {
            if (cluster.metrics === 'down') throw metricsDown();
            return traffic.read();
          },
          signal,
        ),
    },
    arms: {
      permissions: [],
      inspect: (signal) =>
        call(
          'arms.inspect',
          () => ({
            stable: 'Deployment shop/checkout',
            canary: 'Deployment shop/checkout-canary',
            revision: cluster.canaryRevision,
            data: { old: cluster.stableRevision },
          }),
          signal,
        ),
      confirm: (_, __, signal) => call('arms.confirm', () => undefined, signal),
      preview: () => [],
      prepare: (_, weight, signal) =>
        call(
          `arms.prepare ${weight}`,
          () => {
            cluster.canaryExists = true;
          },
          signal,
        ),
      podDetails: async () =>
        cluster.canaryPods.problems.map((problem) => ({
          ...problem,
          exitCode: 1,
          lastLines: ['no config'],
          events: ['BackOff: it fell'],
          missing: [],
        })),
      health: (_, arm, signal) =>
        call(
          `arms.health ${arm}`,
          () => {
            const pods = arm === 'canary' ? cluster.canaryPods : { ...cluster.stablePods, problems: [] };
            const listed = cluster.listed[arm];
            return { ...pods, ready: typeof listed === 'number' ? Math.min(pods.ready, listed) : pods.ready };
          },
          signal,
        ),
      reach: (_, arm, signal) =>
        call(
          `arms.reach ${arm}`,
          () => {
            const { desired, ready } = arm === 'canary' ? cluster.canaryPods : cluster.stablePods;
            const listed = cluster.listed[arm] ?? ready;
            if (typeof listed === 'string') return { desired, ready, unseen: listed };
            return { desired, ready, service: `Service shop/${arm}`, reachable: Math.min(ready, listed) };
          },
          signal,
        ),
      promote: (_, __, signal) =>
        call(
          'arms.promote',
          () => {
            if (derived) cluster.stableRevision = 'sha256:new';
            // A real promotion waits until they are available.
            cluster.stablePods.ready = cluster.stablePods.desired;
            return { routeBackToStable: derived || returns };
          },
          signal,
        ),
      undoPromotion: (_, signal) =>
        call(
          'arms.undoPromotion',
          () => {
            cluster.stableRevision = 'sha256:old';
            cluster.mendStable();
          },
          signal,
        ),
      relinquish: (_, signal) => call('arms.relinquish', () => undefined, signal),
      verify: (_, signal) =>
        call('arms.verify', () => ({ digest: 'sha256:new', evidence: '3 of 3 pods run it' }), signal),
      verifyUndone: (_, signal) =>
        call('arms.verifyUndone', () => ({ digest: 'sha256:old', evidence: '3 of 3 pods run it' }), signal),
      retire: (_, signal) =>
        call(
          'arms.retire',
          () => {
            if (derived) cluster.canaryExists = false;
          },
          signal,
        ),
      undo: (_, signal) =>
        call(
          'arms.undo',
          () => {
            cluster.canaryExists = false;
            if (cluster.left.length === 0) cluster.stableRevision = 'sha256:old';
            return { left: cluster.left, others: [] };
          },
          signal,
        ),
    },
    ledger: {
      object: 'ConfigMap shop/sluice-checkout',
      permissions: [],
      commandLine: (verb) => `kubectl annotate ${verb}`,
      claim: (signal) =>
        call(
          'ledger.claim',
          () => {
            if (cluster.lease !== undefined && cluster.lease !== owner) throw locked(cluster.lease);
            cluster.lease = owner;
            const release = () =>
              call(
                'ledger.release',
                () => {
                  cluster.lease = undefined;
                },
                new AbortController().signal,
              );
            return { lost: new AbortController().signal, release };
          },
          signal,
        ),
      load: (signal) => call('ledger.load', () => cluster.record, signal),
      save: (record, signal) =>
        call(
          `ledger.save ${record.phase}`,
          () => {
            cluster.record = structuredClone(record);
          },
          signal,
        ),
      async *commands(signal) {
        while (!signal.aborted) {
          const next = cluster.commands.shift();
          if (next) yield next;
          else await clock.sleep(1_000, signal).catch(() => undefined);
        }
      },
    },
  };
}

export function createOptions(change: Partial<RolloutOptions> = {}): RolloutOptions {
  const minute = 60_000;
  const step = (weight: number, time: number) => ({ weight, least: time, most: time, early: false, hold: false });
  return {
    mode: 'release',
    plan: { steps: [step(5, minute), step(25, minute), step(50, minute), step(100, 0)] },
    id: 'run-1',
    fingerprint: 'plan-a',
    startedBy: 'alice, run 1',
    onInterrupted: 'resume',
    onNoData: 'rollback',
    noDataPatience: minute,
    minRequests: 50,
    timeout: 30 * minute,
    confirmTimeout: minute,
    readyTimeout: minute,
    undoTimeout: minute,
    ...change,
  };
}

/** Requests and errors are evenly distributed, so that a test always runs in the same way. */
function createTraffic(cluster: Cluster) {
  const served = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } };
  let last = cluster.clock.now();
  const advance = () => {
    const seconds = (cluster.clock.now() - last) / 1_000;
    last = cluster.clock.now();
    const canary = (seconds * cluster.requestsPerSecond * cluster.served) / 100;
    const stable = seconds * cluster.requestsPerSecond - canary;
    served.stable.requests += stable;
    served.stable.errors += stable * cluster.errorRate.stable;
    served.canary.requests += canary;
    served.canary.errors += canary * cluster.errorRate.canary(cluster.served);
  };
  let at = last;
  let looks = 0;
  const counters = (arm: 'stable' | 'canary'): Counter[] =>
    (['requests', 'errors'] as const).map((kind) => ({
      kind,
      instance: `${arm}-pod`,
      series: kind,
      value: Math.floor(served[arm][kind] / (cluster.metrics === 'workers' && looks % 2 === 1 ? 3 : 1)),
      at,
    }));
  return {
    advance,
    read() {
      advance();
      looks += 1;
      if (['up', 'partial', 'workers'].includes(cluster.metrics)) at = cluster.clock.now();
      const due = cluster.due?.(cluster.clock.now());
      const partial = cluster.metrics === 'partial';
      return {
        at,
        stable: counters('stable'),
        canary: counters('canary'),
        ...(due && { due }),
        ...(partial && { partial }),
      };
    },
  };
}

function snapshot(weight: number): RouteSnapshot {
  return { router: 'fake', object: 'Route shop/checkout', weight, data: null };
}

function foreignEdit(weight: number): SluiceError {
  return new SluiceError('foreign-edit', {
    about: 'Route shop/checkout',
    problem: `shows ${weight} %.`,
    next: 'Look who.',
  });
}

function locked(holder: string): SluiceError {
  return new SluiceError('locked', { about: 'Route shop/checkout', problem: `is held by ${holder}.`, next: 'Wait.' });
}

function metricsDown(): SluiceError {
  return new SluiceError('unreachable', { about: 'Prometheus', problem: 'did not answer.', next: 'Look at it.' });
}

import { SluiceError } from '../../src/core/errors.ts';
import type { DrillEvent } from '../../src/drills/events.ts';
import { parseTargets, successTarget } from '../../src/drills/measure/targets.ts';
import type { Aim, Effect, Fault, Requests } from '../../src/drills/ports.ts';
import type { DrillRecord } from '../../src/drills/record.ts';
import type { DrillOptions, DrillWorld } from '../../src/drills/world.ts';
import type { GateOutcome } from '../../src/gates/events.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export interface DrillBench {
  readonly clock: VirtualClock;
  readonly world: DrillWorld;
  readonly events: DrillEvent[];
  /** What was done, in order: `save 1`, `inject pod-kill`, `remove pod-kill`. */
  readonly acts: string[];
  readonly injected: Set<string>;
  record: DrillRecord | undefined;
}

interface BenchOptions {
  readonly faults?: readonly Partial<Fault>[];
  /** Share of good requests while these faults are in. */
  readonly goodWhile?: (injected: ReadonlySet<string>, now: number) => number;
  readonly steady?: DrillWorld['steady'];
  readonly record?: DrillRecord;
  readonly remove?: (text: string) => Promise<void>;
  /** Milliseconds between two requests. */
  readonly every?: number;
  readonly requests?: Partial<Requests>;
  /** One of five requests is of the faulted arm, and the others of its control arm. */
  readonly hasControl?: boolean;
}

export const passed: GateOutcome = { verdict: 'passed', warning: false, reason: '1 of 1 checks passed', checks: [] };
export const failed: GateOutcome = { verdict: 'failed', warning: false, reason: 'errors: 5 %', checks: [] };

export function drillOptions(given: Partial<DrillOptions> & { readonly asks?: string } = {}): DrillOptions {
  const { asks = 'success >= 95%\nrecovery <= 10s', ...options } = given;
  const targets = parseTargets(asks);
  return {
    id: 'run-1',
    startedBy: 'alice',
    service: 'checkout',
    dryRun: false,
    limits: { maxPods: 1, maxShare: 1, namespaces: ['shop'] },
    targets,
    successTarget: successTarget(targets),
    stopWhen: undefined,
    baseline: 10_000,
    steadyFor: 5_000,
    recoveryTimeout: 60_000,
    pauses: [],
    removeTimeout: 60_000,
    ...options,
  };
}

/** A drill whose faults and requests live in memory, on a clock that the test moves. */
export function createDrillBench(options: BenchOptions = {}): DrillBench {
  const clock = createVirtualClock();
  const events: DrillEvent[] = [];
  const acts: string[] = [];
  const injected = new Set<string>();
  const bench = { clock, events, acts, injected, record: options.record };
  const goodWhile = options.goodWhile ?? (() => 1);
  const removed = async (text: string) => {
    acts.push(`remove ${text}`);
    await options.remove?.(text);
    injected.delete(text);
  };
  const requests: Requests = {
    asked: '20 requests a second',
    kind: 'own',
    ...(options.hasControl && { hasControl: true }),
    permissions: [],
    resolution: 100,
    preflight: async () => ({ evidence: 'it answers', warnings: [] }),
    async follow(tell, signal) {
      let owed = 0;
      let sent = 0;
      while (!signal.aborted) {
        const from = clock.now();
        await clock.sleep(options.every ?? 50, signal).catch(() => undefined);
        if (signal.aborted) return;
        sent += 1;
        const arm = options.hasControl ? (sent % 5 === 0 ? 'faulted' : 'clean') : undefined;
        owed += arm === 'clean' ? 0 : 1 - goodWhile(injected, from);
        const isBad = owed >= 1;
        if (isBad) owed -= 1;
        const to = from + 10;
        tell.tally({
          from,
          to,
          good: isBad ? 0 : 1,
          bad: isBad ? 1 : 0,
          took: 10,
          ...(arm && { arm }),
          ...(isBad && { fault: 'HTTP 503' }),
        });
      }
    },
    ...options.requests,
  };
  const world: DrillWorld = {
    faults: (options.faults ?? [{}]).map((given) => createFault({ given, injected, acts, removed })),
    requests,
    responders: [],
    steady: options.steady,
    store: {
      object: 'ConfigMap shop/sluice-drill-checkout',
      load: async () => bench.record,
      async save(record) {
        acts.push(`save ${record.faults.length}`);
        bench.record = record;
      },
      async remove() {
        acts.push('close');
        bench.record = undefined;
      },
      discard: async () => '',
    },
    admit: async () => undefined,
    claim: async () => ({ lost: new AbortController().signal, release: async () => undefined }),
    removeLeft: (_, mark) => removed(String(mark)),
    facts: async () => undefined,
    clock,
    emit: (event) => events.push(event),
  };
  return Object.assign(bench, { world });
}

interface Made {
  readonly given: Partial<Fault>;
  readonly injected: Set<string>;
  readonly acts: string[];
  removed(text: string): Promise<void>;
}

function createFault({ given, injected, acts, removed }: Made): Fault {
  const text = given.text ?? 'pod-kill on app=checkout one';
  const pods = [{ namespace: 'shop', name: 'checkout-1', uid: 'u1', node: 'n1' }];
  const aim: Aim = { pods, candidates: 3, writes: ['delete Pod shop/checkout-1'], warnings: [], mark: text };
  const felt: Effect = { felt: 'felt', evidence: '1 of 1 pods is gone' };
  return {
    kind: 'pod-kill',
    text,
    lasts: 20_000,
    endedBy: 'sluice',
    permissions: [],
    aim: async () => aim,
    async inject() {
      acts.push(`inject ${text}`);
      injected.add(text);
    },
    effect: async () => felt,
    remove: () => removed(text),
    ...given,
  };
}

/** The API server is away. */
export function away(): SluiceError {
  return new SluiceError('unreachable', { about: 'Kubernetes API server', problem: 'does not answer.', next: 'Wait.' });
}

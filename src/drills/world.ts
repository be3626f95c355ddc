import type { Clock } from '../core/clock.ts';
import type { Json } from '../core/json.ts';
import type { GateOutcome } from '../gates/events.ts';
import type { Claim } from '../ledger/lease.ts';
import type { EmitDrill } from './events.ts';
import type { ServiceFacts } from './measure/advice.ts';
import type { StopRule } from './measure/stop-condition.ts';
import type { Target } from './measure/targets.ts';
import type { Fault, Requests, Responder } from './ports.ts';
import type { DrillRecord } from './record.ts';

export interface DrillWorld {
  /** In the order in which they are injected. */
  readonly faults: readonly Fault[];
  readonly requests: Requests;
  readonly responders: readonly Responder[];
  /** Looks at the steady state by the checks; undefined without any. Its checks begin anew with each call. */
  readonly steady: ((when: 'before' | 'after', signal: AbortSignal) => Promise<GateOutcome>) | undefined;
  readonly store: DrillStore;
  /** Throws where a drill must not begin now: a rollout is under way, or a namespace does not allow it. Only reads. */
  readonly admit: (namespaces: readonly string[], signal: AbortSignal) => Promise<void>;
  /** Excludes rollouts and other drills of the same service. Throws `locked` with the holder. */
  readonly claim: (signal: AbortSignal) => Promise<Claim>;
  /** Removes a fault that is known by its record alone. */
  readonly removeLeft: (kind: string, mark: Json, signal: AbortSignal) => Promise<void>;
  /** What the cluster shows of the service, for the advice. Unknown facts are left out. */
  readonly facts: (signal: AbortSignal) => Promise<ServiceFacts | undefined>;
  readonly clock: Clock;
  readonly emit: EmitDrill;
}

/** What is needed to remove what a stopped drill has left. */
export type ConcludingWorld = Pick<DrillWorld, 'store' | 'claim' | 'removeLeft' | 'clock' | 'emit'>;

/** The memory of a drill in the cluster. */
export interface DrillStore {
  /** `ConfigMap shop/sluice-drill-checkout` */
  readonly object: string;
  load(signal: AbortSignal): Promise<DrillRecord | undefined>;
  save(record: DrillRecord, signal: AbortSignal): Promise<void>;
  /** At the end of a drill that has left nothing. */
  remove(signal: AbortSignal): Promise<void>;
  /** Gives the record up without reading it. @returns what it named, in a sentence */
  discard(signal: AbortSignal): Promise<string>;
}

/** Times in milliseconds, shares from 0 to 1. */
export interface DrillOptions {
  /** The run's ID: the same in `main` and in `post`. */
  readonly id: string;
  readonly startedBy: string;
  readonly service: string;
  readonly dryRun: boolean;
  readonly limits: BlastRadius;
  readonly targets: readonly Target[];
  /** The share of good requests below which users count as hurt. */
  readonly successTarget: number;
  readonly stopWhen: StopRule | undefined;
  /** How long requests are watched before the first fault. */
  readonly baseline: number;
  /** How long they have to be at the target until a fault counts as recovered from. */
  readonly steadyFor: number;
  /** The most for that, from the removal of a fault on. */
  readonly recoveryTimeout: number;
  /** Before each fault, after the recovery from the one before. */
  readonly pauses: readonly number[];
  /** The most for removing a fault. */
  readonly removeTimeout: number;
}

/** What faults may hit at most. */
export interface BlastRadius {
  readonly maxPods: number;
  readonly maxShare: number;
  readonly namespaces: readonly string[];
}

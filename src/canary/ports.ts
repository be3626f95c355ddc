/**
 * What the rollout needs from the world. Adapters in `routes/`, `meters/`, `workloads/` and `ledger/` implement these;
 * the domain knows nothing else of them. All times are milliseconds (instants: since the Unix epoch), weights per cent.
 */

import type { Json } from '../core/json.ts';
import type { Permission } from '../core/permission.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import type { Arm, Gauge, Reading } from '../judge/readings.ts';
import type { Command, LeftObject, RolloutRecord } from './record.ts';

export type { Command, LeftObject, RolloutRecord, Verdict } from './record.ts';

// ── routes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The route as found, before the first write. Goes into the rollout record; `data` is the adapter's own business. */
export interface RouteSnapshot {
  readonly router: string;
  /** `VirtualService shop/checkout` */
  readonly object: string;
  /** Canary weight as found. */
  readonly weight: number;
  readonly data: Json;
}

/** How the data plane was seen to follow a shift. */
export interface Confirmation {
  /** A sentence for the log: `generation 7 observed; 24.6 % of 1,203 requests reached the canary`. */
  readonly evidence: string;
  /** What the reader should know beside it: that the pods get other requests as well. */
  readonly warning?: string;
}

/** What was found beside a route, in sentences. */
export interface Surroundings {
  /** What changes what the rollout means: other requests to the same pods. */
  readonly warnings: readonly string[];
  /** What could not be looked at. */
  readonly notes: readonly string[];
}

/** A weight that pods can give. */
export interface Attainable {
  readonly weight: number;
  /** `5 % needs 20 pods, and there are 2: 50 %`; absent where the weight is the one that was asked for. */
  readonly why?: string;
}

export interface Router {
  /** `istio`, `gateway-api`, `nginx`, `traefik`, `replicas` */
  readonly kind: string;
  /** `VirtualService shop/checkout` */
  readonly object: string;
  readonly permissions: readonly Permission[];

  /**
   * Reads the route. Refuses with a SluiceError what can't be shifted: not found, no destination that is the stable arm,
   * a GitOps controller that would fight over the weights (with the ignore rule to add). Writes nothing.
   */
  inspect(signal: AbortSignal): Promise<RouteSnapshot>;

  /**
   * Sees that what a record says of the route fits the inputs and the route; whatever acts on a snapshot that this process has
   * not made does so by itself. Throws `unsupported` with the record's name.
   */
  verifyRecorded(snapshot: RouteSnapshot, signal: AbortSignal): Promise<void>;

  /**
   * Looks at what stands beside the route, as far as the credentials happen to allow it. Refuses with `unsupported` a route that
   * gets no requests: no gateway or controller takes it. Absent where nothing can stand beside it. Writes nothing.
   */
  survey?(snapshot: RouteSnapshot, signal: AbortSignal): Promise<Surroundings>;

  /** The weight that comes nearest among those that this router can give; absent where it can give any. */
  attainable?(snapshot: RouteSnapshot, weight: number): Attainable;

  /** What `shift` to this weight would write, from the route as found. */
  preview(snapshot: RouteSnapshot, weight: number): PlannedWrite[];

  /**
   * Moves the canary's weight from `from` (what was last written, or the snapshot's weight) to `to`. Touches weights and
   * the canary's destination only, by JSON Patch with `test` operations on what was last seen. Repeating it after a crash
   * is safe: a route that already shows `to` is left alone. Throws `foreign-edit` when the weights are neither.
   */
  shift(snapshot: RouteSnapshot, from: number, to: number, signal: AbortSignal): Promise<void>;

  /** Waits until the data plane follows, as far as this router lets one see it. Throws `not-confirmed` at `signal`'s end. */
  confirm(snapshot: RouteSnapshot, weight: number, signal: AbortSignal): Promise<Confirmation>;

  /** The canary's weight that the route shows now; `undefined` where somebody changed it into something else. */
  weight(snapshot: RouteSnapshot, signal: AbortSignal): Promise<number | undefined>;

  /**
   * Gives back exactly the destinations and weights as found. `expected` are the weights that the record says may be there
   * (a crash leaves two candidates). Idempotent. Throws `foreign-edit` when the route shows none of them.
   */
  restore(snapshot: RouteSnapshot, expected: readonly number[], signal: AbortSignal): Promise<void>;

  /**
   * After `restore`: leaves the objects to those they belong to, so that nothing which they apply conflicts with a rollout
   * that is over. Changes no value. Idempotent.
   */
  relinquish(snapshot: RouteSnapshot, signal: AbortSignal): Promise<void>;
}

// ── metrics ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the meter found before the first write. */
export interface MeterReadiness {
  /** False where the stable arm's counters answer but do not grow. */
  readonly traffic: boolean;
  /** Stable and canary requests per second together, where it could be measured. */
  readonly requestsPerSecond: number | undefined;
  /** A sentence for the log, with the query or the endpoint. */
  readonly evidence: string;
}

export interface Meter {
  /** `prometheus`, `pods`; `none` where requests are not counted, and the pods' health alone is judged. */
  readonly kind: string;
  /** What is asked, for the log and the report: the query, or the endpoints. */
  readonly source: string;
  readonly permissions: readonly Permission[];
  /** Milliseconds between two looks that can bring something new. */
  readonly interval: number;
  /**
   * Proves that the queries mean something before the first write: they match the stable arm's counters, which are fresh
   * and grow, or there is no traffic. Throws `bad-query` with the question and the similar series that exist.
   */
  preflight(signal: AbortSignal): Promise<MeterReadiness>;
  /** One look. Throws `unreachable` (no answer) or `bad-query` (an answer that can't be used). */
  read(signal: AbortSignal): Promise<Reading>;
  /** One PromQL expression, for threshold checks; absent where the meter has no PromQL. */
  evaluate?(query: string, signal: AbortSignal): Promise<Gauge>;
}

// ── workloads ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The two arms' workloads as found, before the first write. Goes into the rollout record. */
export interface ArmsSnapshot {
  /** `Deployment shop/checkout` */
  readonly stable: string;
  readonly canary: string;
  /** What identifies the new version: image digest where there is one, else the pod template's hash. */
  readonly revision: string;
  /** What people call the two versions: the tags of their images. Absent where they do not differ, as in a release of config. */
  readonly versions?: Versions | undefined;
  readonly data: Json;
  /** What the user should know before anything is changed, one sentence each. Not kept in the record. */
  readonly warnings?: readonly string[];
}

export interface Versions {
  readonly stable: string;
  readonly canary: string;
}

/** Something wrong with an arm's pods that is a breach by itself. */
export interface PodProblem {
  readonly pod: string;
  readonly container?: string;
  /** As Kubernetes calls it: `CrashLoopBackOff`, `ImagePullBackOff`, `OOMKilled`, `Unready`, … */
  readonly reason: string;
  readonly message: string;
}

/** A pod in trouble with what is to be known of it when it is gone. */
export interface PodDetails extends PodProblem {
  /** Of its last run that ended. */
  readonly exitCode?: number;
  /** What the container wrote last. */
  readonly lastLines: readonly string[];
  /** As Kubernetes tells them, the oldest first: `BackOff: Back-off restarting failed container (7 times)`. */
  readonly events: readonly string[];
  /** What could not be read, a sentence each. */
  readonly missing: readonly string[];
}

export interface ArmHealth {
  readonly desired: number;
  readonly ready: number;
  readonly problems: readonly PodProblem[];
}

/** An arm's pods as the API server has them at this moment. */
export type ArmReach = {
  /** Pods asked for, and of them ready by what the pods themselves say. */
  readonly desired: number;
  readonly ready: number;
} & (
  | {
      /** `Service shop/checkout` */
      readonly service: string;
      /** Of the ready pods, those to which the Service leads by its EndpointSlices. */
      readonly reachable: number;
    }
  | {
      /** Why that can't be seen, with what to do about it. */
      readonly unseen: string;
    }
);

export interface Arms {
  readonly permissions: readonly Permission[];
  /** Reads both arms and what the release changes. Writes nothing. */
  inspect(signal: AbortSignal): Promise<ArmsSnapshot>;
  /**
   * Sees that what a record says fits the inputs and the cluster; whatever acts on a snapshot that this process has not made
   * does so by itself. Throws `unsupported` with the record's name.
   */
  confirm(snapshot: ArmsSnapshot, isSameRelease: boolean, signal: AbortSignal): Promise<void>;
  /** What `prepare` and `promote` would write. */
  preview(snapshot: ArmsSnapshot, weight: number): PlannedWrite[];
  /**
   * Makes the canary able to carry `weight` per cent: creates it where Sluice owns it, scales it up, waits until the pods
   * are ready. Idempotent. Never scales down. Throws `not-ready` with the pods' problems as soon as these have lasted
   * longer than what passes by itself does, else at the deadline.
   */
  prepare(snapshot: ArmsSnapshot, weight: number, signal: AbortSignal): Promise<void>;
  health(snapshot: ArmsSnapshot, arm: Arm, signal: AbortSignal): Promise<ArmHealth>;
  /** Which pods the arm's Service leads to now. `health` may be of a moment ago, and from before an outage of the API server. */
  reach(snapshot: ArmsSnapshot, arm: Arm, signal: AbortSignal): Promise<ArmReach>;
  /** What is to be known of the arm's pods in trouble when they are gone. */
  podDetails(snapshot: ArmsSnapshot, arm: Arm, signal: AbortSignal): Promise<readonly PodDetails[]>;
  /**
   * Makes the stable workload the new revision and waits until it is available with that digest; where it is deployed by
   * somebody else, only waits. Where both arms are the user's own workloads and the canary stays, there is nothing to
   * update. Idempotent. True when the route must go back to the stable arm. `learn` keeps what the API server has made of
   * what was written, before anything is waited for: a later run has to know it.
   */
  promote(
    snapshot: ArmsSnapshot,
    learn: (snapshot: ArmsSnapshot) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly routeBackToStable: boolean }>;
  /**
   * Gives up the ownership of what was written, so that somebody else can deploy the new version as the stable workload.
   * Idempotent.
   */
  relinquish(snapshot: ArmsSnapshot, signal: AbortSignal): Promise<void>;
  /**
   * Takes `promote` back, and nothing else: the stable workload and its config are those found, and its pods are available.
   * Does nothing where somebody else deploys the stable workload. Idempotent. Throws `not-ready`.
   */
  undoPromotion(snapshot: ArmsSnapshot, signal: AbortSignal): Promise<void>;
  /** Proves law 6: pods of the arm that now serves run this revision and are available. Throws `not-ready`. */
  verify(snapshot: ArmsSnapshot, signal: AbortSignal): Promise<{ readonly digest: string; readonly evidence: string }>;
  /**
   * After an undo: proves that the stable pods run what was found, all of them available. Undefined where somebody else
   * deploys them. Throws `not-ready`.
   */
  verifyUndone(
    snapshot: ArmsSnapshot,
    signal: AbortSignal,
  ): Promise<{ readonly digest: string; readonly evidence: string } | undefined>;
  /** After a promotion: waits for connections to drain, removes what Sluice created. Idempotent. */
  retire(snapshot: ArmsSnapshot, signal: AbortSignal): Promise<void>;
  /** After a rollback: gives back the workloads, config and scaling as found, removes what Sluice created. Idempotent. */
  undo(snapshot: ArmsSnapshot, signal: AbortSignal): Promise<Undone>;
}

/** What concluding a rollout needs of its arms. */
export type ConcludingArms = Pick<
  Arms,
  'confirm' | 'health' | 'reach' | 'undoPromotion' | 'verify' | 'retire' | 'undo'
> &
  Partial<Pick<Arms, 'podDetails'>>;

/** What an undo has seen in the end. */
export interface Undone {
  /** What could not be taken back. */
  readonly left: readonly LeftObject[];
  /** What somebody else has changed since the rollout began, which stays, one sentence each. */
  readonly others: readonly string[];
}

// ── record and lease ─────────────────────────────────────────────────────────────────────────────────────────────────

export interface Ledger {
  readonly permissions: readonly Permission[];
  /** `ConfigMap shop/sluice-checkout` */
  readonly object: string;
  /** The command to copy, for the log and the summary. */
  commandLine(verb: Command['verb']): string;
  /**
   * Takes the Lease and renews it until `release`; waits for one that a dead run left to expire, no longer than `signal`.
   * Throws `locked` with the holder. `lost` aborts when somebody else has the lease.
   */
  claim(signal: AbortSignal): Promise<{ readonly lost: AbortSignal; release(): Promise<void> }>;
  load(signal: AbortSignal): Promise<RolloutRecord | undefined>;
  save(record: RolloutRecord, signal: AbortSignal): Promise<void>;
  /** Watches for commands until the signal aborts. A command is yielded once and taken off the record. */
  commands(signal: AbortSignal): AsyncIterable<Command>;
}

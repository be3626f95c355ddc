/**
 * What the rollout needs from outside. Adapters in `routes/`, `meters/`, `workloads/` and `ledger/` implement these; the domain
 * knows nothing else of them. All times are milliseconds (instants: since the Unix epoch), weights per cent.
 */

import type { Json } from '../core/json.ts';
import type { Permission } from '../core/permission.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import type { Arm, Reading } from '../judge/readings.ts';
import type { Command, LeftObject, RolloutRecord } from './record.ts';

export type { Command, LeftObject, RolloutRecord, Verdict } from './record.ts';

// ── routes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The route as found, before the first write. It is stored in the rollout record; only the adapter reads `data`. */
export interface RouteSnapshot {
  readonly router: string;
  /** `VirtualService shop/checkout` */
  readonly object: string;
  /** Canary weight as found. */
  readonly weight: number;
  readonly data: Json;
}

/** The evidence that the data plane follows a shift. */
export interface Confirmation {
  /** A sentence for the log: `generation 7 observed; 24.6 % of 1,203 requests reached the canary`. */
  readonly evidence: string;
  /** A warning beside it, for example that the pods get other requests as well. */
  readonly warning?: string;
}

/** What was found beside a route, in sentences. */
export interface Surroundings {
  /** Findings that change what the rollout means: other requests to the same pods. */
  readonly warnings: readonly string[];
  /** What could not be read. */
  readonly notes: readonly string[];
}

/** A weight that pods can give. */
export interface Attainable {
  readonly weight: number;
  /** `5 % needs 20 pods, and there are 2: 50 %`; absent if the weight is the requested one. */
  readonly why?: string;
}

export interface Router {
  /** `istio`, `gateway-api`, `nginx`, `traefik`, `replicas` */
  readonly kind: string;
  /** `VirtualService shop/checkout` */
  readonly object: string;
  readonly permissions: readonly Permission[];

  /**
   * Reads the route. Refuses with a SluiceError what can't be shifted: a missing route, no destination that is the stable arm,
   * a GitOps controller that would reset the weights (with the ignore rule to add). Writes nothing.
   */
  inspect(signal: AbortSignal): Promise<RouteSnapshot>;

  /**
   * Checks that the recorded route fits the inputs and the cluster. The other functions do so themselves for a snapshot that
   * this process has not made. Throws `unsupported` with the record's name.
   */
  verifyRecorded(snapshot: RouteSnapshot, signal: AbortSignal): Promise<void>;

  /**
   * Reads what is beside the route, as far as the credentials allow. Refuses with `unsupported` a route without requests,
   * because no gateway or controller accepts it. Absent if nothing can be beside the route. Writes nothing.
   */
  survey?(snapshot: RouteSnapshot, signal: AbortSignal): Promise<Surroundings>;

  /** The nearest weight that this router can give; absent if it can give any. */
  attainable?(snapshot: RouteSnapshot, weight: number): Attainable;

  /** What `shift` to this weight would write, starting from the route as found. */
  preview(snapshot: RouteSnapshot, weight: number): PlannedWrite[];

  /**
   * Moves the canary's weight from `from` (the last written one, or the snapshot's weight) to `to`. Changes only weights and
   * the canary's destination, by JSON Patch with `test` operations on the values last seen. Safe to repeat after a crash: a
   * route that already has `to` is left alone. Throws `foreign-edit` if the route has neither weight.
   */
  shift(snapshot: RouteSnapshot, from: number, to: number, signal: AbortSignal): Promise<void>;

  /** Waits until the data plane follows, as far as this router can see that. Throws `not-confirmed` when `signal` ends. */
  confirm(snapshot: RouteSnapshot, weight: number, signal: AbortSignal): Promise<Confirmation>;

  /** The canary's current weight on the route; `undefined` if somebody has changed it into something else. */
  weight(snapshot: RouteSnapshot, signal: AbortSignal): Promise<number | undefined>;

  /**
   * Restores exactly the destinations and weights as found. `expected` are the weights that the route may have according to the
   * record (after a crash there are two candidates). Idempotent. Throws `foreign-edit` if the route has none of them.
   */
  restore(snapshot: RouteSnapshot, expected: readonly number[], signal: AbortSignal): Promise<void>;

  /**
   * After `restore`: relinquishes the objects, so that nothing that their owners apply conflicts with a finished rollout.
   * Changes no value. Idempotent.
   */
  relinquish(snapshot: RouteSnapshot, signal: AbortSignal): Promise<void>;
}

// ── metrics ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the meter found before the first write. */
export interface MeterReadiness {
  /** False if the stable arm's counters answer but do not grow. */
  readonly traffic: boolean;
  /** Stable and canary requests per second together; undefined if not measured. */
  readonly requestsPerSecond: number | undefined;
  /** A sentence for the log, with the query or the endpoint. */
  readonly evidence: string;
}

export interface Meter {
  /** `prometheus`, `pods`; `none` if requests are not counted and only the pods' health is judged. */
  readonly kind: string;
  /** What the meter asks, for the log and the report: the query, or the endpoints. */
  readonly source: string;
  readonly permissions: readonly Permission[];
  /** Milliseconds between two looks that can bring new data. */
  readonly interval: number;
  /**
   * Checks the queries before the first write: they match the stable arm's counters, which are fresh and grow, or there is no
   * traffic. Throws `bad-query` with the query and similar series that exist.
   */
  preflight(signal: AbortSignal): Promise<MeterReadiness>;
  /** One look. Throws `unreachable` (no answer) or `bad-query` (an answer that can't be used). */
  read(signal: AbortSignal): Promise<Reading>;
}

// ── workloads ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The two arms' workloads as found, before the first write. It is stored in the rollout record. */
export interface ArmsSnapshot {
  /** `Deployment shop/checkout` */
  readonly stable: string;
  readonly canary: string;
  /** Identifies the new version: an image digest if there is one, else the pod template's hash. */
  readonly revision: string;
  /** The names of the two versions for people: the tags of their images. Absent if these are equal, as in a release of config. */
  readonly versions?: Versions | undefined;
  readonly data: Json;
  /** Warnings for the user before anything is changed, one sentence each. Not stored in the record. */
  readonly warnings?: readonly string[];
}

export interface Versions {
  readonly stable: string;
  readonly canary: string;
}

/** A problem of an arm's pods that is a breach by itself. */
export interface PodProblem {
  readonly pod: string;
  readonly container?: string;
  /** The reason in Kubernetes' words: `CrashLoopBackOff`, `ImagePullBackOff`, `OOMKilled`, `Unready`, … */
  readonly reason: string;
  readonly message: string;
}

/** A pod in trouble, with details that are lost when it is deleted. */
export interface PodDetails extends PodProblem {
  /** The exit code of its last run that ended. */
  readonly exitCode?: number;
  /** The container's last log lines. */
  readonly lastLines: readonly string[];
  /** Kubernetes' events, oldest first: `BackOff: Back-off restarting failed container (7 times)`. */
  readonly events: readonly string[];
  /** What could not be read, one sentence each. */
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
   * Checks that a record fits the inputs and the cluster. The other functions do so themselves for a snapshot that this process
   * has not made. Throws `unsupported` with the record's name.
   */
  confirm(snapshot: ArmsSnapshot, isSameRelease: boolean, signal: AbortSignal): Promise<void>;
  /** What `prepare` and `promote` would write. */
  preview(snapshot: ArmsSnapshot, weight: number): PlannedWrite[];
  /**
   * Prepares the canary for `weight` per cent: creates it if Sluice owns it, scales it up, waits until the pods are ready.
   * Idempotent. Never scales down. Throws `not-ready` with the pods' problems as soon as these have lasted longer than a
   * passing problem does, else at the deadline.
   */
  prepare(snapshot: ArmsSnapshot, weight: number, signal: AbortSignal): Promise<void>;
  health(snapshot: ArmsSnapshot, arm: Arm, signal: AbortSignal): Promise<ArmHealth>;
  /** Which pods the arm's Service leads to now. `health` may be of a moment ago, and from before an outage of the API server. */
  reach(snapshot: ArmsSnapshot, arm: Arm, signal: AbortSignal): Promise<ArmReach>;
  /** Details of the arm's pods in trouble that are lost when the pods are deleted. */
  podDetails(snapshot: ArmsSnapshot, arm: Arm, signal: AbortSignal): Promise<readonly PodDetails[]>;
  /**
   * Gives the stable workload the new revision and waits until it is available with that digest; only waits if somebody else
   * deploys it. If both arms are the user's own workloads and the canary stays, there is nothing to update. Idempotent. Returns
   * true if the route must go back to the stable arm. `learn` stores what the API server has made of the written objects,
   * before anything is waited for, as a later run needs it.
   */
  promote(
    snapshot: ArmsSnapshot,
    learn: (snapshot: ArmsSnapshot) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly routeBackToStable: boolean }>;
  /** Relinquishes what was written, so that somebody else can deploy the new version to the stable workload. Idempotent. */
  relinquish(snapshot: ArmsSnapshot, signal: AbortSignal): Promise<void>;
  /**
   * Undoes `promote`, and nothing else: restores the stable workload and its config as found, and waits until its pods are
   * available. Does nothing if somebody else deploys the stable workload. Idempotent. Throws `not-ready`.
   */
  undoPromotion(snapshot: ArmsSnapshot, signal: AbortSignal): Promise<void>;
  /** Verifies law 6: pods of the arm that now serves run this revision and are available. Throws `not-ready`. */
  verify(snapshot: ArmsSnapshot, signal: AbortSignal): Promise<{ readonly digest: string; readonly evidence: string }>;
  /**
   * After an undo: verifies that the stable pods are all available and run what was found. Undefined if somebody else deploys
   * them. Throws `not-ready`.
   */
  verifyUndone(
    snapshot: ArmsSnapshot,
    signal: AbortSignal,
  ): Promise<{ readonly digest: string; readonly evidence: string } | undefined>;
  /** After a promotion: waits for connections to drain, then removes what Sluice created. Idempotent. */
  retire(snapshot: ArmsSnapshot, signal: AbortSignal): Promise<void>;
  /** After a rollback: restores workloads, config and scaling as found, and removes what Sluice created. Idempotent. */
  undo(snapshot: ArmsSnapshot, signal: AbortSignal): Promise<Undone>;
}

/** The functions of the arms that are needed to conclude a rollout. */
export type ConcludingArms = Pick<
  Arms,
  'confirm' | 'health' | 'reach' | 'undoPromotion' | 'verify' | 'retire' | 'undo'
> &
  Partial<Pick<Arms, 'podDetails'>>;

/** The result of an undo. */
export interface Undone {
  /** What could not be restored. */
  readonly left: readonly LeftObject[];
  /** Changes by others since the rollout began, which are kept, one sentence each. */
  readonly others: readonly string[];
}

/** The commands to copy for steering this rollout. */
export type CommandLines = Readonly<Record<Command['verb'], string>>;

/** What is compared, in names for people. */
export type NamedArms = Pick<ArmsSnapshot, 'stable' | 'canary' | 'revision' | 'versions'>;

// ── record and lease ─────────────────────────────────────────────────────────────────────────────────────────────────

export interface Ledger {
  readonly permissions: readonly Permission[];
  /** `ConfigMap shop/sluice-checkout` */
  readonly object: string;
  /** The command to copy, for the log and the summary. */
  commandLine(verb: Command['verb']): string;
  /**
   * Takes the Lease and renews it until `release`. Waits until a dead run's Lease expires, but no longer than `signal`. Throws
   * `locked` with the holder. `lost` aborts when somebody else has the Lease.
   */
  claim(signal: AbortSignal): Promise<{ readonly lost: AbortSignal; release(): Promise<void> }>;
  load(signal: AbortSignal): Promise<RolloutRecord | undefined>;
  save(record: RolloutRecord, signal: AbortSignal): Promise<void>;
  /** Watches for commands until the signal aborts. A command is removed from the record and yielded once. */
  commands(signal: AbortSignal): AsyncIterable<Command>;
}

import type { RolloutRecord } from '../canary/ports.ts';
import type { Clock } from '../core/clock.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import type { Claim } from '../ledger/lease.ts';
import type { Chart } from './chart.ts';
import type { Desired, Helm } from './cli.ts';
import type { EmitHelm } from './events.ts';
import type { ChangeOptions } from './invocation.ts';
import type { ChangeStore } from './record.ts';
import type { Release } from './release.ts';

/** The objects of a release in the cluster, by the manifest that Helm renders. */
export interface ReleaseObjects {
  /**
   * What a release would change; nothing is written. `previous` is the revision that it has now: what is in it alone goes.
   *
   * @throws SluiceError where the API server refuses an object: an immutable field, a value it does not take, a quota
   */
  changes(wanted: WantedRelease, previous: Release | undefined, signal: AbortSignal): Promise<readonly PlannedWrite[]>;
  /** Objects of kinds that the cluster does not serve, as Helm looks at them: `Widget w1 (field.example/v1)`. */
  unserved(manifest: string, signal: AbortSignal): Promise<readonly string[]>;
  /** What is left of a release that was to be removed, in the order of the manifest. */
  remains(manifest: string, signal: AbortSignal): Promise<Remains>;
  /** Deletes the objects of a release that the cluster still knows, and waits until they are gone; then Helm's records of it. */
  remove(manifest: string, signal: AbortSignal): Promise<void>;
  /** `Deployment shop/checkout`, in the order of the manifest. */
  names(manifest: string, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Shows what each workload waits for, until all are ready. A workload that the change writes counts only once it is written:
   * what runs before that may be as broken as it likes.
   *
   * @param change undefined where nothing is written
   * @throws SluiceError `not-ready` as soon as one can't get ready any more, with the reason
   */
  watch(manifest: string, change: WatchedChange | undefined, signal: AbortSignal): Promise<void>;
}

/** What a release is to be. */
export interface WantedRelease {
  readonly manifest: string;
  /** `ssa` where Helm writes it by server-side apply; anything else stands for patches. */
  readonly apply_method?: string | undefined;
  /** Definitions of kinds that Helm installs before it. */
  readonly definitions?: string | undefined;
}

export interface Remains {
  readonly gone: readonly string[];
  /** `ConfigMap shop/held (waits for its finalizer field.example/hold)` */
  readonly left: readonly string[];
  /** Objects of kinds that the cluster does not know: what that is stands in the text. */
  readonly unknown: readonly string[];
}

/** A change that is made while its workloads are watched. */
export interface WatchedChange {
  /** What it writes; undefined where that is not known: it may be any workload then. */
  readonly writes: readonly PlannedWrite[] | undefined;
  /** Called once the workloads were looked at as they are before it. What is written earlier would not be seen to change. */
  readonly mayBegin: () => void;
  /** Aborts when all is written that will be. */
  readonly applied: AbortSignal;
}

/** Everything outside that a change of a release needs. */
export interface HelmWorld {
  readonly helm: Helm;
  readonly objects: ReleaseObjects;
  readonly changes: ChangeStore;
  readonly clock: Clock;
  readonly emit: EmitHelm;
  /** Takes the Lease of the release; throws `locked` with its holder. */
  claim(signal: AbortSignal): Promise<Claim>;
  /** The manifest of the release that a canary stands beside; undefined for one that stands for itself. */
  readonly stable: ((signal: AbortSignal) => Promise<string>) | undefined;
  /** The workloads that rollouts of the namespace have not let go of yet, by their names: `Deployment shop/checkout`. */
  underRollout(signal: AbortSignal): Promise<ReadonlyMap<string, Pick<RolloutRecord, 'startedBy' | 'route'>>>;
  fetchChart(signal: AbortSignal): Promise<Chart>;
  /** Undefined unless the namespace is missing and may be made; then, what makes it. */
  missingNamespace(signal: AbortSignal): Promise<((signal: AbortSignal) => Promise<void>) | undefined>;
}

export interface HelmRequest {
  /** Identity of this run. */
  readonly id: string;
  readonly release: string;
  readonly namespace: string;
  readonly change: ChangeOptions;
  readonly undoOnFailure: boolean;
  readonly test: boolean;
  readonly dryRun: boolean;
}

export interface DeployRequest extends HelmRequest {
  readonly desired: Omit<Desired, 'chart'>;
  /** Write a new revision also where nothing would change. */
  readonly force: boolean;
}

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
   * What a release would change; writes nothing. `previous` is the revision that is installed: objects that only it has are
   * deleted.
   *
   * @throws SluiceError where the API server refuses an object: an immutable field, an invalid value, a quota
   */
  changes(wanted: WantedRelease, previous: Release | undefined, signal: AbortSignal): Promise<readonly PlannedWrite[]>;
  /** Objects of kinds that the cluster does not serve, such as `Widget w1 (field.example/v1)`. */
  unserved(manifest: string, signal: AbortSignal): Promise<readonly string[]>;
  /** What is left of a release that should be removed, in the order of the manifest. */
  remains(manifest: string, signal: AbortSignal): Promise<Remains>;
  /**
   * Deletes the objects of a release whose kinds the cluster knows, waits until they are gone, and then deletes Helm's
   * records.
   */
  remove(manifest: string, signal: AbortSignal): Promise<void>;
  /** `Deployment shop/checkout`, in the order of the manifest. */
  names(manifest: string, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Reports what each workload waits for, until all are ready. A workload that the change writes counts only once it is
   * written: what runs before may be broken.
   *
   * @param change undefined where nothing is written
   * @throws SluiceError `not-ready` as soon as a workload cannot get ready any more, with the reason
   */
  watch(manifest: string, change: WatchedChange | undefined, signal: AbortSignal): Promise<void>;
}

/** The release that is wanted. */
export interface WantedRelease {
  readonly manifest: string;
  /** `ssa` where Helm writes by server-side apply; any other value stands for patches. */
  readonly apply_method?: string | undefined;
  /** CRDs that Helm installs before the release. */
  readonly definitions?: string | undefined;
}

export interface Remains {
  readonly gone: readonly string[];
  /** `ConfigMap shop/held (waits for its finalizer field.example/hold)` */
  readonly left: readonly string[];
  /** Objects of kinds that the cluster does not know; each text says which kind. */
  readonly unknown: readonly string[];
}

/** A change that is made while its workloads are watched. */
export interface WatchedChange {
  /** What the change writes; undefined where that is not known, so that it may be any workload. */
  readonly writes: readonly PlannedWrite[] | undefined;
  /**
   * Called once the workloads were read in their state before the change; a write before this call would go unnoticed.
   */
  readonly mayBegin: () => void;
  /** Aborts once everything is written. */
  readonly applied: AbortSignal;
}

/** All the outside access that a change of a release needs. */
export interface HelmWorld {
  readonly helm: Helm;
  readonly objects: ReleaseObjects;
  readonly changes: ChangeStore;
  readonly clock: Clock;
  readonly emit: EmitHelm;
  /** Takes the Lease of the release; throws `locked` with its holder. */
  claim(signal: AbortSignal): Promise<Claim>;
  /** The manifest of the stable release that a canary stands beside; undefined for a release that is no canary. */
  readonly stable: ((signal: AbortSignal) => Promise<string>) | undefined;
  /** The workloads under unfinished rollouts of the namespace, by name: `Deployment shop/checkout`. */
  underRollout(signal: AbortSignal): Promise<ReadonlyMap<string, Pick<RolloutRecord, 'startedBy' | 'route'>>>;
  fetchChart(signal: AbortSignal): Promise<Chart>;
  /** A function that creates the namespace; undefined unless the namespace is missing and may be created. */
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
  /** Write a new revision even where nothing changes. */
  readonly force: boolean;
}

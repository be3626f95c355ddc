/** What a rollback by hand needs from the world. Times are milliseconds since the Unix epoch. */

import type { RolloutRecord } from '../canary/ports.ts';
import type { PlannedWrite } from '../core/planned-write.ts';

/** One version of a workload that the cluster still keeps. */
export interface Revision {
  /** The number that `kubectl rollout history` shows. A version that a rollback goes back to gets a new, highest number. */
  readonly number: number;
  /** `template-3f2a…`: the permanent identity of the version. */
  readonly id: string;
  /** Container → image. */
  readonly images: ReadonlyMap<string, string>;
  /** How many of its pods are ready now. */
  readonly ready: number;
}

/** What the record of a rollout, or of an earlier rollback, says of a version. */
export interface Statement {
  /** `served`: a rollout found this version serving, or a rollback went back to it. */
  readonly verdict: 'promoted' | 'rolled-back' | 'served';
  readonly at: number;
  /** In words, without the time: `promoted by alice`. */
  readonly said: string;
  isAbout(revision: Revision): boolean;
}

/** What a rollback is about to do, recorded on the workload, so that the next run can continue an interrupted rollback. */
export interface RollbackPlan {
  /** As the input named it. */
  readonly wanted: string;
  /** Identities of the version that serves before the rollback, and of its target. */
  readonly from: string;
  readonly to: string;
  readonly by: string;
  readonly at: number;
  /** When the target was seen to serve. */
  readonly endedAt?: number | undefined;
}

/** The current state of the workload. */
export interface Sight {
  /** Newest first, including the current one. */
  readonly revisions: readonly Revision[];
  readonly current: Revision;
  /** All of its pods are of the current version and ready. */
  readonly settled: boolean;
  readonly plan: RollbackPlan | undefined;
  /** What earlier rollbacks say. */
  readonly statements: readonly Statement[];
}

export interface RollbackWorkload {
  /** `Deployment shop/checkout` */
  readonly object: string;
  /** @throws SluiceError for a workload that does not follow its template */
  look(signal: AbortSignal): Promise<Sight>;
  /** Identity of the version that a rollout found serving, and that its undo brings back. */
  foundBy(record: RolloutRecord, signal: AbortSignal): Promise<string>;
  /** Records on the workload what the rollback is about to do, or that it is done. */
  note(plan: RollbackPlan, signal: AbortSignal): Promise<void>;
  preview(from: Revision, to: Revision): PlannedWrite;
  /** What does not come back with the pod template, a sentence each. */
  staysBehind(from: Revision, to: Revision): string[];
  /** Makes the workload run version `to`. @throws SluiceError `conflict` where it runs neither of the two versions now */
  put(from: Revision, to: Revision, signal: AbortSignal): Promise<void>;
  /**
   * Waits until all pods are of this version and available, and looks at what they run.
   *
   * @param progress called with what is waited for, at each change
   * @throws SluiceError `not-ready`
   */
  confirm(
    to: Revision,
    progress: (text: string) => void,
    signal: AbortSignal,
  ): Promise<{ readonly digest: string; readonly evidence: string }>;
  /** Counts the pods of other versions. A pod that is ending still answers on its open connections. */
  leftovers(to: Revision, signal: AbortSignal): Promise<number>;
}

/** What a rollback by hand needs from the world. Times are milliseconds since the Unix epoch. */

import type { RolloutRecord } from '../canary/ports.ts';
import type { PlannedWrite } from '../core/planned-write.ts';

/** One version of a workload that the cluster still keeps. */
export interface Revision {
  /** As `kubectl rollout history` counts them. A version that is gone back to gets a new, highest number. */
  readonly number: number;
  /** `template-3f2a…`: what identifies the version for good. */
  readonly id: string;
  /** Container → image. */
  readonly images: ReadonlyMap<string, string>;
  /** Pods of it that are ready now. */
  readonly ready: number;
}

/** What is known of versions: from the record of a rollout, or of an earlier rollback. */
export interface Statement {
  /** `served`: it was what a rollout found serving, or what a rollback went back to. */
  readonly verdict: 'promoted' | 'rolled-back' | 'served';
  readonly at: number;
  /** In words, without the time: `promoted by alice`. */
  readonly said: string;
  isAbout(revision: Revision): boolean;
}

/** What a rollback is about to do, as it stands on the workload: whoever is stopped is continued by the next run. */
export interface RollbackPlan {
  /** As the input named it. */
  readonly wanted: string;
  /** Identities of the version that is left, and of the one that is gone back to. */
  readonly from: string;
  readonly to: string;
  readonly by: string;
  readonly at: number;
  /** When the version was seen to serve. */
  readonly endedAt?: number | undefined;
}

/** The workload as it is now. */
export interface Sight {
  /** Newest first, the current one among them. */
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
  /** The version that a rollout has found serving: what its undo gives back. */
  foundBy(record: RolloutRecord, signal: AbortSignal): Promise<string>;
  /** Writes down what is about to be done, or that it is done. */
  note(plan: RollbackPlan, signal: AbortSignal): Promise<void>;
  preview(from: Revision, to: Revision): PlannedWrite;
  /** What does not come back with the template, a sentence each. */
  staysBehind(from: Revision, to: Revision): string[];
  /** Makes the workload be of a version. @throws SluiceError `conflict` where it is neither of the two any more */
  put(from: Revision, to: Revision, signal: AbortSignal): Promise<void>;
  /**
   * Waits until all pods are of this version and available, and looks at what they run.
   *
   * @param progress takes what is waited for, at each change
   * @throws SluiceError `not-ready`
   */
  confirm(
    to: Revision,
    progress: (text: string) => void,
    signal: AbortSignal,
  ): Promise<{ readonly digest: string; readonly evidence: string }>;
  /** Pods of other versions that are still there. One that ends goes on answering on connections that it has. */
  leftovers(to: Revision, signal: AbortSignal): Promise<number>;
}

import type { Failure } from '../core/errors.ts';
import type { PlannedWrite } from '../core/planned-write.ts';

/** How a run of `actions/helm-deploy` ended. */
export const helmVerdicts = ['deployed', 'unchanged', 'rolled-back', 'uninstalled', 'failed'] as const;
export type HelmVerdict = (typeof helmVerdicts)[number];

/** What a release is now. */
export interface ReleaseFacts {
  readonly revision: number;
  readonly chart: string;
  readonly chartVersion: string;
  readonly appVersion: string;
  readonly manifestDigest: string;
  /** Undefined where the cluster could not be read. */
  readonly resources: readonly string[] | undefined;
}

export interface HelmOutcome {
  /** Undefined after a dry run. */
  readonly verdict: HelmVerdict | undefined;
  readonly reason: string;
  /** What the user can do now, where there is something to do. */
  readonly next?: string;
  /** What the release is now, where that is known without another call of Helm. */
  readonly release?: ReleaseFacts;
}

/** What happens to a release, as plain data that survives JSON. `at`: milliseconds since the Unix epoch. */
export type HelmEvent =
  | {
      readonly type: 'started';
      readonly at: number;
      readonly mode: string;
      readonly release: string;
      readonly by: string;
    }
  /** Something was done, seen or decided. */
  | { readonly type: 'note'; readonly at: number; readonly level: 'info' | 'good' | 'warning'; readonly text: string }
  /** A line of Helm's output, or what a workload waits for; for the log alone. */
  | { readonly type: 'progress'; readonly at: number; readonly text: string }
  | { readonly type: 'chart'; readonly at: number; readonly digest: string }
  /**
   * `begun`: from here on the release is not as it was found. Not `begun`: Helm had not started, so it is unchanged after all.
   */
  | { readonly type: 'writing'; readonly at: number; readonly begun: boolean }
  /** The revision that served before. */
  | { readonly type: 'found'; readonly at: number; readonly revision: number }
  /** The workloads of a canary and of the stable release beside it. */
  | { readonly type: 'beside'; readonly at: number; readonly stable: string; readonly canary: string }
  | { readonly type: 'planned'; readonly at: number; readonly writes: readonly PlannedWrite[] }
  | {
      readonly type: 'ended';
      readonly at: number;
      /** Undefined after a dry run. */
      readonly verdict: HelmVerdict | undefined;
      readonly reason: string;
      readonly next?: string;
      readonly release?: ReleaseFacts;
    }
  | Failed;

interface Failed extends Failure {
  readonly type: 'failed';
  readonly at: number;
  /** The release is as it was found. */
  readonly unchanged: boolean;
}

export type EmitHelm = (event: HelmEvent) => void;

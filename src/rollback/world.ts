import type { RolloutOptions } from '../canary/options.ts';
import type { Command, Ledger, RolloutRecord, Router } from '../canary/ports.ts';
import type { ConcludingWorld } from '../canary/world.ts';
import type { Clock } from '../core/clock.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import type { Candidate } from './choose.ts';
import type { Revision, RollbackWorkload, Statement } from './ports.ts';

/** The adapters of one rollback. */
export interface RollbackWorld {
  readonly workload: RollbackWorkload;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** The route; absent where the inputs name none. */
  readonly router: Router | undefined;
  /** What the records of rollouts say about the versions of this workload. */
  statements(signal: AbortSignal): Promise<readonly Statement[]>;
  /** Sends a command to the run that owns the rollout. */
  command(command: Command, signal: AbortSignal): Promise<void>;
  /** The adapters to conclude a rollout of a dead run; undefined where the inputs name no route. */
  concluding(record: RolloutRecord): ConcludingWorld | undefined;
  /** Called with each message for the log and the report. */
  tell(level: 'info' | 'good' | 'warning', text: string): void;
  /** Called with all versions, and the one that was chosen. */
  considered(candidates: readonly Candidate[], chosen: Revision): void;
  /** Called in a dry run with what would be written. */
  planned(write: PlannedWrite): void;
}

/** Times in milliseconds. */
export interface RollbackOptions
  extends Pick<RolloutOptions, 'startedBy' | 'readyTimeout' | 'confirmTimeout' | 'undoTimeout'> {
  /** `last-healthy`, or a number, digest or identity of a version. */
  readonly wanted: string;
  readonly dryRun: boolean;
}

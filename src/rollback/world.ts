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
  /** What the records of rollouts say of this workload's versions. */
  statements(signal: AbortSignal): Promise<readonly Statement[]>;
  /** Asks whoever runs the rollout. */
  command(command: Command, signal: AbortSignal): Promise<void>;
  /** What it takes to conclude a rollout that a dead run has left; undefined where the inputs name no route. */
  concluding(record: RolloutRecord): ConcludingWorld | undefined;
  /** Takes what is worth a line in the log and in the report. */
  tell(level: 'info' | 'good' | 'warning', text: string): void;
  /** Takes all versions, and the one that was chosen. */
  considered(candidates: readonly Candidate[], chosen: Revision): void;
  /** Dry run: takes what would be written. */
  planned(write: PlannedWrite): void;
}

/** Times in milliseconds. */
export interface RollbackOptions
  extends Pick<RolloutOptions, 'startedBy' | 'readyTimeout' | 'confirmTimeout' | 'undoTimeout'> {
  /** `last-healthy`, or what names a version. */
  readonly wanted: string;
  readonly dryRun: boolean;
}

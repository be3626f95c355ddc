import type { ArmsSnapshot, Ledger, RouteSnapshot } from './ports.ts';

export type Verdict = 'promoted' | 'rolled-back' | 'frozen' | 'held';

/**
 * Where a rollout is; each phase is written before the acts that belong to it. `paused` is a rollout that ended as frozen
 * or held: its weight stays until a person decides.
 */
type Phase = 'preparing' | 'shifting' | 'promoting' | 'returning' | 'retiring' | 'undoing' | 'paused' | 'ended';

/** The rollout's memory in the cluster: enough for another process to resume or undo it. */
export interface RolloutRecord {
  readonly schema: 1;
  readonly id: string;
  /** Hash over plan, route, arms and revision: the same release asked for again has the same one. */
  readonly fingerprint: string;
  readonly phase: Phase;
  /** Index into the plan's steps. */
  readonly step: number;
  /** The shift that is under way or was last done: the route shows one of the two. */
  readonly weight: { readonly from: number; readonly to: number };
  readonly route: RouteSnapshot;
  readonly arms: ArmsSnapshot;
  readonly startedAt: number;
  readonly startedBy: string;
  readonly endedAt?: number;
  readonly verdict?: Verdict;
  readonly reason?: string;
  /** What an undo could not take back. */
  readonly left?: readonly LeftObject[];
}

/** What a person asked for through the annotations of the record. */
export interface Command {
  readonly verb: 'abort' | 'approve' | 'freeze';
  readonly by: string;
  readonly why: string;
}

/** An object that is still of the new version after an undo. */
export interface LeftObject {
  /** `Deployment shop/checkout` */
  readonly object: string;
  /** What it shows: `container app has registry.example/checkout:1.1.0`. */
  readonly shows: string;
}

/** The record of a rollout together with the way to write its next state: record, then act. */
export interface Journal {
  readonly record: RolloutRecord;
  write(change: Partial<RolloutRecord>, signal: AbortSignal): Promise<void>;
}

export function openJournal(ledger: Ledger, start: RolloutRecord): Journal {
  let record = start;
  return {
    get record() {
      return record;
    },
    async write(change, signal) {
      const next = { ...record, ...change };
      await ledger.save(next, signal);
      record = next;
    },
  };
}

import type { ArmsSnapshot, Ledger, RouteSnapshot } from './ports.ts';

export type Verdict = 'promoted' | 'rolled-back' | 'frozen' | 'held';

/**
 * The phase of a rollout, which is written before the actions of the phase. `paused` is a rollout that ended as frozen or held:
 * its weight stays until a person decides.
 */
type Phase = 'preparing' | 'shifting' | 'promoting' | 'returning' | 'retiring' | 'undoing' | 'paused' | 'ended';

/** The rollout's memory in the cluster: enough for another process to resume or undo it. */
export interface RolloutRecord {
  readonly schema: 1;
  readonly id: string;
  /** Hash of plan, route, arms and revision, which is the same if the same release is requested again. */
  readonly fingerprint: string;
  readonly phase: Phase;
  /** Index into the plan's steps. */
  readonly step: number;
  /** The current or last shift: the route has one of the two weights. */
  readonly weight: { readonly from: number; readonly to: number };
  readonly route: RouteSnapshot;
  readonly arms: ArmsSnapshot;
  readonly startedAt: number;
  readonly startedBy: string;
  readonly endedAt?: number;
  readonly verdict?: Verdict;
  readonly reason?: string;
  /** What an undo could not restore. */
  readonly left?: readonly LeftObject[];
}

/** A person's command in the annotations of the record. */
export interface Command {
  readonly verb: 'abort' | 'approve' | 'freeze';
  readonly by: string;
  readonly why: string;
}

/** An object that still has the new version after an undo. */
export interface LeftObject {
  /** `Deployment shop/checkout` */
  readonly object: string;
  /** The evidence: `container app has registry.example/checkout:1.1.0`. */
  readonly shows: string;
}

/** The record of a rollout, with a function that writes its next state: record first, then act. */
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

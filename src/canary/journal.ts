import type { Ledger, RolloutRecord } from './ports.ts';

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

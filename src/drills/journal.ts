import type { DrillRecord, LeftFault } from './record.ts';
import type { DrillStore } from './world.ts';

/** The record of a drill that is under way: what it holds is in the cluster. */
export interface Journal {
  readonly record: DrillRecord;
  /** Before a fault is injected. */
  add(fault: LeftFault, signal: AbortSignal): Promise<void>;
  /** After the fault was removed. */
  drop(text: string, signal: AbortSignal): Promise<void>;
}

/** @param record as it is in the cluster */
export function openJournal(store: Pick<DrillStore, 'save'>, found: DrillRecord): Journal {
  let record = found;
  const save = async (next: DrillRecord, signal: AbortSignal) => {
    await store.save(next, signal);
    record = next;
  };
  return {
    get record() {
      return record;
    },
    add: (fault, signal) => save({ ...record, faults: [...record.faults, fault] }, signal),
    drop: (text, signal) => save({ ...record, faults: record.faults.filter((one) => one.text !== text) }, signal),
  };
}

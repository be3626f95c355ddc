import type { Concludable } from '../change/change.ts';
import * as change from '../change/conclude.ts';
import { isSluiceError, reasonOf } from '../core/errors.ts';
import { type DrillTypes, endDrill, NotRemoved, type Progress } from './ending.ts';
import type { DrillOutcome } from './events.ts';
import { openJournal } from './journal.ts';
import type { DrillRecord } from './record.ts';
import { removeFault } from './run-fault.ts';
import type { ConcludingWorld, DrillOptions } from './world.ts';

/**
 * Removes what a drill has left that was stopped.
 *
 * @param whose only what this run has left, or what any run has
 * @returns undefined where nothing was left
 */
export async function concludeLeft(
  world: ConcludingWorld,
  options: DrillOptions,
  whose: 'own' | 'any',
  signal: AbortSignal,
): Promise<DrillOutcome | undefined> {
  const left = await world.store.load(signal);
  const id = whose === 'any' ? (left?.id ?? options.id) : options.id;
  return change.conclude(concludable(world, { ...options, id }, {}), signal);
}

/** Removes what the record of a drill holds. */
export function concludable(
  world: ConcludingWorld,
  options: DrillOptions,
  progress: Progress,
): Concludable<DrillTypes> {
  const { store, clock, emit } = world;
  const { removeTimeout } = options;
  const journalOf = (mark: DrillRecord) => progress.journal ?? openJournal(store, mark);
  return {
    id: options.id,
    clock,
    // Each fault has a deadline of its own.
    undoTime: { failed: undefined, cancelled: undefined, stopped: undefined },
    claim: (signal) => world.claim(signal),
    async look(signal) {
      const record = await store.load(signal);
      return { record, left: record && { id: record.id, mark: record, isApplied: false } };
    },
    tellLeft: ({ mark }) => emit({ type: 'resumed', at: clock.now(), by: mark.startedBy, since: mark.startedAt }),
    async undo(mark, _, signal) {
      const journal = journalOf(mark);
      const left: string[] = [];
      // The last one first, as a fault may hit what an earlier one has changed.
      for (const { kind, text, mark: one } of journal.record.faults.toReversed()) {
        const fault = {
          text,
          remove: (given: typeof one, during: AbortSignal) => world.removeLeft(kind, given, during),
        };
        try {
          await removeFault(world, { removeTimeout }, { index: -1, fault, mark: one, journal }, signal);
        } catch (error) {
          if (!isSluiceError(error)) throw error;
          const { code, about, problem, next } = error;
          emit({ type: 'not-removed', at: clock.now(), index: -1, text, failure: { code, about, problem, next } });
          left.push(`${reasonOf(error)} ${next}`);
        }
      }
      progress.journal = journal;
      if (left.length > 0) throw new NotRemoved(left);
      return { how: 'undone', state: 'Every fault is removed.', mark: journal.record };
    },
    end: (ending, signal) => endDrill(world, ending, signal),
  };
}

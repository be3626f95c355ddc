import { isUnfinished } from './begin.ts';
import type { RolloutRecord, Verdict } from './ports.ts';
import { completePromotion } from './promote.ts';
import { undo } from './restore.ts';
import { type Journal, openJournal, type RolloutOptions, type World } from './session.ts';

export interface Concluded {
  readonly verdict: Verdict;
  readonly reason: string;
}

/**
 * Concludes what this run's main process was stopped in: a promotion that is made is finished, anything else is undone. A
 * rollout that came to its end, or that another run has taken up, is left alone.
 *
 * @returns how it ended; undefined where nothing was left to do
 * @throws SluiceError when another run holds the route or the API server stays away
 */
export async function recover(
  world: World,
  options: Pick<RolloutOptions, 'id' | 'undoTimeout' | 'confirmTimeout'>,
  signal: AbortSignal,
): Promise<Concluded | undefined> {
  if (!isLeftBehind(await world.ledger.load(signal), options.id)) return undefined;
  const lease = await world.ledger.claim(signal);
  try {
    const record = await world.ledger.load(signal);
    if (!isLeftBehind(record, options.id)) return undefined;
    const journal = openJournal(world.ledger, record);
    const concluded = await conclude(world, journal, options, signal);
    world.emit({
      type: 'ended',
      at: world.clock.now(),
      ...concluded,
      reached: concluded.verdict === 'promoted' ? 100 : record.weight.to,
      weight: journal.record.weight.to,
      revision: record.arms.revision,
    });
    return concluded;
  } finally {
    await lease.release();
  }
}

async function conclude(
  world: World,
  journal: Journal,
  options: Parameters<typeof recover>[1],
  signal: AbortSignal,
): Promise<Concluded> {
  const { phase, reason } = journal.record;
  if (phase === 'returning' || phase === 'retiring') {
    await completePromotion(world, journal, options, signal);
    return { verdict: 'promoted', reason: 'the new version had been promoted before the run was stopped' };
  }
  const undone = await undo(world, journal, reason ?? 'the run was stopped', options);
  return { verdict: undone.verdict, reason: undone.reason };
}

/** The record is of a rollout that the run with this id has neither ended nor paused. */
export function isLeftBehind(record: RolloutRecord | undefined, id: string): record is RolloutRecord {
  return isUnfinished(record) && record.id === id && record.endedAt === undefined;
}

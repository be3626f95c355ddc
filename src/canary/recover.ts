import { isUnfinished } from './begin.ts';
import type { Verdict } from './ports.ts';
import { completePromotion } from './promote.ts';
import { undo } from './restore.ts';
import { openJournal, type RolloutOptions, type World } from './session.ts';

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
): Promise<{ readonly verdict: Verdict; readonly reason: string } | undefined> {
  if (!isLeftBehind(await world.ledger.load(signal), options.id)) return undefined;
  const lease = await world.ledger.claim(signal);
  try {
    const record = await world.ledger.load(signal);
    if (!isLeftBehind(record, options.id)) return undefined;
    const journal = openJournal(world.ledger, record);
    if (record.phase === 'returning' || record.phase === 'retiring') {
      await completePromotion(world, journal, signal);
      return { verdict: 'promoted', reason: 'the new version had been promoted before the run was stopped' };
    }
    return await undo(world, journal, record.reason ?? 'the run was stopped', options);
  } finally {
    await lease.release();
  }
}

function isLeftBehind(record: Parameters<typeof isUnfinished>[0], id: string): record is NonNullable<typeof record> {
  return isUnfinished(record) && record.id === id && record.endedAt === undefined;
}

/** Releases whose process is killed: `stops.test.ts` kills once for each sequel, `test/real/cluster` at many moments. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Run } from '../../../lab/embedded/runner.ts';
import type { Shop } from './shop.ts';
import {
  type Inputs,
  nextRun,
  report,
  type Stopped,
  shows,
  silenceFromNow,
  stoppedRelease,
  tellOfStop,
} from './stops.ts';

/** What comes after a process that was killed. */
export const sequels = {
  same: 'then the same release again',
  newer: 'then a newer release',
  post: 'then the post step',
  bad: 'then a newer release that is bad',
} as const;
export type Sequel = keyof typeof sequels;

/** Kills the process that runs a release with these inputs, and lets follow what follows. */
async function killed(run: Run, shop: Shop, inputs: Inputs, sequel: Sequel): Promise<Stopped> {
  if (sequel === 'post') {
    // Not the runner: it goes on with post.
    run.main.kill('SIGKILL');
    const silence = silenceFromNow();
    await run.ended;
    return { silence };
  }
  run.kill();
  const first = await run.ended;
  if (sequel === 'same') {
    return { first, ...(await nextRun(shop, inputs, { GITHUB_RUN_ATTEMPT: '2' })) };
  }
  const newer =
    sequel === 'newer'
      ? { ...(await stoppedRelease('v2-slow')), steps: '100' }
      : await stoppedRelease('v2-errors-100pct');
  return { first, ...(await nextRun(shop, newer, { GITHUB_RUN_ID: '2' })) };
}

/**
 * Kills a release that would be promoted.
 *
 * @param reach resolves at the moment of it, with words for when that is
 */
export async function tellOfKill(
  name: string,
  sequel: Sequel,
  reach: (run: Run, shop: Shop) => Promise<string>,
): Promise<void> {
  let moment = '';
  await tellOfStop(
    `killed ${name}, ${sequels[sequel]}`,
    await stoppedRelease('v2'),
    async (run, shop, inputs) => {
      moment = await reach(run, shop);
      return killed(run, shop, inputs, sequel);
    },
    async (told) => {
      const { record, left, seen } = told;
      report(told, `killed ${name} at ${moment} (${left?.phase ?? '-'}), ${sequels[sequel]}`);
      const { outputs, status, log } = seen.ended;
      const wasPromoted = /returning|retiring|ended/.test(left?.phase ?? '');
      if (sequel === 'same' || sequel === 'newer') {
        expect({ verdict: outputs.verdict, status }).toEqual({ verdict: 'promoted', status: 0 });
        expect(record).toMatchObject({ phase: 'ended', verdict: 'promoted' });
        await told.expectServed(sequel === 'same' ? 'v2' : 'v2-slow');
      } else if (sequel === 'bad') {
        expect({ verdict: outputs.verdict, status }).toEqual({ verdict: 'rolled-back', status: 1 });
        expect(record).toMatchObject({ phase: 'ended', verdict: 'rolled-back' });
        // It is undone first, or finished where there was no way back.
        await told.expectServed(wasPromoted ? 'v2' : 'as found');
      } else if (record === undefined) {
        expect(outputs.verdict ?? '').toBe('');
        await told.expectServed('as found');
      } else {
        const beganToPromote = log.includes('becomes the stable one');
        expect(record).toMatchObject({ phase: 'ended' });
        expect(record.verdict).toBe(beganToPromote ? record.verdict : 'rolled-back');
        expect(outputs.verdict).toBe(record.verdict);
        await told.expectServed(record.verdict === 'promoted' ? 'v2' : 'as found');
      }
    },
  );
}

/**
 * Kills a bad release while it is undone.
 *
 * @param after milliseconds since the undo began
 */
export async function tellOfKilledUndo(
  tag: 'v2-errors-100pct' | 'v2-errors-10pct',
  sequel: Sequel,
  after: number,
): Promise<void> {
  const name = `undo of ${tag} killed after ${(after / 1_000).toFixed(1)} s, ${sequels[sequel]}`;
  await tellOfStop(
    name,
    // Long enough to be found out.
    { ...(await stoppedRelease(tag)), steps: '20 for 1m, 60 for 1s, 100' },
    async (run, shop, inputs) => {
      await shows(run, shop, 'The route goes back');
      await sleep(after);
      return killed(run, shop, inputs, sequel);
    },
    async (told) => {
      const { record, left, seen } = told;
      report(told, `${name}; it was ${left?.phase ?? ''}`);
      const verdict = sequel === 'newer' ? 'promoted' : 'rolled-back';
      expect(seen.ended.outputs.verdict).toBe(verdict);
      expect(record).toMatchObject({ phase: 'ended', verdict });
      await told.expectServed(sequel === 'newer' ? 'v2-slow' : 'as found');
    },
  );
}

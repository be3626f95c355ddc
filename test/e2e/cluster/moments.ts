import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from '../../../lab/embedded/runner.ts';
import type { Shop } from './shop.ts';
import { shows } from './stops.ts';

/** What a release by the plan that is stopped prints on its way, in this order. */
const MARKS = [
  'Step 1:',
  '0 % → 20 %',
  'follows at 20 %',
  'Step 2:',
  '20 % → 60 %',
  'follows at 60 %',
  'Step 3:',
  '60 % → 100 %',
  'follows at 100 %',
  'becomes the stable one',
  'follows at 0 %',
];

/** How long a release takes that nobody stops, and when it printed each mark: milliseconds since its start. */
export interface Course {
  readonly marks: readonly { readonly text: string; readonly at: number }[];
  readonly end: number;
}

/** Follows a release from its start to its end. */
export async function followCourse(run: Run, shop: Shop): Promise<Course> {
  const start = Date.now();
  const marks = [];
  for (const text of MARKS) {
    await shows(run, shop, text);
    marks.push({ text, at: Date.now() - start });
  }
  await run.ended;
  return { marks, end: Date.now() - start };
}

/**
 * Waits until a part of a release's course is over. Counted from the last mark before, so that a release which is slower or
 * faster than the one that was followed is met in the same place.
 *
 * @param part 0 to 1
 * @returns where that is: `8.3 s, 0.4 s after "Step 2:"`
 */
export async function reach(part: number, { marks, end }: Course, run: Run, shop: Shop): Promise<string> {
  const start = Date.now();
  const moment = part * end;
  const last = marks.findLast(({ at }) => at <= moment);
  if (last) await shows(run, shop, last.text);
  const rest = moment - (last?.at ?? 0);
  await sleep(rest);
  const since = last ? `, ${(rest / 1_000).toFixed(1)} s after "${last.text}"` : '';
  return `${((Date.now() - start) / 1_000).toFixed(1)} s${since}`;
}

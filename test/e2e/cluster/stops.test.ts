/**
 * Releases that are stopped, once in each way: cancelled before the first write, with a way back that is in time and one that is not,
 * and with no way back any more; killed once for each thing that may follow. All moments, and many kills, are run by
 * `npm run test:real -- stops`.
 */
import { describe, test } from 'vitest';
import { cancellations, tellOfCancellation } from './cancellations.ts';
import { type Sequel, sequels, tellOfKill, tellOfKilledUndo } from './kills.ts';
import { pick } from './pick.ts';
import { shows } from './stops.ts';

const cancelled = pick(
  cancellations,
  'while it writes its record',
  'in the middle of a step',
  'in the middle of a step, with a drain that outlasts the patience of the runner',
  'while the route returns',
);

describe('A release that is cancelled', () => {
  test.concurrent.for(cancelled)('%s', ([name, cancellation]) => tellOfCancellation(name, cancellation));
});

/** What the log shows when the process is killed: on the way up, with all requests on the canary, and past the way back. */
const kills: { mark: string; sequel: Sequel; next: string }[] = (
  [
    ['follows at 20 %', 'post'],
    ['20 % → 60 %', 'same'],
    ['follows at 100 %', 'bad'],
    ['becomes the stable one', 'newer'],
  ] as const
).map(([mark, sequel]) => ({ mark, sequel, next: sequels[sequel] }));

describe('A release whose process is killed', () => {
  test.concurrent.for(kills)('at "$mark", $next', ({ mark, sequel }) =>
    tellOfKill(`at ${mark}`, sequel, async (run, shop) => {
      await shows(run, shop, mark);
      return `"${mark}"`;
    }),
  );
});

test.concurrent('A bad release that is killed while it is undone, then the same release again', () =>
  tellOfKilledUndo('v2-errors-100pct', 'same', 1_000));

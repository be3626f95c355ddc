import { beforeAll, describe, expect, test } from 'vitest';
import { cancellations, tellOfCancellation } from '../../e2e/cluster/cancellations.ts';
import { type Sequel, sequels, tellOfKill, tellOfKilledUndo } from '../../e2e/cluster/kills.ts';
import { type Course, followCourse, reach } from '../../e2e/cluster/moments.ts';
import { seeded, seedFrom } from '../../e2e/cluster/seeded.ts';
import { report, stoppedRelease, tellOfStop } from '../../e2e/cluster/stops.ts';

/** A variable repeats the moments of an earlier run. */
const seed = seedFrom('SLUICE_STOPS_SEED');
const random = seeded(seed);
process.stdout.write(`moments by SLUICE_STOPS_SEED=${seed}\n`);

/** The course of a release that nobody stops, with as many others beside it as the stopped ones have. */
let undisturbed: Promise<Course> | undefined;
function followUndisturbed(): Promise<Course> {
  undisturbed ??= (async () => {
    let course: Course = { marks: [], end: 0 };
    await tellOfStop(
      'never stopped',
      await stoppedRelease('v2'),
      async (run, shop) => {
        course = await followCourse(run, shop);
        return {};
      },
      async (told) => {
        report(told, `never stopped, ${course.end / 1_000} s`);
        expect(told.seen.ended.outputs.verdict).toBe('promoted');
        await told.expectServed('v2');
      },
    );
    return course;
  })();
  return undisturbed;
}

describe('A release that is cancelled', () => {
  test.concurrent.for(Object.entries(cancellations))('%s', ([name, cancellation]) =>
    tellOfCancellation(name, cancellation),
  );

  test.concurrent('never, is promoted', async () => {
    await followUndisturbed();
  });
});

const KILLS = 20;
const order = ['same', 'newer', 'post', 'same', 'bad'] as const;
/** One moment in each twentieth of a release's time. */
const kills = Array.from({ length: KILLS }, (_, index) => {
  const part = (index + random()) / KILLS;
  const sequel: Sequel = order[index % order.length] ?? 'post';
  return { number: index + 1, part, percent: Math.round(part * 100), sequel, next: sequels[sequel] };
});

describe('A release whose process is killed', () => {
  let course: Course;
  beforeAll(async () => {
    course = await followUndisturbed();
  });

  test.concurrent.for(kills)('$number: at $percent % of its time, $next', ({ number, part, sequel }) =>
    tellOfKill(`${number}`, sequel, (run, shop) => reach(part, course, run, shop)),
  );
});

/** Milliseconds that the undo of a bad release takes. */
const UNDO = 3_500;
const undoKills = (
  [
    ['v2-errors-100pct', 'same'],
    ['v2-errors-10pct', 'same'],
    ['v2-errors-100pct', 'post'],
    ['v2-errors-10pct', 'newer'],
  ] as const
).map(([tag, sequel], index, { length }) => ({
  tag,
  sequel,
  next: sequels[sequel],
  after: ((index + random()) / length) * UNDO,
}));

describe('A bad release that is killed while it is undone', () => {
  test.concurrent.for(undoKills)('$tag, $next', ({ tag, sequel, after }) => tellOfKilledUndo(tag, sequel, after));
});

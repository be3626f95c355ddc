import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { Run } from '../../../lab/embedded/runner.ts';
import { type Course, followCourse, reach } from './moments.ts';
import { seeded, seedFrom } from './seeded.ts';
import type { Shop } from './shop.ts';
import {
  type Inputs,
  nextRun,
  report,
  type Serving,
  type Stopped,
  shows,
  silenceFromNow,
  stoppedRelease,
  tellOfStop,
} from './stops.ts';

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

const container = z.object({
  spec: z.object({
    template: z.object({ spec: z.object({ containers: z.tuple([z.object({ image: z.string() })]) }) }),
  }),
});

async function exists(shop: Shop, path: string): Promise<boolean> {
  return shop.api.get(path).then(
    () => true,
    () => false,
  );
}

/** Each moment at which the job is cancelled, by what the log or the cluster shows; and what has to serve after it. */
const moments: Readonly<
  Record<string, { when: (run: Run, shop: Shop) => Promise<void>; serves: Serving; inputs?: Inputs; killed?: true }>
> = {
  'right after its start': {
    when: (run, shop) => shows(run, shop, /\S/),
    serves: 'as found',
  },
  'while it writes its record': {
    when: (_, shop) =>
      shop.until('the Lease', () =>
        exists(shop, `/apis/coordination.k8s.io/v1/namespaces/${shop.namespace}/leases/sluice-checkout`),
      ),
    serves: 'as found',
  },
  'while the canary is made ready': {
    when: (_, shop) => shop.until('the canary', () => exists(shop, `${shop.path.deployments}/checkout-canary`)),
    serves: 'as found',
  },
  'right after a shift': {
    when: (run, shop) => shows(run, shop, '0 % → 20 %'),
    serves: 'as found',
  },
  'while it waits for the data plane': {
    when: (run, shop) => shows(run, shop, / 20 %.*canary.*waiting for the data plane/),
    serves: 'as found',
  },
  'in the middle of a step': {
    when: (run, shop) => shows(run, shop, 'The data plane follows at 20 %'),
    serves: 'as found',
  },
  'in the middle of a step, with a drain that outlasts the patience of the runner': {
    when: (run, shop) => shows(run, shop, 'The data plane follows at 20 %'),
    serves: 'as found',
    inputs: { drain: '12s' },
    killed: true,
  },
  'between two steps': {
    when: (run, shop) => shows(run, shop, 'Step 2:'),
    serves: 'as found',
  },
  'at 100 %': {
    when: (run, shop) => shows(run, shop, '60 % → 100 %'),
    serves: 'as found',
  },
  'while the stable version becomes the new one': {
    when: (_, shop) =>
      shop.until('the new image', async () => {
        const { spec } = container.parse(await shop.api.get(`${shop.path.deployments}/checkout`));
        return spec.template.spec.containers[0].image.includes('@');
      }),
    serves: 'as found',
  },
  'while the route returns': {
    when: (_, shop) =>
      shop.until('the way back', async () => /returning|retiring/.test((await shop.record())?.phase ?? '')),
    serves: 'v2',
  },
};

describe('A release that is cancelled', () => {
  test.concurrent.for(Object.entries(moments))('%s', async ([name, { when, serves, inputs, killed }]) => {
    await tellOfStop(
      `cancelled ${name}`,
      { ...(await stoppedRelease('v2')), ...inputs },
      async (run, shop) => {
        await when(run, shop);
        run.cancel();
        return { silence: silenceFromNow() };
      },
      async (told) => {
        report(told, `cancelled ${name}`);
        const { outputs, status, log } = told.seen.ended;
        if (told.record === undefined) {
          expect(outputs.verdict ?? '').toBe('');
          expect(log).toContain('was asked to stop (SIGINT). Run the workflow again to release. Nothing was changed.');
        } else {
          const verdict = serves === 'v2' ? 'promoted' : 'rolled-back';
          expect(told.record).toMatchObject({ phase: 'ended', verdict });
          expect(outputs.verdict).toBe(verdict);
        }
        // A runner that has lost its patience leaves the end to the post step.
        expect(killed ? [undefined] : [serves === 'v2' ? 0 : 1, undefined]).toContain(status);
        await told.expectServed(serves);
      },
    );
  });

  test.concurrent('never, is promoted', async () => {
    await followUndisturbed();
  });
});

/** What comes after a process that was killed. */
const sequels = {
  same: 'then the same release again',
  newer: 'then a newer release',
  post: 'then the post step',
  bad: 'then a newer release that is bad',
} as const;
type Sequel = keyof typeof sequels;

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

  test.concurrent.for(kills)('$number: at $percent % of its time, $next', async ({ number, part, sequel }) => {
    let moment = '';
    await tellOfStop(
      `killed ${number}, ${sequels[sequel]}`,
      await stoppedRelease('v2'),
      async (run, shop, inputs) => {
        moment = await reach(part, course, run, shop);
        return killed(run, shop, inputs, sequel);
      },
      async (told) => {
        const { record, left, seen } = told;
        report(told, `killed ${number} at ${moment} (${left?.phase ?? '-'}), ${sequels[sequel]}`);
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
  });
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
  test.concurrent.for(undoKills)('$tag, $next', async ({ tag, sequel, after }) => {
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
  });
});

import { describe, expect, it } from 'vitest';
import { compareHistory } from '../../../../src/drills/measure/compare-history.ts';
import type { PastRun } from '../../../../src/drills/measure/history.ts';
import { type Random, seeded } from '../../../../src/judge/random.ts';

const normal = (random: Random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
/** Student's distribution with three degrees of freedom: its fourth moment is infinite. */
const heavy = (random: Random) =>
  normal(random) / Math.sqrt((normal(random) ** 2 + normal(random) ** 2 + normal(random) ** 2) / 3);

const seconds = 1_000;
/** Times of recovery of one drill, in milliseconds. */
const times: Readonly<Record<string, (random: Random) => number>> = {
  'log-normal': (random) => 12 * seconds * Math.exp(0.3 * normal(random)),
  'heavy-tailed': (random) => 12 * seconds * Math.exp(0.3 * heavy(random)),
};
const mixed: Readonly<Record<string, (random: Random) => number>> = {
  exponential: (random) => -12 * seconds * Math.log(1 - random()),
  'five times as long in one of ten': (random) =>
    12 * seconds * Math.exp(0.3 * normal(random)) * (random() < 0.1 ? 5 : 1),
  'none in half of the runs': (random) => (random() < 0.5 ? 0 : 5 * seconds * Math.exp(0.3 * normal(random))),
  'none in most runs': (random) => (random() < 0.85 ? 0 : 5 * seconds * Math.exp(0.3 * normal(random))),
};

function runOf(recovery: number, at: number): PastRun {
  return { at, service: 'shop/checkout', fault: 'pod-kill on app=checkout one', recovery };
}

/** The state of recovery of each run beside those before it. */
function statesOf(recoveries: readonly number[]): string[] {
  const runs = recoveries.map(runOf);
  return runs.map((run, index) => compareHistory(runs.slice(0, index), run)[0]?.state ?? '');
}

function seriesOf(time: (random: Random) => number, count: number): number[][] {
  const random = seeded(20);
  return Array.from({ length: count }, () => Array.from({ length: 20 }, () => time(random)));
}

describe('repeats of one drill', () => {
  it.each(Object.keys(times))('are all the same in 500 series of 20: %s', (name) => {
    const states = seriesOf(times[name] ?? Number, 500).flatMap(statesOf);
    expect(
      Object.fromEntries(
        Map.groupBy(states, (state) => state)
          .entries()
          .map(([state, all]) => [state, all.length]),
      ),
    ).toEqual({
      unknown: 500 * 7,
      same: 500 * 13,
    });
  });

  it.each(Object.keys(mixed))('are worse by chance in less than 1 of 1,000 comparisons: %s', (name) => {
    const states = seriesOf(mixed[name] ?? Number, 2_000).flatMap(statesOf);
    const compared = states.filter((state) => state !== 'unknown').length;
    const worse = states.filter((state) => state === 'worse').length;
    console.log(`${name}: ${worse} of ${compared} comparisons are worse`);
    expect(worse / compared).toBeLessThan(0.001);
  });
});

describe('a recovery that takes twice as long from now on', () => {
  it.each([
    [0.05, 10, 0.95],
    [0.1, 10, 0.7],
    [0.1, 20, 0.95],
    [0.2, 20, 0.35],
    [0.3, 20, 0.05],
  ])(
    'is found by the third run, with a deviation of %d of the logarithm and %d runs before',
    (deviation, before, least) => {
      const random = seeded(7);
      const found = Array.from({ length: 400 }, () => {
        const time = (_: unknown, index: number) =>
          12 * seconds * Math.exp(deviation * normal(random)) * (index >= before ? 2 : 1);
        return statesOf(Array.from({ length: before + 3 }, time)).at(-1) === 'worse';
      }).filter(Boolean).length;
      console.log(`deviation ${deviation}, ${before} runs before: found in ${found / 4} %`);
      expect(found / 400).toBeGreaterThan(least);
    },
  );
});

describe('a change', () => {
  const before = Array.from({ length: 10 }, (_, index) => 12_000 + 300 * (index % 3));

  it('is better where it takes much less time, three times in a row', () => {
    expect(statesOf([...before, 3_000, 3_100, 2_900]).slice(-3)).toEqual(['same', 'same', 'better']);
  });

  it('says how far it is from being one', () => {
    const runs = [...before, 60_000].map(runOf);
    const [change] = compareHistory(runs.slice(0, -1), runOf(60_000, 10));
    expect(change).toEqual({
      figure: 'recovery',
      state: 'same',
      sentence: '60s, 12.3s in the middle of 8 earlier runs: above their noise 1 of the 3 times in a row that tell',
    });
  });

  it('is not known with few runs, or without the figure', () => {
    const changes = compareHistory(before.slice(0, 6).map(runOf), runOf(12_000, 9));
    expect(changes.map(({ state }) => state)).toEqual(['unknown', 'unknown', 'unknown', 'unknown']);
    expect(changes[0]?.sentence).toBe('12s; there are 6 earlier runs, and it takes 7');
    expect(changes[1]?.sentence).toBe('it was not measured');
  });

  it('is of each figure, where more is worse for all but success', () => {
    const run = (at: number, factor: number): PastRun => ({
      ...runOf(10_000 * factor, at),
      lostShare: 0.02 * factor,
      lowestSuccess: 1 - 0.1 * factor,
      p95: 200 * factor,
    });
    const runs = Array.from({ length: 14 }, (_, at) => run(at, at < 11 ? 1 : 5));
    const changes = compareHistory(runs.slice(0, -1), runs.at(-1) ?? run(99, 5));
    expect(changes.map(({ figure, state }) => `${figure}: ${state}`)).toEqual([
      'recovery: worse',
      'lost requests: worse',
      'lowest success: worse',
      'p95: worse',
    ]);
    expect(changes[2]?.sentence).toContain('50 %, 90 % in the middle of 11 earlier runs');
  });
});

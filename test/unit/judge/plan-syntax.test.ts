import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/core/errors.ts';
import { longestTime, type Plan, type Step } from '../../../src/judge/plan.ts';
import { parsePlan, printPlan, readPlan } from '../../../src/judge/plan-syntax.ts';

const minute = 60_000;

function steps(line: string): readonly Step[] {
  return parsePlan(line).steps;
}

function problemsOf(line: string): string {
  return readPlan(line).problems.join('; ');
}

/** The line that a refusal offers, as a user would copy it. */
function correctionOf(line: string): string {
  try {
    parsePlan(line);
  } catch (error) {
    if (error instanceof SluiceError) return /steps: "(.*)"$/.exec(error.next)?.[1] ?? 'none';
    throw error;
  }
  return 'was not refused';
}

const time = fc.oneof(
  fc.integer({ min: 1, max: 120 }).map((seconds) => seconds * 1_000),
  fc.integer({ min: 1, max: 5 * 24 * 3_600_000 }),
);

const observation = fc.oneof(
  time.map((most) => ({ least: most, most, early: false })),
  time.map((most) => ({ least: 0, most, early: true })),
  fc
    .uniqueArray(time, { minLength: 2, maxLength: 2 })
    .map((times) => ({ least: Math.min(...times), most: Math.max(...times), early: true })),
);

const plan: fc.Arbitrary<Plan> = fc
  .record({
    weights: fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 8 }),
    observations: fc.array(observation, { minLength: 9, maxLength: 9 }),
    holds: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
    lastIsObserved: fc.boolean(),
  })
  .map(({ weights, observations, holds, lastIsObserved }) => {
    const none = { least: 0, most: 0, early: false };
    const rising = [...weights.toSorted((a, b) => a - b), 100];
    // At 100 something has to have been observed before.
    const observable = (weight: number) => weight < 100 || weights.length > 0;
    return {
      steps: rising.map((weight, index) => ({
        weight,
        ...(weight === 100 && !(lastIsObserved && observable(weight)) ? none : (observations[index] ?? none)),
        hold: observable(weight) && (holds[index] ?? false),
      })),
    };
  });

/** Lines that look like plans, most of them wrong somewhere. */
const attempt = fc
  .array(
    fc
      .array(
        fc.oneof(
          fc.constantFrom('for', 'to', 'early', 'then', 'hold', 'fro', 'pause', 'minutes', '-', '%', ''),
          fc.integer({ min: -5, max: 130 }).map(String),
          fc.constantFrom(
            '0',
            '5%',
            '2.5',
            '2m',
            '5m',
            '0s',
            '90s',
            '1h30m',
            '1d',
            '200h',
            '5min',
            '1e9',
            'NaN',
            '.5m',
          ),
          fc.string({ maxLength: 5 }),
        ),
        { maxLength: 7 },
      )
      .map((words) => words.join(' ')),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(', '));

describe('the line form of a plan', () => {
  it('gives each step a weight and a time', () => {
    expect(steps('5 for 2m, 25 for 90s, 100')).toEqual([
      { weight: 5, least: 2 * minute, most: 2 * minute, early: false, hold: false },
      { weight: 25, least: 90_000, most: 90_000, early: false, hold: false },
      { weight: 100, least: 0, most: 0, early: false, hold: false },
    ]);
  });

  it('takes a least and a most time, between which the judge may end the step', () => {
    expect(steps('5 for 2m to 10m, 100')[0]).toMatchObject({ least: 2 * minute, most: 10 * minute, early: true });
  });

  it('takes "early" for a step that the judge may end at any time', () => {
    expect(steps('5 for 10m early, 100')[0]).toMatchObject({ least: 0, most: 10 * minute, early: true });
    expect(parsePlan('5 for 0s to 10m, 100')).toEqual(parsePlan('5 for 10m early, 100'));
    expect(parsePlan('5 for 2m to 10m early, 100')).toEqual(parsePlan('5 for 2m to 10m, 100'));
  });

  it('takes a hold after the time, or in its place', () => {
    expect(steps('50 for 5m then hold, 100')[0]).toMatchObject({ most: 5 * minute, hold: true });
    expect(steps('50 hold, 100')[0]).toMatchObject({ most: 0, hold: true });
  });

  it('lets the last step be observed as well', () => {
    expect(steps('50 for 5m, 100 for 5m')).toEqual([
      { weight: 50, least: 5 * minute, most: 5 * minute, early: false, hold: false },
      { weight: 100, least: 5 * minute, most: 5 * minute, early: false, hold: false },
    ]);
  });

  it('does not mind per cent signs, line breaks and spaces', () => {
    expect(parsePlan('  5%  for 2m,\n 25 for 5m\n100\n')).toEqual(parsePlan('5 for 2m, 25 for 5m, 100'));
  });

  it('comes back the same after it was printed', () => {
    fc.assert(
      fc.property(plan, (any) => {
        expect(parsePlan(printPlan(any))).toEqual(any);
      }),
    );
  });

  it.each([
    ['5 for 2m, 25 for 2m to 10m, 50 for 10m early, 60 for 5m then hold, 80 hold, 100'],
    ['1 for 1h30m, 2 for 1m30s500ms, 100 for 250ms to 1s'],
  ])('is printed as a person would write it: %s', (line) => {
    expect(printPlan(parsePlan(line))).toBe(line);
  });

  it('knows how long it takes at most', () => {
    expect(longestTime(parsePlan('5 for 2m to 10m, 50 for 5m early, 60 hold, 100'))).toBe(15 * minute);
  });
});

describe('a plan that can not be right', () => {
  it.each([
    ['falling weights', '50 for 5m, 25 for 5m, 100', '25 comes after 50', '25 for 5m, 50 for 5m, 100'],
    ['equal weights', '5 for 2m, 5 for 5m, 100', '5 comes twice', '5 for 2m, 100'],
    ['no time', '5, 100', 'has no time', '5 for 5m, 100'],
    ['no time for an early step', '5 early, 100', 'has no time', '5 for 5m, 100'],
    ['a time of zero', '5 for 0s, 100', '0 is no time', '5 for 5m, 100'],
    ['100 that can not be read', '100 for 0s', '0 is no time', '5 for 5m, 25 for 5m, 50 for 5m, 100'],
    ['more than 100', '5 for 2m, 150', 'at most 100', '5 for 2m, 100'],
    ['0', '0 for 2m, 5 for 2m, 100', 'a weight of 0', '5 for 2m, 100'],
    ['part of a per cent', '2.5 for 2m, 100', 'whole number', '3 for 2m, 100'],
    ['no 100 at the end', '5 for 2m, 50 for 5m', 'the last step is 100 and not 50', '5 for 2m, 50 for 5m, 100'],
    ['a mistyped word', '5 fro 2m, 100', '"fro" is none of the words', '5 for 2m, 100'],
    ['an unknown word', '5 for 2m pause, 100', '"pause" is none of the words', '5 for 2m, 100'],
    ['words out of order', '5 early for 2m, 100', 'not in the order', '5 for 2m early, 100'],
    ['a least above the most', '5 for 10m to 2m, 100', 'must be shorter', '5 for 2m to 10m, 100'],
    ['a range without width', '5 for 2m to 2m, 100', 'must be shorter', '5 for 2m, 100'],
    ['a number without unit', '5 for 120, 100', '"120" has no unit', '5 for 2m, 100'],
    ['an unknown unit', '5 for 1d, 100', '"1d" is not a time', '5 for 5m, 100'],
    ['a unit of its own kind', '5 for 2 minutes, 100', '"2minutes" is not a time', '5 for 2m, 100'],
    ['longer than any job', '5 for 200h, 100', 'five days', '5 for 120h, 100'],
    ['an empty step', '5 for 2m,, 100', 'empty step', '5 for 2m, 100'],
    ['nothing before 100', '100 for 10m', 'is the first to be observed', '5 for 5m, 25 for 5m, 50 for 5m, 100'],
    ['nothing before 100 early', '100 for 2m to 10m', 'first to be observed', '5 for 5m, 25 for 5m, 50 for 5m, 100'],
    ['only a hold at 100', '100 hold', 'gets no requests', '5 for 5m, 25 for 5m, 50 for 5m, 100'],
    ['nothing at all', ' ', 'no steps', '5 for 5m, 25 for 5m, 50 for 5m, 100'],
    ['nothing that makes sense', 'soon', '"soon" is not a weight', '5 for 5m, 25 for 5m, 50 for 5m, 100'],
  ])('is refused with the corrected line: %s', (_, line, problem, correction) => {
    expect(problemsOf(line)).toContain(problem);
    expect(correctionOf(line)).toBe(correction);
  });

  it('may switch at once where it promises to look at nothing, and may hold before 100', () => {
    expect(steps('100')).toEqual([{ weight: 100, least: 0, most: 0, early: false, hold: false }]);
    expect(steps('50 hold, 100 for 5m').map(({ weight }) => weight)).toEqual([50, 100]);
  });

  it('is told everything at once', () => {
    expect(readPlan('50 for 5x, 25, 100 for 0s').problems).toHaveLength(4);
  });

  it('always gets a correction that is a plan', () => {
    fc.assert(
      fc.property(attempt, (line) => {
        const { plan: corrected, problems } = readPlan(line);
        expect(parsePlan(printPlan(corrected))).toEqual(corrected);
        if (problems.length > 0) expect(parsePlan(correctionOf(line))).toEqual(corrected);
      }),
    );
  });

  it('never gets one that sends all traffic at once', () => {
    fc.assert(
      fc.property(attempt, (line) => {
        const { plan: corrected, problems } = readPlan(line);
        if (problems.length > 0) expect(corrected.steps.length).toBeGreaterThan(1);
      }),
    );
  });
});

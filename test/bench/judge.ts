import { binomial, type Random, seeded } from '../../src/judge/random.ts';
import { type RehearsalOptions, rehearse, requestsToBreach } from '../../src/judge/rehearsal.ts';
import { breachTest } from '../../src/judge/sequential.ts';

/** One look a second, 100 requests in it, shared between the arms by weight: the setting of the figures to reach. */
const LOOKS = 600;
const REQUESTS_PER_LOOK = 100;
const ALPHA = 0.01;
const ACCEPTED = { tolerance: 1, excess: 0, designEffect: 1 } as const;

export interface Setting {
  readonly weight: number;
  readonly stableRate: number;
  /** The canary's error rate; equal to the stable one for a healthy canary. */
  readonly canaryRate: number;
  /** Steps of the plan that the test is made for; only the first is played. Default 1. */
  readonly steps?: number;
  /** Both arms fail twenty times as often for five looks of every sixty. */
  readonly bursts: boolean;
}

/** Rate of one arm at a look. */
function rateAt(look: number, rate: number, bursts: boolean): number {
  return bursts && look % 60 < 5 ? Math.min(0.9, 20 * rate) : rate;
}

/** Canary requests until a breach, or undefined if none comes within `looks`. */
function requestsUntilBreach(random: Random, setting: Setting, looks: number): number | undefined {
  const { weight, stableRate, canaryRate, bursts, steps = 1 } = setting;
  const test = breachTest({ ...ACCEPTED, alpha: ALPHA, steps });
  const ofCanary = (weight / 100) * REQUESTS_PER_LOOK;
  const ofStable = REQUESTS_PER_LOOK - ofCanary;
  test.enter(weight);
  for (let look = 0; look < looks; look++) {
    const canary = { requests: ofCanary, bad: binomial(random, ofCanary, rateAt(look, canaryRate, bursts)) };
    const stable = { requests: ofStable, bad: binomial(random, ofStable, rateAt(look, stableRate, bursts)) };
    test.add(canary, stable);
    if (test.evidence() >= test.limit) return (look + 1) * ofCanary;
  }
  return undefined;
}

/** Share of healthy rollouts of 600 looks that end in a breach. */
export function falseRollbacks(setting: Omit<Setting, 'canaryRate'>, rollouts: number, seed = 1): number {
  const random = seeded(seed);
  const healthy = { ...setting, canaryRate: setting.stableRate };
  let breaches = 0;
  for (let i = 0; i < rollouts; i++) if (requestsUntilBreach(random, healthy, LOOKS) !== undefined) breaches++;
  return breaches / rollouts;
}

/** Mean canary requests until a faulty canary is found, alone and over the bound of a perfect sequential test. */
export function meanToBreach(
  setting: Omit<Setting, 'bursts'>,
  rollouts: number,
  seed = 1,
): { readonly mean: number; readonly overBound: number } {
  const random = seeded(seed);
  let total = 0;
  for (let i = 0; i < rollouts; i++) {
    total += requestsUntilBreach(random, { ...setting, bursts: false }, 1_000_000) ?? Number.POSITIVE_INFINITY;
  }
  const mean = total / rollouts;
  const bound = requestsToBreach({
    ...ACCEPTED,
    alpha: ALPHA,
    stableRate: setting.stableRate,
    faultyRate: setting.canaryRate,
    stablePerCanary: (100 - setting.weight) / setting.weight,
    requestsPerLook: (setting.weight / 100) * REQUESTS_PER_LOOK,
  });
  return { mean, overBound: mean / bound };
}

/** The contrast: share of healthy rollouts of ten minutes that a look each minute at "more than 1 % errors" rolls back. */
export function naiveFalseRollbacks(setting: Omit<Setting, 'canaryRate'>, rollouts: number, seed = 1): number {
  const random = seeded(seed);
  const ofCanary = (setting.weight / 100) * REQUESTS_PER_LOOK;
  let breaches = 0;
  for (let i = 0; i < rollouts; i++) {
    let bad = 0;
    for (let look = 0; look < LOOKS; look++) {
      bad += binomial(random, ofCanary, rateAt(look, setting.stableRate, setting.bursts));
      if (look % 60 < 59) continue;
      if (bad / (60 * ofCanary) > 0.01) {
        breaches++;
        break;
      }
      bad = 0;
    }
  }
  return breaches / rollouts;
}

/** Intervals a second that one breach test of a four-step plan takes in, errors in each of them. */
export function updatesPerSecond(now: () => number, updates = 2_000_000): number {
  const test = breachTest({ ...ACCEPTED, alpha: ALPHA, steps: 4 });
  test.enter(5);
  const begin = now();
  for (let i = 0; i < updates; i++) test.add({ requests: 50 + (i % 8), bad: 1 }, { requests: 950, bad: 8 });
  return updates / ((now() - begin) / 1000);
}

const WHOLE_PLAN: RehearsalOptions = {
  ...ACCEPTED,
  plan: {
    steps: [5, 25, 50, 100].map((weight) => ({ weight, least: 120_000, most: 120_000, early: false, hold: false })),
  },
  requestsPerSecond: REQUESTS_PER_LOOK,
  stableRate: 0.005,
  faultyRate: 0.02,
  interval: 1_000,
  alpha: ALPHA,
};

const STABLE_RATES = [0.0001, 0.001, 0.005, 0.02, 0.2] as const;
const WEIGHTS = [1, 5, 25, 50] as const;

/** Prints all figures of the judge. `rollouts` of each kind; the full 10,000 take some minutes. */
export function benchJudge(print: (line: string) => void, now: () => number, rollouts = 10_000): void {
  const percent = (share: number) => `${(100 * share).toFixed(2).padStart(6)} %`;
  print(`judge updates per second: ${Math.round(updatesPerSecond(now)).toLocaleString('en-US')}`);

  print(
    `\ncanary requests to breach, stable rate 0.005, alpha ${ALPHA}, mean of ${rollouts} rollouts (over the bound):`,
  );
  for (const [weight, steps] of [...WEIGHTS.map((one) => [one, 1] as const), [5, 4] as const]) {
    const means = [1, 0.1, 0.05, 0.02].map((canaryRate) => {
      const { mean, overBound } = meanToBreach({ weight, steps, stableRate: 0.005, canaryRate }, rollouts);
      return `${100 * canaryRate} % errors ${mean.toFixed(1)} (${overBound.toFixed(2)})`;
    });
    print(`  weight ${String(weight).padStart(2)}, first of ${steps}: ${means.join(', ')}`);
  }

  const begin = now();
  const { rollouts: played, found, leaked, falseRollback } = rehearse(WHOLE_PLAN);
  print(`\nrehearsal of ${played} + ${played} rollouts of 5, 25, 50 and 100 % in ${(now() - begin).toFixed(0)} ms:`);
  print(
    `  2 % errors found in ${percent(found)}, after ${leaked.bad.toFixed(1)} bad responses; false rollbacks ${percent(falseRollback)}`,
  );

  print(
    `\nfalse rollbacks of ${rollouts} healthy rollouts, ${LOOKS} looks each; judge at alpha ${ALPHA}, then the naive 1 % rule:`,
  );
  for (const stableRate of STABLE_RATES) {
    for (const bursts of [false, true]) {
      const cells = WEIGHTS.map((weight) => {
        const setting = { weight, stableRate, bursts };
        return `${percent(falseRollbacks(setting, rollouts))} / ${percent(naiveFalseRollbacks(setting, rollouts))}`;
      });
      print(`  rate ${stableRate}${bursts ? ' in bursts' : ''}, weight ${WEIGHTS.join(', ')}: ${cells.join(', ')}`);
    }
  }
}

if (import.meta.main) {
  const [rollouts] = process.argv.slice(2).map(Number);
  benchJudge(console.log, () => performance.now(), rollouts);
}

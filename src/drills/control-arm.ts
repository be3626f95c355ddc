import { count, percent } from '../core/wording.ts';
import { healthyTest } from '../judge/healthy.ts';
import type { Outcome } from '../judge/likelihood.ts';
import { breachTest } from '../judge/sequential.ts';

/** The arm whose requests carry the header, and are faulted; and the one of the same requests without it. */
type DrillArm = 'faulted' | 'clean';

export interface ControlArmOptions {
  /** Clean requests for each faulted one, a whole number >= 1: they harm nobody, and save faulted ones. */
  readonly clean: number;
  /** The most faulted requests. */
  readonly most: number;
  /** Probability of `worse` where the fault does no more harm than accepted, over all looks. */
  readonly alpha: number;
  /** Probability of `not-worse` where it does more harm than accepted. */
  readonly beta: number;
  /** Failures per request that are accepted in addition to those of the clean arm, a fraction above 0. */
  readonly accepted: number;
}

export const controlArmDefaults: ControlArmOptions = { clean: 4, most: 2_000, alpha: 0.01, beta: 0.05, accepted: 0.01 };

interface ControlArmOpinion {
  /** `worse`: the faulted arm surely fails more than accepted. `not-worse`: surely not. `unknown`: neither, with these requests. */
  readonly state: 'worse' | 'not-worse' | 'unknown';
  readonly faulted: Outcome;
  readonly clean: Outcome;
  /** A sentence without a full stop. */
  readonly sentence: string;
}

export interface ControlArm {
  /** The arm of the next request; undefined once it is decided, or no more requests are allowed. */
  next(): DrillArm | undefined;
  add(arm: DrillArm, isBad: boolean): void;
  opinion(): ControlArmOpinion;
}

/**
 * Compares faulted requests with clean ones of the same time by the judge of releases, after every round of one faulted request and
 * its clean ones. What changes for both arms alike, such as load, has no effect, and the comparison ends as soon as it is decided.
 */
export function createControlArm(options: ControlArmOptions = controlArmDefaults): ControlArm {
  const { clean: perFaulted, most, alpha, beta, accepted } = options;
  if (!(Number.isInteger(perFaulted) && perFaulted >= 1)) throw new RangeError('clean must be a whole number >= 1');
  if (!(accepted > 0 && accepted < 1)) throw new RangeError('accepted must be above 0 and below 1');
  const tolerance = { tolerance: 1, excess: accepted, designEffect: 1 };
  const breach = breachTest({ ...tolerance, alpha, steps: 1 });
  const healthy = healthyTest({ ...tolerance, beta });
  breach.enter(ARMS_TOGETHER);
  const totals = { faulted: none, clean: none };
  let round = { faulted: none, clean: none };
  let state: ControlArmOpinion['state'] = 'unknown';

  return {
    next() {
      if (state !== 'unknown') return undefined;
      if (round.faulted.requests === 0) return totals.faulted.requests < most ? 'faulted' : undefined;
      return 'clean';
    },
    add(arm, isBad) {
      totals[arm] = plus(totals[arm], isBad);
      round[arm] = plus(round[arm], isBad);
      if (round.faulted.requests < 1 || round.clean.requests < perFaulted) return;
      breach.add(round.faulted, round.clean);
      healthy.add(round.faulted, round.clean);
      round = { faulted: none, clean: none };
      if (state !== 'unknown') return;
      if (breach.evidence() >= breach.limit) state = 'worse';
      else if (healthy.evidence() >= healthy.limit) state = 'not-worse';
    },
    opinion: () => ({ state, ...totals, sentence: sentenceOf(state, totals, options) }),
  };
}

/** Both arms get requests: any weight between 0 and 100 says that to the test. */
const ARMS_TOGETHER = 50;

const none: Outcome = { requests: 0, bad: 0 };

function plus({ requests, bad }: Outcome, isBad: boolean): Outcome {
  return { requests: requests + 1, bad: bad + (isBad ? 1 : 0) };
}

function sentenceOf(
  state: ControlArmOpinion['state'],
  { faulted, clean }: Readonly<Record<DrillArm, Outcome>>,
  { alpha, accepted }: ControlArmOptions,
): string {
  const rate = ({ requests, bad }: Outcome) =>
    `${count(bad)} of ${count(requests)}${requests === 0 ? '' : ` (${percent(bad / requests)})`}`;
  const told = `${rate(faulted)} faulted requests failed, and ${rate(clean)} clean ones of the same time`;
  if (state === 'worse') return `${told}; luck does this in less than 1 of ${count(1 / alpha)} drills`;
  if (state === 'not-worse') return `${told}; surely less than ${percent(accepted)} more`;
  return `${told}; too few to tell whether it is ${percent(accepted)} more`;
}

import { count, figure, luckOf, percent } from '../core/wording.ts';
import { type Early, healthyOptions, healthyTest } from './healthy.ts';
import type { Outcome, Tolerance } from './likelihood.ts';
import { breachTest } from './sequential.ts';
import type { Finding } from './thresholds.ts';

/** Options of a sequential check; the defaults accept exactly the stable rate. */
export interface ComparisonOptions {
  /** Default 1. */
  readonly tolerance?: number;
  /** Default 0. */
  readonly excess?: number;
  /** Default 1. */
  readonly designEffect?: number;
  /** When the canary counts as healthy, so that a step can end early. */
  readonly early?: Early;
}

/** What the bad requests did: the words that follow their number in the sentence. */
export type Failing = 'failed' | 'got no answer' | `took over ${string}`;

/** Compares the canary's bad requests with the stable arm's by the sequential tests. */
export interface Comparison {
  enter(weight: number): void;
  add(canary: Outcome, stable: Outcome, weight: number): void;
  finding(canary: Outcome, stable: Outcome, stableWeight: number | undefined): Finding;
}

/**
 * @param alpha probability of calling a canary within the tolerance a breach, over the whole rollout
 * @param steps how many weights are observed
 */
export function comparison(options: ComparisonOptions, alpha: number, steps: number, failing: Failing): Comparison {
  const { tolerance = 1, excess = 0, designEffect = 1, early } = options;
  const accepted: Tolerance = { tolerance, excess, designEffect };
  const better = healthyOptions(accepted, early);
  const breach = breachTest({ ...accepted, alpha, steps });
  const healthy = healthyTest(better);
  return {
    enter(weight) {
      breach.enter(weight);
      healthy.restart();
    },
    add(canary, stable, weight) {
      breach.add(canary, stable);
      if (weight < 100) healthy.add(canary, stable);
    },
    finding(canary, stable, stableWeight) {
      const evidence = breach.evidence();
      const state = evidence >= breach.limit ? 'breach' : healthy.evidence() >= healthy.limit ? 'healthy' : 'unknown';
      const sentence = [
        `${rate(canary, failing)}, ${compared(canary, stable)}${stableWeight === undefined ? '' : ` at weight ${stableWeight}`}`,
        ...(tolerance === 1 && excess === 0 ? [] : [`accepted ${level(accepted)}`]),
        luckOf(evidence, breach.limit),
        ...(state === 'healthy' ? [`surely below ${level(better)}`] : []),
      ].join('; ');
      const missing = lacking(canary, stable);
      return {
        state,
        ...(missing && { missing }),
        progress: Math.min(1, Math.max(0, evidence / breach.limit)),
        sentence,
        figures: {
          ...figuresOf('canary', canary),
          ...figuresOf('stable', stable),
          evidence,
          limit: breach.limit,
          healthyEvidence: healthy.evidence(),
          healthyLimit: healthy.limit,
        },
      };
    },
  };
}

/** Which arm got no requests. A comparison needs both arms, and waiting longer does not replace one. */
function lacking(canary: Outcome, stable: Outcome): string | undefined {
  if (canary.requests === 0) return 'the canary got no requests in this step';
  if (stable.requests === 0) return 'the stable arm got no requests to compare with';
  return undefined;
}

function rate({ requests, bad }: Outcome, failing: string): string {
  if (requests === 0) return 'the canary got no requests';
  return `${count(bad)} of ${count(requests)} canary requests ${failing} (${percent(bad / requests)})`;
}

/** The stable arm's rate and, where the canary's rate is higher, the ratio of canary to stable. */
function compared(canary: Outcome, stable: Outcome): string {
  if (stable.requests === 0) return 'stable got no requests';
  const usual = stable.bad / stable.requests;
  const ratio = canary.requests === 0 ? 0 : canary.bad / canary.requests / usual;
  const times = Number.isFinite(ratio) && ratio > 1 ? `${Number(ratio.toPrecision(2))} times the rate of ` : '';
  return times === '' || times.startsWith('1 times')
    ? `stable ${percent(usual)} of ${count(stable.requests)}`
    : `${times}stable (${percent(usual)} of ${count(stable.requests)})`;
}

function level({ tolerance, excess }: Tolerance): string {
  return `${figure(tolerance)} times stable${excess > 0 ? ` + ${percent(excess)}` : ''}`;
}

function figuresOf(arm: string, { requests, bad }: Outcome): Record<string, number> {
  const counted = { [`${arm}Requests`]: requests, [`${arm}Bad`]: bad };
  return requests > 0 ? { ...counted, [`${arm}Rate`]: bad / requests } : counted;
}

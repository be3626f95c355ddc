import type { Step } from '../../judge/plan.ts';
import type { OnBreach, Opinion } from '../../judge/types.ts';
import type { Verdict } from '../ports.ts';
import { POD_CHECK } from './pod-check.ts';

/** What is known at one evaluation. Times in milliseconds. */
export interface StepFacts {
  /** Since the data plane was seen to follow the shift to this step's weight. */
  readonly elapsed: number;
  readonly opinions: readonly Opinion[];
  /** Canary requests judged in this step, without those that may not come from users. */
  readonly canaryRequests: number;
  /** Some requests were left out of `canaryRequests`: if none remain, nothing is known, however few a step needs. */
  readonly someOwn?: boolean;
  /** Since the metrics last brought new data. */
  readonly sinceReading: number;
  /** A due reading is missing, so the data are from the past. */
  readonly silent: boolean;
  /** Why the data can't be used. */
  readonly noCounters?: string;
  /** Since the metrics last showed a canary request. */
  readonly sinceCanaryRequest: number;
  /** No counter of the canary has ever been seen. */
  readonly canaryUnmeasured?: boolean;
  /** Only pods are watched: then "reading" means a look at them, and no requests are needed. */
  readonly uncounted?: boolean;
  /** A person approved this step. */
  readonly approved: boolean;
}

export interface DecisionPolicy {
  /** How the rollout ends if `not yet known` lasts longer than the patience. */
  readonly onNoData: 'rollback' | 'hold';
  /** Milliseconds. */
  readonly noDataPatience: number;
  /** Canary requests that a step needs to end well. */
  readonly minRequests: number;
}

export type Decision =
  | { readonly kind: 'wait'; readonly until: 'time' | 'requests' | 'data' | 'approval' }
  | { readonly kind: 'advance'; readonly reason: string }
  | { readonly kind: 'end'; readonly verdict: Verdict; readonly reason: string };

/**
 * The consequence of one evaluation, at any moment of a step. A breach comes first; missing data is neither success nor failure
 * but `not yet known`, until the patience ends.
 */
export function decide(step: Step, facts: StepFacts, policy: DecisionPolicy): Decision {
  const breach = worstBreach(facts.opinions);
  if (breach) return { kind: 'end', verdict: endingOf(breach.onBreach), reason: `${breach.check}: ${breach.sentence}` };

  if (facts.sinceReading > policy.noDataPatience) {
    return unknownForTooLong(policy, nothingNew(facts));
  }
  const observed = step.most > 0;
  if (!observed && !step.hold) return { kind: 'advance', reason: 'the step asks for no observation' };
  if (!isOver(step, facts)) return { kind: 'wait', until: 'time' };

  const lacking = observed ? whatIsLacking(facts, policy) : undefined;
  if (lacking) {
    if (facts.elapsed - step.most > policy.noDataPatience) return unknownForTooLong(policy, lacking.reason);
    return { kind: 'wait', until: lacking.until };
  }
  if (step.hold && !facts.approved) return { kind: 'wait', until: 'approval' };
  const reason =
    facts.elapsed >= step.most ? 'its time is over without a breach' : 'the judge is sure that it is healthy';
  return { kind: 'advance', reason };
}

/** The deciding breach: one that rolls back comes before one that freezes; a warning decides nothing. */
export function worstBreach(opinions: readonly Opinion[]): Opinion | undefined {
  const breaches = opinions.filter((opinion) => opinion.state === 'breach');
  return (
    breaches.find(({ onBreach }) => onBreach === 'rollback') ?? breaches.find(({ onBreach }) => onBreach === 'freeze')
  );
}

function endingOf(onBreach: OnBreach): Verdict {
  return onBreach === 'freeze' ? 'frozen' : 'rolled-back';
}

function isOver(step: Step, { elapsed, opinions, uncounted }: StepFacts): boolean {
  if (elapsed >= step.most) return true;
  // Ready pods may still answer with errors.
  if (uncounted || !step.early || elapsed < step.least) return false;
  const deciding = opinions.filter(({ onBreach }) => onBreach !== 'warn');
  return deciding.length > 0 && deciding.every(({ state }) => state === 'healthy');
}

const NEVER_MEASURED =
  'nothing of the canary was ever measured: look whether its pods are scraped (the labels that a monitor selects by, a network or authorization policy), whether the queries name it, and whether any request reaches it';

function whatIsLacking(
  facts: StepFacts,
  policy: DecisionPolicy,
): { until: 'requests' | 'data'; reason: string } | undefined {
  if (facts.silent) {
    return { until: 'data', reason: nothingNew(facts) };
  }
  if (facts.uncounted) {
    const unready = facts.opinions.find(({ check, state, missing }) =>
      check === POD_CHECK ? state === 'unknown' : missing !== undefined,
    );
    return unready && { until: 'data', reason: unready.sentence };
  }
  const needed = Math.max(policy.minRequests, facts.someOwn ? 1 : 0);
  if (facts.canaryRequests < needed) {
    if (facts.canaryUnmeasured) return { until: 'data', reason: NEVER_MEASURED };
    const without = facts.someOwn ? ', without those that may be looks at its metrics or probes' : '';
    const reason = `the canary got ${facts.canaryRequests} of the ${needed} requests that a step needs${without}`;
    return { until: 'requests', reason };
  }
  if (facts.sinceCanaryRequest > policy.noDataPatience) {
    return { until: 'requests', reason: `the canary got no request for ${seconds(facts.sinceCanaryRequest)}` };
  }
  const starved = facts.opinions.find(({ missing, onBreach }) => missing !== undefined && onBreach !== 'warn');
  if (starved && facts.canaryUnmeasured) return { until: 'data', reason: NEVER_MEASURED };
  return starved && { until: 'data', reason: `${starved.check} has no data: ${starved.missing}` };
}

function nothingNew({ sinceReading, noCounters, uncounted }: StepFacts): string {
  const source = uncounted ? 'looks at the pods have' : 'the metrics have';
  const why = noCounters === undefined ? '' : `. ${noCounters}`;
  return `${source} brought nothing new for ${seconds(sinceReading)}${why}`;
}

function unknownForTooLong({ onNoData }: DecisionPolicy, reason: string): Decision {
  return { kind: 'end', verdict: onNoData === 'hold' ? 'held' : 'rolled-back', reason: `not yet known: ${reason}` };
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 1_000)} s`;
}

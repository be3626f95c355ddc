import { count, percent } from '../../core/wording.ts';
import { comparison } from '../comparison.ts';
import { type Outcome, sum } from '../likelihood.ts';
import { leastRequests, smallestRate, wouldDiffer, wouldExceed } from './detectable.ts';
import { type CountsLook, type Look, type LookRule, noData, type RuleFinding } from './look.ts';
import { rateTest } from './rate-test.ts';

/** What a rate is judged by; rates are fractions. */
interface RateOptions {
  /** Probability of a breach where the rate is as accepted, over all looks. */
  readonly alpha: number;
  /** Parts of the time that is watched, in each of which a fault may begin, >= 1. */
  readonly parts: number;
  /** Milliseconds that one part lasts. */
  readonly partLength: number;
  /** Variance of the number of bad ones over that of independent ones, >= 1. */
  readonly designEffect: number;
  /** The rate that has to be found for the answer "healthy" to mean something. */
  readonly mustDetect: number;
  /** What is counted, and what the bad ones of them did: `requests`, `failed`. */
  readonly words: { readonly counted: string; readonly failing: string };
}

export interface RateLimitOptions extends RateOptions {
  /** The highest accepted rate. */
  readonly limit: number;
}

/**
 * One rate against a limit. A breach is a rate that is proven to be above it. Healthy is a rate that is not above it, out of so
 * many that `mustDetect` would have been proven; fewer lack traffic, and a rate above the limit that luck can explain lacks certainty.
 */
export function rateLimitRule(options: RateLimitOptions): LookRule {
  const { limit, designEffect, words } = options;
  const sought = Math.max(options.mustDetect, Math.min(1, 2 * limit));
  const test = rateTest(options);
  const parts = partsOf(options, test.next);
  let seen: Seen = nothing;
  let missing: string | undefined = 'nothing was measured yet';

  function finding(): RuleFinding {
    const evidence = test.evidence();
    const share = shareOfUsers(seen);
    const finds = (requests: number, rate: number) =>
      wouldExceed(requests, rate * share, limit, { limit: test.limit, designEffect });
    const enough = (requests: number) => finds(requests, sought);
    const figures = {
      ...figuresOf(seen),
      limit,
      evidence: Math.min(evidence, MOST_EVIDENCE),
      evidenceLimit: test.limit,
    };
    const told = `${rateOf(seen, words)}, limit ${percent(limit)}`;
    const progress = Math.min(1, Math.max(0, evidence / test.limit));
    if (evidence >= test.limit)
      return {
        state: 'breach',
        progress: 1,
        sentence: `${told}; luck does this in less than 1 of ${chance(test.limit)} gates`,
        figures,
      };
    if (missing !== undefined) return { ...noData(missing), progress, figures };
    if (!enough(seen.requests)) return { ...tooFew(seen, told, sought, leastRequests(enough)), progress, figures };
    if (seen.bad / (seen.requests - seen.doubtful) > limit)
      return {
        state: 'unknown',
        lacks: 'certainty',
        progress,
        sentence: `${told}; luck can explain it, and more of them can tell`,
        figures,
      };
    const found = smallestRate((rate) => finds(seen.requests, rate));
    return { state: 'healthy', progress, sentence: `${told}${wouldHaveFound(found)}`, figures };
  }

  return {
    add(look, _, at) {
      parts(at);
      const counts = countsOf(look);
      if (typeof counts === 'string') {
        missing = counts;
        return;
      }
      missing = undefined;
      const outcome = { requests: counts.total, bad: counts.bad };
      seen = seenWith(seen, counts);
      test.add(outcome);
    },
    finding,
  };
}

export interface RateComparisonOptions extends RateOptions {
  /** Accepted ratio to the rate of the reference, >= 1, and accepted excess over it. */
  readonly tolerance: number;
  readonly excess: number;
  /** What it is compared with: `stable`, `the same time 1d before`. */
  readonly reference: string;
}

/** One rate against that of a reference, by the test that compares the canary with stable. */
export function rateComparisonRule(options: RateComparisonOptions): LookRule {
  const { tolerance, excess, designEffect, alpha, words, reference } = options;
  const test = comparison({ tolerance, excess, designEffect }, alpha, options.parts, 'failed');
  // The test begins anew with each weight: here, with each part of the time.
  let part = 1;
  test.enter(part);
  const parts = partsOf(options, () => {
    part += 1;
    test.enter(part);
  });
  let seen: Seen = nothing;
  let usual: Outcome = nothing;
  let missing: string | undefined = 'nothing was measured yet';

  function finding(): RuleFinding {
    const { state, progress, figures: measured } = test.finding(seen, usual, undefined);
    const limit = measured.limit ?? Math.log(1 / alpha);
    const share = shareOfUsers(seen);
    const finds = (requests: number, rate: number) =>
      wouldDiffer(requests, rate * share, usual, { limit, designEffect });
    const enough = (requests: number) => finds(requests, sought(usual, options));
    const figures = {
      ...figuresOf(seen),
      ...prefixed('reference', figuresOf(usual)),
      evidence: measured.evidence ?? 0,
      evidenceLimit: limit,
    };
    const told = `${rateOf(seen, words)}, ${reference} ${usual.requests === 0 ? 'none' : `${percent(usual.bad / usual.requests)} of ${count(usual.requests)}`}`;
    if (state === 'breach')
      return {
        state,
        progress: 1,
        sentence: `${told}; luck does this in less than 1 of ${chance(limit)} gates`,
        figures,
      };
    if (missing !== undefined) return { ...noData(missing), progress, figures };
    if (usual.requests === 0)
      return {
        state: 'unknown',
        lacks: 'traffic',
        progress,
        sentence: `${told}: there is nothing to compare with`,
        figures,
      };
    if (!enough(seen.requests))
      return { ...tooFew(seen, told, sought(usual, options), leastRequests(enough)), progress, figures };
    const found = smallestRate((rate) => finds(seen.requests, rate));
    return { state: 'healthy', progress, sentence: `${told}${wouldHaveFound(found)}`, figures };
  }

  return {
    add(look, other, at) {
      parts(at);
      const [counts, compared] = [countsOf(look), other ? countsOf(other) : `${reference} was not looked at`];
      if (typeof counts === 'string' || typeof compared === 'string') {
        missing = typeof counts === 'string' ? counts : `${reference}: ${compared}`;
        return;
      }
      missing = undefined;
      const outcome = { requests: counts.total, bad: counts.bad };
      // The rate of the reference is taken as large as it can be.
      const before = { requests: compared.total - seenWith(nothing, compared).doubtful, bad: compared.bad };
      seen = seenWith(seen, counts);
      usual = sum(usual, before);
      test.add(outcome, before, part);
    },
    finding,
  };
}

/** What a comparison has to find: at least what is not accepted any more, doubled. */
function sought(usual: Outcome, { mustDetect, tolerance, excess }: RateComparisonOptions): number {
  const accepted = usual.requests === 0 ? 0 : (usual.bad / usual.requests) * tolerance + excess;
  return Math.min(1, Math.max(mustDetect, 2 * accepted));
}

/** Calls `next` once for each part of the time that begins, from the first look on. */
function partsOf({ parts, partLength }: RateOptions, next: () => void): (at: number) => void {
  let begun: number | undefined;
  let part = 1;
  return (at) => {
    begun ??= at;
    for (; part < Math.min(parts, 1 + Math.floor((at - begun) / partLength)); part += 1) next();
  };
}

function countsOf(look: Look): CountsLook | string {
  if (look.kind === 'missing') return look.reason;
  return look.kind === 'counts' ? look : 'the answer is no count';
}

/** What was counted so far. */
interface Seen extends Outcome {
  /** Those of the requests that may come from no user. */
  readonly doubtful: number;
}

const nothing: Seen = { requests: 0, bad: 0, doubtful: 0 };

function seenWith(seen: Seen, { total, bad, doubtful = 0 }: CountsLook): Seen {
  return { ...sum(seen, { requests: total, bad }), doubtful: seen.doubtful + Math.min(doubtful, total - bad) };
}

/** The share of the requests that surely come from users: a rate among them is only so large among all. */
function shareOfUsers({ requests, doubtful }: Seen): number {
  return requests === 0 ? 1 : (requests - doubtful) / requests;
}

function rateOf(
  { requests, bad, doubtful = 0 }: Outcome & Partial<Seen>,
  { counted, failing }: RateOptions['words'],
): string {
  if (requests === 0) return `no ${counted}`;
  const others = doubtful === 0 ? '' : `, of which up to ${count(doubtful)} may come from no user`;
  return `${count(bad)} of ${count(requests)} ${counted} ${failing} (${percent(bad / requests)})${others}`;
}

function tooFew(
  { requests }: Outcome,
  told: string,
  rate: number,
  needed: number | undefined,
): Omit<RuleFinding, 'progress' | 'figures'> {
  const wanted = needed === undefined ? 'no number of them' : `at least ${count(needed)}`;
  return {
    state: 'unknown',
    lacks: 'traffic',
    sentence: `${told}; too few: to find a rate of ${percent(rate)} takes ${wanted}, and there were ${count(requests)}`,
  };
}

function wouldHaveFound(rate: number | undefined): string {
  return rate === undefined ? '' : `; a rate of ${percent(rate)} would have been found`;
}

/** A number of gates, from ln of it. */
function chance(limit: number): string {
  return count(Math.round(Math.exp(limit)));
}

/** Figures are finite. */
const MOST_EVIDENCE = 1e6;

function figuresOf({ requests, bad }: Outcome): Record<string, number> {
  return { total: requests, bad, ...(requests > 0 && { rate: bad / requests }) };
}

function prefixed(prefix: string, figures: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [`${prefix}${name.charAt(0).toUpperCase()}${name.slice(1)}`, value]),
  );
}

import { count } from '../../core/wording.ts';
import { badAtLeast } from '../../judge/exact-tests.ts';
import type { Effect, Tally } from '../ports.ts';

/** Probability that luck is taken for a fault. */
const ALPHA = 0.001;

/**
 * Whether users felt a fault of which nothing else is known: more requests failed during it than before, and by more than luck explains
 * (Fisher's exact test, one-sided). That none failed proves nothing: a resilient service hides a fault.
 */
export function worsened(before: readonly Tally[], during: readonly Tally[]): Effect {
  const sum = (tallies: readonly Tally[]) => {
    const bad = tallies.reduce((all, tally) => all + tally.bad, 0);
    return { bad, requests: tallies.reduce((all, tally) => all + tally.good, bad) };
  };
  const [usual, now] = [sum(before), sum(during)];
  const told = `${count(now.bad)} of ${count(now.requests)} requests failed during it, ${count(usual.bad)} of ${count(usual.requests)} before`;
  const rose = usual.requests > 0 && now.bad > 0 && badAtLeast(now, usual) <= ALPHA;
  return { felt: rose ? 'felt' : 'unknown', evidence: told };
}

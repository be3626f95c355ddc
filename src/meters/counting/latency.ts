import { SluiceError } from '../../core/errors.ts';
import { boundProblem, hangBoundOf } from '../../judge/latency.ts';
import type { Rule } from '../queries/rules.ts';
import { equal, escapeRegex, format, like } from '../series/selector.ts';
import { boundOf } from './classify.ts';

/**
 * The rules, with only the wanted buckets and the bucket of all requests. The other rules get a matcher for an absent `le`, so
 * that one request for all series still leaves the other buckets out.
 *
 * @param bounds In seconds. Without any, no bucket is read.
 * @param available The values of `le` that the stable arm's histogram has.
 * @throws SluiceError `bad-query` for a bound that the histogram does not have.
 */
export function withBuckets(rules: readonly Rule[], bounds: readonly number[], available: readonly string[]): Rule[] {
  if (bounds.length === 0) return rules.filter(({ kind }) => kind !== 'bucket');
  return rules.flatMap((rule): Rule[] => {
    if (rule.kind !== 'bucket') {
      const saysLe = rule.selector.some(({ label }) => label === 'le');
      return [saysLe ? rule : { ...rule, selector: [...rule.selector, equal('le', '')] }];
    }
    const les = available.map((le) => ({ le, bound: boundOf(le, rule.perSecond) }));
    for (const bound of bounds) {
      const problem = boundProblem(
        bound,
        les.map((one) => one.bound),
      );
      if (problem) throw noBucket(rule, problem);
    }
    const chosen = les.filter(({ bound }) => bound === Number.POSITIVE_INFINITY || bounds.includes(bound));
    return [{ ...rule, selector: [...rule.selector, like('le', chosen.map(({ le }) => escapeRegex(le)).join('|'))] }];
  });
}

/**
 * The bounds of the buckets to read: those of the latency checks, and the bound above which a request counts as hanging.
 *
 * @param available The values of `le` that the stable arm's histogram has.
 */
export function boundsToRead(
  judged: readonly number[],
  rules: readonly Rule[],
  available: readonly string[],
): number[] {
  const perSecond = rules.find(({ kind }) => kind === 'bucket')?.perSecond ?? 1;
  const hang = hangBoundOf(available.map((le) => boundOf(le, perSecond)));
  return [...new Set([...judged, ...(hang === undefined ? [] : [hang])])];
}

function noBucket(rule: Rule, problem: string): SluiceError {
  return new SluiceError('bad-query', {
    about: `latency histogram ${format(rule.selector)}`,
    problem,
    next: 'Check a latency at one of the bucket bounds, or add the bound to the histogram; native histograms are not read.',
  });
}

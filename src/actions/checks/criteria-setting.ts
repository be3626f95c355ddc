import * as z from 'zod';
import type { Comparison, Criteria } from '../../judge/looks/criteria.ts';
import { must } from './check-list.ts';

const FORM = '"< 600", ">= 1 and <= 5" or "<= reference + 10%", or a list of alternatives';

const number = String.raw`\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?`;
const comparison = new RegExp(
  `^(<=|>=|<|>|=) {0,5}(?:(-?${number})|reference(?: {0,5}([+-]) {0,5}(${number}) {0,5}(%?))?)$`,
);
/** Characters of one text, and alternatives. */
const LONGEST = 500;
const MOST = 50;

/** What is accepted of a measured value: comparisons joined by `and`; a list holds alternatives. */
export const criteria = z
  .union([z.string(), z.array(z.string()).min(1).max(MOST)], must(FORM))
  .transform((given, context): Criteria => {
    const texts = typeof given === 'string' ? [given] : given;
    const read = texts.map(readAll);
    const wrong = texts.find((_, index) => read[index] === undefined);
    if (wrong === undefined) return read.flatMap((all) => (all ? [all] : []));
    context.addIssue(`"${wrong.slice(0, LONGEST)}" is not of the form ${FORM}`);
    return z.NEVER;
  });

function readAll(text: string): Comparison[] | undefined {
  if (text.length > LONGEST) return undefined;
  const read = text.split(/ and /).map((one) => readComparison(one.trim()));
  const known = read.flatMap((one) => one ?? []);
  return known.length === read.length ? known : undefined;
}

function readComparison(text: string): Comparison | undefined {
  const [, sign, absolute, direction, amount = '0', percent] = comparison.exec(text) ?? [];
  const operator = (['<', '<=', '=', '>=', '>'] as const).find((known) => known === sign);
  if (operator === undefined) return undefined;
  if (absolute !== undefined)
    return Number.isFinite(Number(absolute)) ? { operator, than: { number: Number(absolute) } } : undefined;
  const change = direction === '-' ? -Number(amount) : Number(amount);
  if (!Number.isFinite(change)) return undefined;
  return { operator, than: percent === '%' ? { percent: change } : { difference: change } };
}

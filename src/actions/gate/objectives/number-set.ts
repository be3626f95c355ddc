/** Where a set of numbers begins or ends: just before a number, or just after it. */
interface Cut {
  readonly at: number;
  readonly isAfter: boolean;
}

/** A set of numbers, as the places where membership changes, in ascending order. */
export interface NumberSet {
  /** Whether it holds all numbers before the first cut. */
  readonly begins: boolean;
  readonly cuts: readonly Cut[];
}

export const noNumber: NumberSet = { begins: false, cuts: [] };
export const everyNumber: NumberSet = { begins: true, cuts: [] };

export type Relation = '<' | '<=' | '=' | '!=' | '>=' | '>';

/** The numbers for which a comparison with `limit` holds. */
export function numbersThat(relation: Relation, limit: number): NumberSet {
  switch (relation) {
    case '<':
      return { begins: true, cuts: [{ at: limit, isAfter: false }] };
    case '<=':
      return { begins: true, cuts: [{ at: limit, isAfter: true }] };
    case '=':
      return {
        begins: false,
        cuts: [
          { at: limit, isAfter: false },
          { at: limit, isAfter: true },
        ],
      };
    case '!=':
      return without(numbersThat('=', limit));
    case '>=':
      return without(numbersThat('<', limit));
    case '>':
      return without(numbersThat('<=', limit));
  }
}

/** All numbers that are not in the set. */
export function without(set: NumberSet): NumberSet {
  return { begins: !set.begins, cuts: set.cuts };
}

export function union(a: NumberSet, b: NumberSet): NumberSet {
  return combine(a, b, (inA, inB) => inA || inB);
}

export function intersection(a: NumberSet, b: NumberSet): NumberSet {
  return combine(a, b, (inA, inB) => inA && inB);
}

export function isEmpty({ begins, cuts }: NumberSet): boolean {
  return !begins && cuts.length === 0;
}

export function isEverything({ begins, cuts }: NumberSet): boolean {
  return begins && cuts.length === 0;
}

/** The set as alternatives of a check's `accept`: `['< 1', '>= 5 and <= 7']`. */
export function acceptOf(set: NumberSet): string[] {
  if (isEmpty(set)) return ['< 0 and > 0'];
  if (isEverything(set)) return ['< 0', '>= 0'];
  const texts: string[] = [];
  let from: Cut | undefined;
  let isIn = set.begins;
  for (const cut of set.cuts) {
    if (isIn) texts.push(spanOf(from, cut));
    from = cut;
    isIn = !isIn;
  }
  if (isIn) texts.push(spanOf(from, undefined));
  return texts;
}

function spanOf(from: Cut | undefined, to: Cut | undefined): string {
  if (from && to && from.at === to.at) return `= ${from.at}`;
  const lower = from && `${from.isAfter ? '>' : '>='} ${from.at}`;
  const upper = to && `${to.isAfter ? '<=' : '<'} ${to.at}`;
  return [lower, upper].flatMap((part) => part ?? []).join(' and ');
}

function combine(a: NumberSet, b: NumberSet, isIn: (inA: boolean, inB: boolean) => boolean): NumberSet {
  const begins = isIn(a.begins, b.begins);
  const cuts: Cut[] = [];
  let [inA, inB, before] = [a.begins, b.begins, begins];
  let [nextA, nextB] = [0, 0];
  while (nextA < a.cuts.length || nextB < b.cuts.length) {
    const [cutA, cutB] = [a.cuts[nextA], b.cuts[nextB]];
    const order = compare(cutA, cutB);
    const cut = order <= 0 ? cutA : cutB;
    if (order <= 0) {
      nextA += 1;
      inA = !inA;
    }
    if (order >= 0) {
      nextB += 1;
      inB = !inB;
    }
    const now = isIn(inA, inB);
    if (cut && now !== before) cuts.push(cut);
    before = now;
  }
  return { begins, cuts };
}

/** Which of two cuts comes first; one that is not there comes last. */
function compare(a: Cut | undefined, b: Cut | undefined): number {
  if (!a || !b) return (a ? 0 : 1) - (b ? 0 : 1);
  return a.at - b.at || Number(a.isAfter) - Number(b.isAfter);
}

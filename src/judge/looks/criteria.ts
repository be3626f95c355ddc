import { figure } from '../../core/wording.ts';

export type Operator = '<' | '<=' | '=' | '>=' | '>';

/** One comparison of a measured value with a number, or with the reference plus so much: of its own size in per cent, or absolute. */
export interface Comparison {
  readonly operator: Operator;
  readonly than: { readonly number: number } | { readonly percent: number } | { readonly difference: number };
}

/** Alternatives, of each of which all comparisons have to hold. */
export type Criteria = readonly (readonly Comparison[])[];

/** Whether any comparison needs the reference. */
export function needReference(criteria: Criteria): boolean {
  return criteria.flat().some(({ than }) => !('number' in than));
}

export function meets(value: number, criteria: Criteria, reference: number | undefined): boolean {
  return criteria.some((all) => all.every((one) => holds(value, one, reference)));
}

/** How much of the way to a limit is used up, from 0 to 1; of several limits the nearest, of alternatives the farthest. */
export function usedUpOf(value: number, criteria: Criteria, reference: number | undefined): number {
  const met = criteria.filter((all) => all.every((one) => holds(value, one, reference)));
  return Math.min(1, ...met.map((all) => Math.max(0, ...all.map((one) => usedUp(value, one, reference)))));
}

/** `< 600, or <= reference + 10 % (550)` */
export function describeCriteria(criteria: Criteria, reference: { of: string; value: number } | undefined): string {
  return criteria.map((all) => all.map((one) => describe(one, reference)).join(' and ')).join(', or ');
}

/** The absolute limit. A reference grows by per cent as in Keptn's lighthouse-service: r * (100 + p) / 100. */
function limitOf({ than }: Comparison, reference: number | undefined): number {
  if ('number' in than) return than.number;
  if (reference === undefined) return Number.NaN;
  return 'percent' in than ? (reference * (100 + than.percent)) / 100 : reference + than.difference;
}

function holds(value: number, one: Comparison, reference: number | undefined): boolean {
  const limit = limitOf(one, reference);
  switch (one.operator) {
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '=':
      return value === limit;
    case '>=':
      return value >= limit;
    case '>':
      return value > limit;
  }
}

function usedUp(value: number, one: Comparison, reference: number | undefined): number {
  const limit = limitOf(one, reference);
  if (one.operator === '=') return 0;
  const used = one.operator.startsWith('<') ? value / limit : limit / value;
  return Number.isFinite(used) ? Math.min(1, Math.max(0, used)) : 0;
}

function describe(one: Comparison, reference: { of: string; value: number } | undefined): string {
  const { operator, than } = one;
  if ('number' in than) return `${operator} ${figure(than.number)}`;
  const amount = 'percent' in than ? than.percent : than.difference;
  const more = `${amount < 0 ? '-' : '+'} ${figure(Math.abs(amount))}${'percent' in than ? ' %' : ''}`;
  const base = reference?.of ?? 'the reference';
  return `${operator} ${base} ${more}${reference ? ` (${figure(limitOf(one, reference.value))})` : ''}`;
}

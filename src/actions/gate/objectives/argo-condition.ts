import { type Expression, parseCondition } from './condition-syntax.ts';
import {
  everyNumber,
  intersection,
  type NumberSet,
  noNumber,
  numbersThat,
  type Relation,
  union,
  without,
} from './number-set.ts';

/** For which results a condition holds. */
export interface Condition {
  /** The numbers for which it holds. */
  readonly numbers: NumberSet;
  /** Whether it holds where the result is no number: NaN, or an empty list. */
  readonly withoutData: boolean;
  /** It speaks of results that are no number, rather than leaving that to the language. */
  readonly namesNoData: boolean;
  /** `one`: of the only or first series; `every`, `some`: of those of the list. */
  readonly of: 'one' | 'every' | 'some' | 'constant';
}

/** A measured value, and what stands for it where there is none. */
interface Measured {
  readonly kind: 'value';
  readonly fallback: number | undefined;
}
type Operand =
  | Measured
  | { readonly kind: 'length' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'number'; readonly value: number };

/** Reads a `successCondition` or `failureCondition` that compares the result with numbers; undefined for any other. */
export function readCondition(text: string): Condition | undefined {
  const expression = parseCondition(text);
  return expression && conditionOf(expression, 'result');
}

/** The condition that holds where this one does not. */
export function negate({ numbers, withoutData, namesNoData, of }: Condition): Condition {
  const turned = { every: 'some', some: 'every', one: 'one', constant: 'constant' } as const;
  return { numbers: without(numbers), withoutData: !withoutData, namesNoData, of: turned[of] };
}

/** @param variable what the value is called: `result`, or `#` in a predicate of a list */
function conditionOf(expression: Expression, variable: 'result' | '#'): Condition | undefined {
  switch (expression.kind) {
    case 'name':
      if (expression.name === 'true') return constant(true);
      return expression.name === 'false' ? constant(false) : undefined;
    case 'not': {
      const inner = conditionOf(expression.of, variable);
      return inner && negate(inner);
    }
    case 'call':
      return callOf(expression.name, expression.given, variable);
    case 'binary': {
      const { operator, left, right } = expression;
      if (operator === '||' || operator === 'or') return join(left, right, variable, 'some');
      if (operator === '&&' || operator === 'and') return join(left, right, variable, 'every');
      return comparisonOf(operator, operandOf(left, variable), operandOf(right, variable));
    }
    default:
      return undefined;
  }
}

function constant(holds: boolean): Condition {
  return { numbers: holds ? everyNumber : noNumber, withoutData: holds, namesNoData: false, of: 'constant' };
}

/** @param way what two conditions of lists may be joined to: all of them by `and`, some of them by `or` */
function join(
  left: Expression,
  right: Expression,
  variable: 'result' | '#',
  way: 'every' | 'some',
): Condition | undefined {
  const [a, b] = [conditionOf(left, variable), conditionOf(right, variable)];
  if (!a || !b) return undefined;
  const lists = [a.of, b.of].filter((of) => of === 'every' || of === 'some');
  // What each of several series means together with the first of them is another question.
  if (lists.some((of) => of !== way) && !(isOfData(a) || isOfData(b))) return undefined;
  const of = lists[0] ?? (a.of === 'constant' ? b.of : 'one');
  const namesNoData = a.namesNoData || b.namesNoData;
  return way === 'every'
    ? { numbers: intersection(a.numbers, b.numbers), withoutData: a.withoutData && b.withoutData, namesNoData, of }
    : { numbers: union(a.numbers, b.numbers), withoutData: a.withoutData || b.withoutData, namesNoData, of };
}

/** Whether it says only whether there is data: the same for every number. */
function isOfData({ numbers, namesNoData }: Condition): boolean {
  return namesNoData && numbers.cuts.length === 0;
}

function callOf(name: string, given: readonly Expression[], variable: 'result' | '#'): Condition | undefined {
  const [first, second] = given;
  if (name === 'isNaN' || name === 'isInf' || name === 'isNil') {
    const isOfValue = given.length === 1 && first && operandOf(first, variable)?.kind === 'value';
    return isOfValue ? { numbers: noNumber, withoutData: true, namesNoData: true, of: 'one' } : undefined;
  }
  const isOfList = variable === 'result' && first?.kind === 'name' && first.name === 'result' && given.length === 2;
  if (!isOfList || !second) return undefined;
  const inner = conditionOf(second, '#');
  if (!inner) return undefined;
  // Of an empty list, every element is as wanted, and none is.
  if (name === 'all') return { ...inner, withoutData: inner.withoutData, of: 'every' };
  if (name === 'any') return { ...inner, of: 'some' };
  return name === 'none' ? { ...negate(inner), of: 'every' } : undefined;
}

const relations: Readonly<Record<string, Relation>> = {
  '==': '=',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};
const turned: Readonly<Record<Relation, Relation>> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

function comparisonOf(operator: string, left: Operand | undefined, right: Operand | undefined): Condition | undefined {
  const relation = relations[operator];
  if (!relation || !left || !right) return undefined;
  if (left.kind === 'number' && right.kind === 'number') return constant(isTrue(left.value, relation, right.value));
  if (left.kind === 'number' || left.kind === 'nothing') return compare(right, turned[relation], left);
  return compare(left, relation, right);
}

function compare(subject: Operand, relation: Relation, limit: Operand): Condition | undefined {
  if (limit.kind === 'nothing') {
    if (subject.kind !== 'value' || (relation !== '=' && relation !== '!=')) return undefined;
    const isNothing = relation === '=';
    return { numbers: isNothing ? noNumber : everyNumber, withoutData: isNothing, namesNoData: true, of: 'one' };
  }
  if (limit.kind !== 'number') return undefined;
  if (subject.kind === 'length') return lengthCondition(relation, limit.value);
  if (subject.kind !== 'value') return undefined;
  const { fallback } = subject;
  return {
    numbers: numbersThat(relation, limit.value),
    // NaN is not even equal to itself.
    withoutData: fallback === undefined ? relation === '!=' : isTrue(fallback, relation, limit.value),
    namesNoData: fallback !== undefined,
    of: 'one',
  };
}

/** Only whether there is any series is a question that the gate answers, too. */
function lengthCondition(relation: Relation, limit: number): Condition | undefined {
  const [ofNone, ofOne, ofMany] = [0, 1, 1e9].map((length) => isTrue(length, relation, limit));
  if (ofOne !== ofMany) return undefined;
  return { numbers: ofOne ? everyNumber : noNumber, withoutData: ofNone === true, namesNoData: true, of: 'one' };
}

function isTrue(left: number, relation: Relation, right: number): boolean {
  const { begins, cuts } = numbersThat(relation, right);
  const passed = cuts.filter(({ at, isAfter }) => (isAfter ? left > at : left >= at)).length;
  return passed % 2 === 0 ? begins : !begins;
}

function operandOf(expression: Expression, variable: 'result' | '#'): Operand | undefined {
  switch (expression.kind) {
    case 'number':
      return expression;
    case 'name':
      if (expression.name === variable) return { kind: 'value', fallback: undefined };
      return expression.name === 'nil' ? { kind: 'nothing' } : undefined;
    case 'index': {
      const at = operandOf(expression.at, variable);
      const isFirst = at?.kind === 'number' && at.value === 0 && expression.of.kind === 'name';
      return isFirst && variable === 'result' ? operandOf(expression.of, variable) : undefined;
    }
    case 'call':
      return callOperand(expression.name, expression.given, variable);
    case 'binary': {
      const [left, right] = [operandOf(expression.left, variable), operandOf(expression.right, variable)];
      if (left?.kind !== 'number' || right?.kind !== 'number') return undefined;
      const value = calculate(left.value, expression.operator, right.value);
      return value === undefined ? undefined : { kind: 'number', value };
    }
    default:
      return undefined;
  }
}

function callOperand(
  name: string,
  [first, second]: readonly Expression[],
  variable: 'result' | '#',
): Operand | undefined {
  const inner = first && operandOf(first, variable);
  if (inner?.kind !== 'value') return undefined;
  if (name === 'len') return first?.kind === 'name' ? { kind: 'length' } : undefined;
  if (name === 'asFloat' || name === 'float') return second ? undefined : inner;
  if (name !== 'default' || !second) return undefined;
  const fallback = operandOf(second, variable);
  return fallback?.kind === 'number' ? { kind: 'value', fallback: fallback.value } : undefined;
}

function calculate(left: number, operator: string, right: number): number | undefined {
  const results: Readonly<Record<string, number>> = {
    '+': left + right,
    '-': left - right,
    '*': left * right,
    '/': left / right,
  };
  const value = results[operator];
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

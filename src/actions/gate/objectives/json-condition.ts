import { type Expression, parseCondition } from './condition-syntax.ts';

/** A step into JSON: the name of a member, or the place in a list. */
export type PathPart = string | number;

/** What has to hold of one value of an answer, as the check `probe` has it. */
interface JsonAssertion {
  /** JSONPath of RFC 9535. */
  readonly path: string;
  readonly equals?: Literal;
  readonly 'not-equals'?: Literal;
  readonly above?: number;
  readonly below?: number;
  readonly 'at-least'?: number;
  readonly 'at-most'?: number;
}
type Literal = string | number | boolean;

export interface JsonCondition {
  readonly assertions: readonly JsonAssertion[];
  /** Whether it takes a text for the number in it, by `asFloat`. */
  readonly readsText: boolean;
  /** Whether it compares the whole result with a text. */
  readonly comparesWhole: boolean;
}

/**
 * What has to hold of an answer in JSON for a condition of Argo Rollouts to hold, or not to hold; undefined where that is more than a
 * list of comparisons that all have to hold.
 *
 * @param result where the result is in the answer
 */
export function readJsonCondition(
  text: string,
  result: readonly PathPart[],
  holds: boolean,
): JsonCondition | undefined {
  const expression = parseCondition(text);
  return expression && conditionOf(expression, result, holds);
}

function conditionOf(expression: Expression, result: readonly PathPart[], holds: boolean): JsonCondition | undefined {
  if (expression.kind === 'not') return conditionOf(expression.of, result, !holds);
  // By itself it has to be true or false.
  if (expression.kind !== 'binary') return comparison(operandOf(expression, result), '==', { literal: holds }, true);
  const { operator, left, right } = expression;
  // All of them have to hold, or none of them may.
  const joins = holds ? ['&&', 'and'] : ['||', 'or'];
  if (!joins.includes(operator)) return comparison(operandOf(left, result), operator, operandOf(right, result), holds);
  const [first, second] = [conditionOf(left, result, holds), conditionOf(right, result, holds)];
  return first && second && both(first, second);
}

function both(a: JsonCondition, b: JsonCondition): JsonCondition {
  return {
    assertions: [...a.assertions, ...b.assertions],
    readsText: a.readsText || b.readsText,
    comparesWhole: a.comparesWhole || b.comparesWhole,
  };
}

type Operand =
  | { readonly path: readonly PathPart[]; readonly isCast: boolean; readonly isWhole: boolean }
  | { readonly literal: Literal };

const turned: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
const opposite: Readonly<Record<string, string>> = {
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
};
const limits = { '<': 'below', '<=': 'at-most', '>': 'above', '>=': 'at-least' } as const;

function comparison(
  left: Operand | undefined,
  operator: string,
  right: Operand | undefined,
  holds: boolean,
): JsonCondition | undefined {
  if (!left || !right) return undefined;
  if ('literal' in left)
    return 'literal' in right ? undefined : comparison(right, turned[operator] ?? operator, left, holds);
  if (!('literal' in right)) return undefined;
  const relation = holds ? operator : opposite[operator];
  const { literal } = right;
  const path = jsonPathOf(left.path);
  const given = { readsText: left.isCast, comparesWhole: left.isWhole && typeof literal === 'string' };
  // A text that is taken for a number is no text any more.
  if (left.isCast && typeof literal !== 'number') return undefined;
  if (relation === '==') return { ...given, assertions: [{ path, equals: literal }] };
  if (relation === '!=') return { ...given, assertions: [{ path, 'not-equals': literal }] };
  if (typeof literal !== 'number') return undefined;
  if (relation === '<' || relation === '<=' || relation === '>' || relation === '>=')
    return { ...given, assertions: [{ path, [limits[relation]]: literal }] };
  return undefined;
}

function operandOf(expression: Expression, result: readonly PathPart[]): Operand | undefined {
  switch (expression.kind) {
    case 'number':
    case 'text':
      return { literal: expression.value };
    case 'name':
      if (expression.name === 'true' || expression.name === 'false') return { literal: expression.name === 'true' };
      return expression.name === 'result' ? { path: result, isCast: false, isWhole: true } : undefined;
    case 'binary':
      return negativeOf(expression);
    case 'call':
      return castOf(expression, result);
    case 'member':
    case 'index':
      return partOf(expression, result);
    default:
      return undefined;
  }
}

/** A negative number is parsed as 0 minus it. */
function negativeOf({ operator, left, right }: Extract<Expression, { kind: 'binary' }>): Operand | undefined {
  const isNegative = operator === '-' && left.kind === 'number' && left.value === 0 && right.kind === 'number';
  return isNegative ? { literal: -right.value } : undefined;
}

function castOf(
  { name, given }: Extract<Expression, { kind: 'call' }>,
  result: readonly PathPart[],
): Operand | undefined {
  const [first, ...more] = given;
  const inner = first && more.length === 0 && name === 'asFloat' ? operandOf(first, result) : undefined;
  return inner && 'path' in inner ? { ...inner, isCast: true } : undefined;
}

function partOf(
  expression: Extract<Expression, { kind: 'member' | 'index' }>,
  result: readonly PathPart[],
): Operand | undefined {
  const of = operandOf(expression.of, result);
  if (!of || !('path' in of) || of.isCast) return undefined;
  const at = expression.kind === 'member' ? expression.name : indexOf(expression.at);
  return at === undefined ? undefined : { path: [...of.path, at], isCast: false, isWhole: false };
}

function indexOf(expression: Expression): PathPart | undefined {
  if (expression.kind === 'text') return expression.value;
  return expression.kind === 'number' && Number.isSafeInteger(expression.value) ? expression.value : undefined;
}

/** A JSONPath of RFC 9535. */
function jsonPathOf(parts: readonly PathPart[]): string {
  return parts.reduce<string>((path, part) => {
    if (typeof part === 'number') return `${path}[${part}]`;
    return /^[A-Za-z_]\w*$/.test(part) ? `${path}.${part}` : `${path}['${part.replaceAll(/['\\]/g, '\\$&')}']`;
  }, '$');
}

/** The JSONPath of kubectl, `{$.data.ok}`, where it names one place; undefined for any other, and for text around it. */
export function readKubectlPath(text: string): PathPart[] | undefined {
  const [, inner] = /^\{\s{0,9}\$?([^{}]{0,500}?)\s{0,9}\}$/.exec(text.trim()) ?? [];
  if (inner === undefined) return undefined;
  if (inner === '' || inner === '.' || inner === '@') return [];
  const parts: PathPart[] = [];
  const part = /\.([A-Za-z_][\w-]*)|\.?\['([^'\\]+)'\]|\.?\[(-?\d{1,9})\]/y;
  while (part.lastIndex < inner.length) {
    const [, name, quoted, index] = part.exec(inner) ?? [];
    const found = name ?? quoted ?? (index === undefined ? undefined : Number(index));
    if (found === undefined) return undefined;
    parts.push(found);
  }
  return parts;
}

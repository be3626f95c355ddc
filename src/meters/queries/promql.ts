import type { SyntaxNode } from '@lezer/common';
import { SluiceError } from '../../core/errors.ts';
import { equal, type Matcher, NAME, type Selector } from '../series/selector.ts';

/** The most characters of an expression: the time to parse a malformed one grows faster than its length. */
const LONGEST_QUERY = 20_000;

/** What Sluice needs to know of a PromQL expression. */
export interface Expression {
  /** Selectors for the present, as PromQL and without a range. Those with an offset or `@` are left out. */
  readonly selectors: readonly string[];
  /** The names of its metrics, from the selectors that name exactly one. */
  readonly metrics: readonly string[];
  /** The part that gives an answer without data: `or vector(0)`. */
  readonly padding: string | undefined;
  /** The single series selector that the expression is, or sums up; else why it is no raw counter. */
  readonly counter: { readonly selector: Selector } | { readonly problem: string; readonly next: string };
}

/** The most characters of a query whose syntax error is located by the tolerant parser. */
const LONGEST_MENDED = 500;

/** The position at which a strict parser fails, from its message: `No parse at 7`. */
function refusedAt(parse: () => unknown): number | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    return Number(/ at (\d+)$/.exec(error instanceof Error ? error.message : '')?.[1] ?? 0);
  }
}

/**
 * Parses a PromQL expression with the grammar of the Prometheus project. The grammar is loaded at the first use, as most
 * rollouts use the default queries and never need it.
 *
 * @param about Whose expression it is, for the error: `input "query"`.
 * @throws SluiceError `bad-query` for a syntax error, with the place marked.
 */
export async function parseExpression(query: string, about: string): Promise<Expression> {
  if (query.length > LONGEST_QUERY) {
    throw new SluiceError('bad-query', {
      about,
      problem: `is longer than ${LONGEST_QUERY.toLocaleString('en')} characters.`,
      next: 'Let Prometheus record what it calculates, and ask for that.',
    });
  }
  const { parser } = await import('@prometheus-io/lezer-promql');
  // After an error, the tolerant parser tries to make sense of the rest, in quadratic time.
  const refused = refusedAt(() => parser.configure({ strict: true }).parse(query));
  if (refused !== undefined && query.length > LONGEST_MENDED) throw syntaxError(query, about, refused);
  const root = parser.parse(query).topNode;
  const nodes = descendants(root);
  const error = nodes.find((node) => node.type.isError);
  if (error || nodes.length === 0) throw syntaxError(query, about, error?.from ?? 0);
  const text = (node: SyntaxNode) => query.slice(node.from, node.to);
  const selectors = nodes.filter((node) => node.name === 'VectorSelector');
  const present = selectors.filter((node) => !asksAnotherTime(node, query));
  const metrics = selectors.flatMap((node) =>
    selectorOf(node, query).flatMap(({ label, op, value }) => (label === NAME && op === '=' ? [value] : [])),
  );
  const padding = nodes.flatMap((node) => paddingOf(node, query) ?? [])[0];
  return {
    selectors: [...new Set(present.map(text))],
    metrics: [...new Set(metrics)],
    padding: padding === undefined ? undefined : `or ${text(padding)}`,
    counter: counterOf(root.firstChild, query),
  };
}

/** @throws SluiceError `bad-query` for an expression that gives an answer without data. */
export function refusePadding(expression: Expression, query: string, about: string): void {
  if (expression.padding === undefined) return;
  throw new SluiceError('bad-query', {
    about: `${about} (${query})`,
    problem: `is padded by "${expression.padding}": where a name in it is wrong or the data is missing, it answers all the same.`,
    next: 'Remove the padding; counters that appear only with the first error are counted from zero anyway.',
  });
}

/** In the grammar, a modifier after a binary expression spans all of it; for Prometheus it belongs to the last selector. */
function asksAnotherTime(selector: SyntaxNode, query: string): boolean {
  const directly = /^\s*(?:\[[^\]]*\]\s*)?(?:offset\b|@)/i.test(query.slice(selector.to));
  const modified = ({ name, firstChild }: SyntaxNode) =>
    (name === 'OffsetExpr' || name === 'StepInvariantExpr') && firstChild?.name === 'SubqueryExpr';
  return directly || ancestors(selector).some(modified);
}

/** The side of an `or` that gives an answer without data, or with data that do not count. */
function paddingOf(node: SyntaxNode, query: string): SyntaxNode | undefined {
  if (node.name !== 'BinaryExpr' || !node.getChild('Or')) return undefined;
  const [left, right] = operands(node);
  return [right, left].find((side) => side && madeUp(side, query));
}

function madeUp(side: SyntaxNode, query: string): boolean {
  const nodes = [side, ...descendants(side)];
  const hasData = nodes.some((node) => node.name === 'VectorSelector');
  const absent = nodes.some((node) => node.name === 'Absent' || node.name === 'AbsentOverTime');
  const timesZero = nodes.some(
    (node) =>
      node.name === 'BinaryExpr' &&
      node.getChild('Mul') &&
      operands(node).some((operand) => Number(query.slice(operand.from, operand.to)) === 0),
  );
  return !hasData || absent || timesZero;
}

/** The two sides of a binary expression, without the operator and its modifiers between them. */
function operands(node: SyntaxNode): SyntaxNode[] {
  return [node.firstChild, node.lastChild].flatMap((child) => child ?? []);
}

function counterOf(node: SyntaxNode | null, query: string): Expression['counter'] {
  const selectors = node ? [node, ...descendants(node)].filter(({ name }) => name === 'VectorSelector') : [];
  const [only, ...more] = selectors;
  const raw =
    only && more.length === 0
      ? `Give the counter itself: ${query.slice(only.from, only.to)}`
      : 'Give the selector of one counter; a second name fits into {__name__=~"one|other"}.';
  switch (node?.name) {
    case 'VectorSelector':
      return { selector: selectorOf(node, query) };
    case 'ParenExpr':
      return counterOf(node.firstChild, query);
    case 'AggregateExpr': {
      const body = node.getChild('FunctionCallBody')?.firstChild ?? null;
      // Each series is read separately and summed after its resets are removed, so the query's own sum is not needed.
      if (node.getChild('AggregateOp')?.getChild('Sum')) return counterOf(body, query);
      return { problem: 'aggregates the series to something that is no count of requests.', next: raw };
    }
    case 'FunctionCall': {
      const name = node.getChild('FunctionIdentifier');
      const called = name ? query.slice(name.from, name.to) : 'a function';
      return {
        problem: `uses ${called}(), but raw counters are needed: rates lose the first error of each series and what happens between two windows.`,
        next: raw,
      };
    }
    case 'MatrixSelector':
      return { problem: 'has a range.', next: raw };
    case 'OffsetExpr':
    case 'StepInvariantExpr':
      return { problem: 'asks for another time than now.', next: raw };
    default:
      return { problem: 'calculates with its series, so resets of the counters could not be seen.', next: raw };
  }
}

function selectorOf(node: SyntaxNode, query: string): Selector {
  const text = (part: SyntaxNode | null) => (part ? query.slice(part.from, part.to) : '');
  const name = node.getChild('Identifier');
  const matchers: Matcher[] = name ? [equal(NAME, text(name))] : [];
  for (let part = node.getChild('LabelMatchers')?.firstChild ?? null; part; part = part.nextSibling) {
    if (part.name === 'QuotedLabelName') matchers.push(equal(NAME, unquote(text(part))));
    const label = part.getChild('LabelName') ?? part.getChild('QuotedLabelName');
    const op = (['=', '!=', '=~', '!~'] as const).find((candidate) => candidate === text(part.getChild('MatchOp')));
    if (!label || !op) continue;
    const quoted = label.name === 'QuotedLabelName';
    matchers.push({
      label: quoted ? unquote(text(label)) : text(label),
      op,
      value: unquote(text(part.getChild('StringLiteral'))),
    });
  }
  return matchers;
}

const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** The value of a PromQL string literal: Go's escapes in quotes, none in backticks. */
function unquote(literal: string): string {
  const inner = literal.slice(1, -1);
  if (literal.startsWith('`')) return inner;
  return inner.replace(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{3}|.)/gs, (_, escaped: string) => {
    if (/^[xuU]./.test(escaped)) return String.fromCodePoint(Number.parseInt(escaped.slice(1), 16));
    if (/^[0-7]{3}$/.test(escaped)) return String.fromCodePoint(Number.parseInt(escaped, 8));
    return escapes[escaped] ?? escaped;
  });
}

function syntaxError(query: string, about: string, position: number): SluiceError {
  const lineStart = query.lastIndexOf('\n', position - 1) + 1;
  const [line = ''] = query.slice(lineStart).split('\n');
  const found = query.slice(position).trim() === '' ? 'it ends too early' : "this place can't be read";
  return new SluiceError('bad-query', {
    about,
    problem: `is not valid PromQL, ${found}:\n    ${line}\n    ${' '.repeat(position - lineStart)}^\n`,
    next: 'Correct the expression.',
  });
}

function descendants(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) found.push(child, ...descendants(child));
  return found;
}

function ancestors(node: SyntaxNode): SyntaxNode[] {
  return node.parent ? [node.parent, ...ancestors(node.parent)] : [];
}

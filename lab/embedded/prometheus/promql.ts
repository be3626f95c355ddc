import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { type Labels, type Matcher, NAME } from '../../../src/meters/series/selector.ts';
import { extrapolated, quantile } from './functions.ts';
import { type SeriesStore, sampleAt, samplesIn } from './series.ts';

/** One series of an answer. `at`: the time of its sample. */
interface VectorSample {
  readonly labels: Labels;
  readonly value: number;
  readonly at: number;
}

export type Value =
  | { readonly type: 'scalar'; readonly value: number }
  | { readonly type: 'vector'; readonly samples: readonly VectorSample[] }
  | {
      readonly type: 'matrix';
      readonly series: readonly { labels: Labels; samples: readonly { at: number; value: number }[] }[];
      readonly from: number;
      readonly to: number;
    };

type Operand = Exclude<Value, { type: 'matrix' }>;

/** A query that Prometheus would refuse (`bad_data`) or fail on (`execution`; here also what the double does not support). */
export class QueryError extends Error {
  readonly type: 'bad_data' | 'execution';

  constructor(type: 'bad_data' | 'execution', message: string) {
    super(message);
    this.name = 'QueryError';
    this.type = type;
  }
}

/**
 * Evaluates a PromQL expression at a time (milliseconds since the epoch): selectors, offset, rate, increase, timestamp, vector,
 * time, histogram_quantile, sum, min, max, avg and count with by and without, arithmetic, and `or`.
 *
 * @throws QueryError
 */
export function evaluate(store: SeriesStore, query: string, time: number): Value {
  return evaluateNode(parse(query), { store, query, time });
}

/** The series selector that a query consists of. @throws QueryError for any other query. */
export function parseSelector(query: string): Matcher[] {
  const node = parse(query);
  if (node.name !== 'VectorSelector') throw new QueryError('bad_data', `invalid parameter "match[]": ${query}`);
  return matchersOf(node, query);
}

function parse(query: string): SyntaxNode {
  const tree = parser.parse(query);
  let wrong: number | undefined = tree.topNode.firstChild === null ? 0 : undefined;
  tree.iterate({
    enter: (node) => {
      if (node.type.isError) wrong ??= node.from;
    },
  });
  const root = tree.topNode.firstChild;
  if (wrong !== undefined || root === null) {
    const position = `1:${(wrong ?? 0) + 1}`;
    throw new QueryError('bad_data', `invalid parameter "query": ${position}: parse error: unexpected input`);
  }
  return root;
}

interface Context {
  readonly store: SeriesStore;
  readonly query: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

function evaluateNode(node: SyntaxNode, context: Context): Value {
  const { query, store, time } = context;
  switch (node.name) {
    case 'ParenExpr':
      return evaluateNode(only(node), context);
    case 'NumberDurationLiteral':
      return { type: 'scalar', value: Number(textOf(node, query)) };
    case 'UnaryExpr': {
      const operand = evaluateNode(only(node), context);
      if (operand.type === 'matrix') break;
      const sign = textOf(node, query).startsWith('-') ? -1 : 1;
      return arithmetic((left, right) => left * right, { type: 'scalar', value: sign }, operand);
    }
    case 'VectorSelector': {
      const samples = store.select(matchersOf(node, query)).flatMap((series) => {
        const sample = sampleAt(series, time);
        return sample === undefined ? [] : [{ labels: series.labels, ...sample }];
      });
      return { type: 'vector', samples };
    }
    case 'MatrixSelector': {
      const [selector, duration] = childrenOf(node);
      if (selector === undefined || duration === undefined) break;
      const from = time - milliseconds(textOf(duration, query));
      const series = store.select(matchersOf(selector, query)).map((one) => ({
        labels: one.labels,
        samples: samplesIn(one, from, time),
      }));
      return { type: 'matrix', series: series.filter(({ samples }) => samples.length > 0), from, to: time };
    }
    case 'OffsetExpr': {
      const duration = node.getChild('OffsetDurationExpr');
      if (duration === null) break;
      return evaluateNode(only(node), { ...context, time: time - milliseconds(textOf(duration, query)) });
    }
    case 'FunctionCall':
      return call(node, context);
    case 'AggregateExpr':
      return aggregate(node, context);
    case 'BinaryExpr':
      return binary(node, context);
  }
  throw unsupported(node, query);
}

function call(node: SyntaxNode, context: Context): Value {
  const { query, time } = context;
  const [identifier, body] = childrenOf(node);
  const name = identifier === undefined ? '' : textOf(identifier, query);
  const args = body === undefined ? [] : childrenOf(body);
  const [first, second] = args.map((argument) => evaluateNode(argument, context));
  if (name === 'time') return { type: 'scalar', value: time / 1_000 };
  if (name === 'vector' && first?.type === 'scalar') {
    return { type: 'vector', samples: [{ labels: {}, value: first.value, at: time }] };
  }
  if (name === 'timestamp' && first?.type === 'vector') {
    const samples = first.samples.map(({ labels, at }) => ({ labels: unnamed(labels), value: at / 1_000, at }));
    return { type: 'vector', samples };
  }
  if ((name === 'rate' || name === 'increase') && first?.type === 'matrix') {
    const samples = first.series.flatMap(({ labels, samples: taken }) => {
      const increase = extrapolated(taken, first.from, first.to);
      if (increase === undefined) return [];
      const value = name === 'rate' ? increase / ((first.to - first.from) / 1_000) : increase;
      return [{ labels: unnamed(labels), value, at: time }];
    });
    return { type: 'vector', samples };
  }
  if (name === 'histogram_quantile' && first?.type === 'scalar' && second?.type === 'vector') {
    const groups = Map.groupBy(second.samples, ({ labels }) => keyOf(without(labels, ['le', NAME])));
    const samples = [...groups.values()].map((buckets) => ({
      labels: without(buckets[0]?.labels ?? {}, ['le', NAME]),
      value: quantile(
        first.value,
        buckets.map(({ labels, value }) => ({ bound: Number(labels.le?.replace('+Inf', 'Infinity')), count: value })),
      ),
      at: time,
    }));
    return { type: 'vector', samples };
  }
  throw unsupported(node, query);
}

const aggregations: Readonly<Record<string, (values: readonly number[]) => number>> = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  avg: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  count: (values) => values.length,
};

function aggregate(node: SyntaxNode, context: Context): Value {
  const { query, time } = context;
  const operator = node.getChild('AggregateOp');
  const combine = aggregations[operator === null ? '' : textOf(operator, query)];
  const body = node.getChild('FunctionCallBody');
  if (combine === undefined || body === null || childrenOf(body).length !== 1) throw unsupported(node, query);
  const operand = evaluateNode(only(body), context);
  if (operand.type !== 'vector') throw unsupported(node, query);
  const modifier = node.getChild('AggregateModifier');
  const names = modifier?.getChild('GroupingLabels')?.getChildren('LabelName') ?? [];
  const grouping = names.map((name) => textOf(name, query));
  const groupOf = (labels: Labels) =>
    modifier?.getChild('Without') ? without(labels, [...grouping, NAME]) : pick(labels, grouping);
  const groups = Map.groupBy(operand.samples, ({ labels }) => keyOf(groupOf(labels)));
  const samples = [...groups.values()].map((members) => ({
    labels: groupOf(members[0]?.labels ?? {}),
    value: combine(members.map(({ value }) => value)),
    at: time,
  }));
  return { type: 'vector', samples };
}

function binary(node: SyntaxNode, context: Context): Value {
  const { query } = context;
  const [leftNode, operator, ...rest] = childrenOf(node);
  const rightNode = rest.at(-1);
  if (leftNode === undefined || operator === undefined || rightNode === undefined || rest.length !== 1) {
    throw unsupported(node, query);
  }
  const left = evaluateNode(leftNode, context);
  const right = evaluateNode(rightNode, context);
  if (operator.name === 'Or' && left.type === 'vector' && right.type === 'vector') {
    const known = new Set(left.samples.map(({ labels }) => keyOf(unnamed(labels))));
    const added = right.samples.filter(({ labels }) => !known.has(keyOf(unnamed(labels))));
    return { type: 'vector', samples: [...left.samples, ...added] };
  }
  const operate = operators[operator.name];
  if (operate === undefined || left.type === 'matrix' || right.type === 'matrix') throw unsupported(node, query);
  return arithmetic(operate, left, right);
}

const operators: Readonly<Record<string, (left: number, right: number) => number>> = {
  Add: (left, right) => left + right,
  Sub: (left, right) => left - right,
  Mul: (left, right) => left * right,
  Div: (left, right) => left / right,
};

/** Matches two vectors one to one on all their labels. */
function arithmetic(operate: (left: number, right: number) => number, left: Operand, right: Operand): Operand {
  if (left.type === 'scalar') {
    if (right.type === 'scalar') return { type: 'scalar', value: operate(left.value, right.value) };
    return mapped(right.samples, (sample) => operate(left.value, sample.value));
  }
  if (right.type === 'scalar') return mapped(left.samples, (sample) => operate(sample.value, right.value));
  const others = new Map(right.samples.map((sample) => [keyOf(unnamed(sample.labels)), sample.value]));
  return mapped(left.samples, (sample) => {
    const other = others.get(keyOf(unnamed(sample.labels)));
    return other === undefined ? undefined : operate(sample.value, other);
  });
}

/** Samples with new values and without names; those without a value are dropped. */
function mapped(samples: readonly VectorSample[], change: (sample: VectorSample) => number | undefined): Operand {
  return {
    type: 'vector',
    samples: samples.flatMap((sample) => {
      const value = change(sample);
      return value === undefined ? [] : [{ ...sample, labels: unnamed(sample.labels), value }];
    }),
  };
}

function matchersOf(node: SyntaxNode, query: string): Matcher[] {
  const identifier = node.getChild('Identifier');
  const name = identifier === null ? [] : [{ label: NAME, op: '=' as const, value: textOf(identifier, query) }];
  const list = node.getChild('LabelMatchers');
  const matchers = (list === null ? [] : childrenOf(list)).map((matcher): Matcher => {
    const [label, op, value] = childrenOf(matcher);
    if (label === undefined) throw unsupported(matcher, query);
    // A quoted name alone: {"http.requests"}
    if (op === undefined || value === undefined) return { label: NAME, op: '=', value: unquote(textOf(label, query)) };
    const labelName = label.name === 'LabelName' ? textOf(label, query) : unquote(textOf(label, query));
    return { label: labelName, op: operatorOf(textOf(op, query)), value: unquote(textOf(value, query)) };
  });
  return [...name, ...matchers];
}

function operatorOf(text: string): Matcher['op'] {
  return text === '!=' || text === '=~' || text === '!~' ? text : '=';
}

function unquote(literal: string): string {
  if (literal.startsWith('`')) return literal.slice(1, -1);
  const body = literal.slice(1, -1);
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t' };
  return body.replaceAll(/\\(.)/g, (_, character: string) => escapes[character] ?? character);
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5, y: 31536e6 };

/** `1h30m`, or a number of seconds. */
function milliseconds(duration: string): number {
  if (/^[\d.]+$/.test(duration)) return Number(duration) * 1_000;
  const parts = duration.matchAll(/(\d+)(ms|[smhdwy])/g);
  return [...parts].reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (units[unit] ?? 0), 0);
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

/** The single operand of a node. */
function only(node: SyntaxNode): SyntaxNode {
  const operand = childrenOf(node).find(({ name }) => name !== 'UnaryOp');
  if (operand === undefined) throw new QueryError('bad_data', 'invalid parameter "query": nothing to evaluate');
  return operand;
}

function textOf(node: SyntaxNode, query: string): string {
  return query.slice(node.from, node.to);
}

function unsupported(node: SyntaxNode, query: string): QueryError {
  return new QueryError('execution', `the embedded Prometheus can't evaluate ${textOf(node, query)} (${node.name})`);
}

function unnamed(labels: Labels): Labels {
  return without(labels, [NAME]);
}

function without(labels: Labels, names: readonly string[]): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !names.includes(name)));
}

function pick(labels: Labels, names: readonly string[]): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => names.includes(name)));
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

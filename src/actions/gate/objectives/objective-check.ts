import { formatDuration } from '../../../core/duration.ts';
import type { ConversionContext, WrittenCheck } from './conversion.ts';
import type { Findings, Part } from './findings.ts';

/** An objective of a ratio, as Sloth and OpenSLO have it. */
export interface RatioObjective {
  readonly about: string;
  /** The name of the check. */
  readonly name: string;
  /** Per cent of good events. */
  readonly objective: number;
  /** What it is measured over: `30d`. */
  readonly period: string;
  /** PromQL: rates or counts of the events of a window, or raw counters. */
  readonly total: string;
  readonly part: { readonly bad: string } | { readonly good: string };
}

/** The budget as a fraction, without the rounding of floating point: 1 - 0.999 is not 0.001. */
export function budgetOf(objective: number): number {
  return Number(((100 - objective) / 100).toPrecision(10));
}

/** The check of a ratio: how fast the budget burns where its counters are known, else the rate of errors of a window. */
export function ratioCheckOf(
  { about, name, objective, period, total, part }: RatioObjective,
  context: ConversionContext,
  findings: Findings,
): WrittenCheck {
  const isBad = 'bad' in part;
  const query = 'bad' in part ? part.bad : part.good;
  const counters = { total: rawCounterOf(total), part: rawCounterOf(query) };
  if (counters.total !== undefined && counters.part !== undefined) {
    const events = { total: counters.total, [isBad ? 'bad' : 'good']: counters.part };
    if (context.kinds.has('burn-rate'))
      return { check: 'burn-rate', name, objective: `${objective}%`, ...events, period };
    tellPeriod(period, context, { about, name, findings });
    return { check: 'ratio', name, ...events, limit: budgetOf(objective) };
  }
  tellPeriod(period, context, { about, name, findings });
  const [above, below] = [`(${query}) / (${total})`, budgetOf(objective)];
  return isBad
    ? { check: 'promql', name, query: above, accept: `<= ${below}` }
    : { check: 'promql', name, query: above, accept: `>= ${Number((1 - below).toPrecision(10))}` };
}

/** An objective over weeks is judged by the last minutes: its limit is the same, and how much of the budget is left is not known. */
export function tellPeriod(period: string, { window }: ConversionContext, { about, name, findings }: Part): void {
  const text = `${about}: its objective is one over ${period}, and this check judges ${formatDuration(window)} (input "window")`;
  const instead = 'the rate of errors in that time may be as high as the objective allows';
  findings.cannotSay.push({ id: `${name}.period`, text, instead });
}

const quoted = String.raw`"(?:[^"\\]|\\.){0,500}"|'(?:[^'\\]|\\.){0,500}'`;
const selector = String.raw`[A-Za-z_:][\w:]{0,200}\s{0,20}(?:\{(?:[^"'{}]|${quoted}){0,200}\})?`;
const plain = new RegExp(`^${selector}$`);
const summed = new RegExp(
  String.raw`^sum\s{0,20}\(\s{0,20}(?:rate|increase)\s{0,20}\(\s{0,20}(${selector})\s{0,20}\[[\w.{} ]{1,40}\]\s{0,20}\)\s{0,20}\)$`,
);

/** The counter of `sum(rate(COUNTER[5m]))`, whose events Sluice counts by itself; undefined for any other expression. */
export function rawCounterOf(query: string): string | undefined {
  const text = query.trim();
  if (text.length > 5_000) return undefined;
  return plain.test(text) ? text : summed.exec(text)?.[1]?.trim();
}

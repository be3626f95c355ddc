import type { Measured } from './measured.ts';

export type Gap = Measured['gaps'][number];

/** The most gaps that are kept apart. */
const MOST_GAPS = 1_000;

/** A part of time, in milliseconds since the Unix epoch; `to` does not belong to it. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

interface GapList {
  add(gap: Gap): void;
  /** The gaps in a part of time, cut to it, without the times of `known`, in order. */
  within(from: number, to: number, known: readonly Span[]): readonly Gap[];
}

/** Collects times of which nothing is known. Past a thousand of them, the last one grows over all that follows. */
export function createGapList(): GapList {
  const gaps: Gap[] = [];
  return {
    add(gap) {
      const last = gaps.at(-1);
      const joins = last !== undefined && gap.from <= last.to && gap.to >= last.from && gap.reason === last.reason;
      if (last === undefined || (!joins && gaps.length < MOST_GAPS)) {
        gaps.push(gap);
        return;
      }
      const [from, to] = [Math.min(last.from, gap.from), Math.max(last.to, gap.to)];
      gaps[gaps.length - 1] = { from, to, reason: last.reason };
    },
    within(from, to, known) {
      return gaps
        .map((gap) => ({ ...gap, from: Math.max(from, gap.from), to: Math.min(to, gap.to) }))
        .filter((gap) => gap.from < gap.to)
        .flatMap((gap) => without(gap, known))
        .toSorted((a, b) => a.from - b.from || a.to - b.to);
    },
  };
}

/** What is left of a gap without the times that are known; these are in order of their beginning. */
function without(gap: Gap, known: readonly Span[]): Gap[] {
  const left: Gap[] = [];
  let from = gap.from;
  for (const span of known) {
    if (span.from > from) left.push({ ...gap, from, to: Math.min(gap.to, span.from) });
    from = Math.max(from, span.to);
    if (from >= gap.to) break;
  }
  if (from < gap.to) left.push({ ...gap, from });
  return left.filter((part) => part.from < part.to);
}

import { count } from '../../core/wording.ts';
import type { Tally } from '../../drills/ports.ts';
import { successText } from '../../report/drill/drill-words.ts';
import { type Sentence, span } from '../../report/sentences.ts';

/** Milliseconds between two looks at whether the share of good requests is worth a line. */
const LOOK = 5_000;

/** The change of the share that is worth one. */
const MATERIAL = 0.05;

/** Different reasons that one line names. */
const MOST_REASONS = 3;

interface SuccessTeller {
  /** @param target share of good requests, from 0 to 1 */
  begin(target: number): void;
  /** A line every few seconds at most, and only if the share has changed materially or has crossed the target. */
  add(at: number, tally: Tally): Sentence | undefined;
}

export function createSuccessTeller(): SuccessTeller {
  let target = 1;
  let told: number | undefined;
  let since: number | undefined;
  let good = 0;
  let bad = 0;
  let reasons = new Map<string, number>();

  function begun(at: number): void {
    since = at;
    good = 0;
    bad = 0;
    reasons = new Map();
  }

  function sentence(share: number, milliseconds: number): Sentence {
    const often = [...reasons].toSorted(([, a], [, b]) => b - a).slice(0, MOST_REASONS);
    const why = often.map(([reason, number]) => `${reason} (${count(number)})`).join(', ');
    const of = `${successText(share)} of ${count(good + bad)} requests in ${span(milliseconds)}`;
    return {
      level: share < target ? 'warning' : 'info',
      text: `Good: ${of}${share < target ? `, target ${successText(target)}` : ''}${why === '' ? '' : `: ${why}`}`,
    };
  }

  return {
    begin(share) {
      target = share;
    },
    add(at, tally) {
      if (since === undefined) begun(at);
      good += tally.good;
      bad += tally.bad;
      const { fault } = tally;
      // Reasons of others are not counted without a bound.
      if (tally.bad > 0 && fault !== undefined && (reasons.has(fault) || reasons.size < 50))
        reasons.set(fault, (reasons.get(fault) ?? 0) + tally.bad);
      const passed = at - (since ?? at);
      if (passed < LOOK || good + bad === 0) return undefined;
      const share = good / (good + bad);
      const hasCrossed = told !== undefined && told < target !== share < target;
      const isTold = told === undefined || hasCrossed || Math.abs(share - told) >= MATERIAL;
      const line = isTold ? sentence(share, passed) : undefined;
      if (isTold) told = share;
      begun(at);
      return line;
    },
  };
}

import { formatDuration, parseDuration } from '../../core/duration.ts';
import { SluiceError } from '../../core/errors.ts';
import { excerpt } from '../../core/text.ts';
import { count, percent } from '../../core/wording.ts';
import type { Requests, Tally } from '../ports.ts';
import { shareOf } from './targets.ts';

const SECOND = 1_000;
/** The least and the longest time of a rule. */
const [SHORTEST, LONGEST] = [SECOND, 3_600_000];
/** The least number of requests of a share, where the rule names none: a single one that is lost stops nothing. */
const USUAL_LEAST = 10;

/** When a drill is stopped: `success below 90% for 10s over 10 requests`. */
export interface StopRule {
  readonly text: string;
  /** The share of good requests below which it is too low, from 0 to 1. */
  readonly below: number;
  /** For how long, in milliseconds. */
  readonly lasts: number;
  /** The least number of requests whose share says something. */
  readonly least: number;
}

const form = /^success below (\S+) for (\S+)(?: over (\d{1,6}) requests)?$/;

/**
 * Reads the input `stop-when`: `success below 90% for 10s`, with `over 50 requests` where ten are too few for a share, or `never`.
 *
 * @returns undefined for `never`
 * @throws SluiceError `invalid-input`
 */
export function parseStopRule(text: string): StopRule | undefined {
  const given = text.trim().replaceAll(/\s+/g, ' ');
  if (given === 'never') return undefined;
  const [, share, time, least] = form.exec(given) ?? [];
  const below = shareOf(share ?? '');
  const lasts = parseDuration(time ?? '');
  const requests = least === undefined ? USUAL_LEAST : Number(least);
  if (below === undefined || below === 0 || lasts === undefined || requests === 0)
    throw refused(given, 'can not be read');
  if (lasts < SHORTEST || lasts > LONGEST) throw refused(given, 'has a time that is not from 1s to 1h');
  return { text: given, below, lasts, least: requests };
}

function refused(given: string, problem: string): SluiceError {
  return new SluiceError('invalid-input', {
    about: 'input "stop-when"',
    problem: `"${excerpt(given, 80)}" ${problem}.`,
    next: 'Write for example "success below 90% for 10s", "success below 90% for 10s over 50 requests", or "never".',
  });
}

export interface StopCondition {
  tally(tally: Tally): void;
  /**
   * Why the drill has to be stopped, from all that was told until now; undefined while it need not be. To be asked with each tally, and
   * at least each second. Once it says stop, it stays with that.
   *
   * @param now milliseconds since the Unix epoch
   */
  decide(now: number): { readonly since: number; readonly reason: string } | undefined;
}

/** The answers of a second, or a window of counts. */
interface Part {
  readonly from: number;
  readonly to: number;
  good: number;
  bad: number;
  firstBad: number;
}

/**
 * Watches the share of good requests by the time of their answers.
 *
 * - Time is divided into whole seconds, of which only those that are over are judged; counts are judged by their windows.
 * - A second is below the limit if the share of the requests in it is; where it has fewer than `least`, those of the seconds before it are
 *   taken with them, back to the length of the rule. Still too few, or none at all in the second: it neither resets nor begins anything.
 * - The drill is stopped once time since the breaching request has passed without a second that is not below. The breaching request is
 *   the first bad one of the first second below the limit; of counts, it is the beginning of the window.
 *
 * So the decision comes at most the rule's time and one second after the breaching request, or one window of counts.
 */
export function createStopCondition(rule: StopRule, kind: Requests['kind']): StopCondition {
  let parts: Part[] = [];
  let stopped: { readonly since: number; readonly reason: string } | undefined;
  return {
    tally(tally) {
      const from = kind === 'own' ? Math.floor(tally.to / SECOND) * SECOND : tally.from;
      const to = kind === 'own' ? from + SECOND : tally.to;
      let part = parts.findLast((known) => known.from === from && known.to === to);
      if (part === undefined) {
        part = { from, to, good: 0, bad: 0, firstBad: Number.POSITIVE_INFINITY };
        const index = parts.findLastIndex((known) => known.to <= to) + 1;
        parts.splice(index, 0, part);
      }
      part.good += tally.good;
      part.bad += tally.bad;
      if (tally.bad > 0) part.firstBad = Math.min(part.firstBad, kind === 'own' ? tally.to : tally.from);
    },
    decide(now) {
      if (stopped !== undefined) return stopped;
      const over = parts.filter(({ to }) => to <= now);
      // Until when the share is known: counts of the time after their last window are still to come.
      const until = kind === 'own' ? Math.floor(now / SECOND) * SECOND : (over.at(-1)?.to ?? 0);
      const run = lowRun(over, rule);
      if (run !== undefined && until - run.since >= rule.lasts) {
        stopped = { since: run.since, reason: reasonOf(run, until, rule) };
      }
      // A part matters as long as it can be in a run, or in the share of one; a longer run has said stop.
      parts = parts.filter(
        ({ to }) => to > now - 3 * rule.lasts - 10 * SECOND || to > (run?.since ?? now) - rule.lasts,
      );
      return stopped;
    },
  };
}

interface Run {
  readonly since: number;
  readonly good: number;
  readonly bad: number;
}

/** The last parts that are below the limit, up to one that is not; undefined if there is none. */
function lowRun(parts: readonly Part[], rule: StopRule): Run | undefined {
  let run: Run | undefined;
  for (const [index, part] of parts.entries()) {
    const share = shareUntil(parts, index, rule);
    if (share === undefined) {
      if (run !== undefined) run = { ...run, good: run.good + part.good, bad: run.bad + part.bad };
    } else if (share >= rule.below) run = undefined;
    else {
      const since = run?.since ?? (part.firstBad === Number.POSITIVE_INFINITY ? part.from : part.firstBad);
      run = { since, good: (run?.good ?? 0) + part.good, bad: (run?.bad ?? 0) + part.bad };
    }
  }
  return run;
}

/** The share of good ones of the shortest time that ends with this part and has enough requests; undefined if there is none. */
function shareUntil(parts: readonly Part[], index: number, rule: StopRule): number | undefined {
  const last = parts[index];
  if (last === undefined || last.good + last.bad === 0) return undefined;
  let [good, bad] = [0, 0];
  for (let at = index; at >= 0; at -= 1) {
    const part = parts[at];
    if (part === undefined || part.to <= last.to - rule.lasts) break;
    good += part.good;
    bad += part.bad;
    if (good + bad >= rule.least) return good / (good + bad);
  }
  return undefined;
}

function reasonOf({ since, good, bad }: Run, until: number, rule: StopRule): string {
  const time = formatDuration(Math.round((until - since) / SECOND) * SECOND);
  return `${count(bad)} of ${count(good + bad)} requests failed in ${time}: success was ${percent(good / (good + bad))}, below ${percent(rule.below)}`;
}

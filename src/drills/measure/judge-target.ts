import { formatDuration } from '../../core/duration.ts';
import { count, duration, percent } from '../../core/wording.ts';
import type { Moment } from '../ports.ts';
import type { Measured } from './measured.ts';
import { ENOUGH } from './recovery.ts';
import type { Target, TargetResult } from './targets.ts';

/** What was seen of one fault. Times in milliseconds since the Unix epoch. */
export interface Seen {
  /** Undefined where there were no requests to measure by. */
  readonly measured: Measured | undefined;
  readonly moments: readonly Moment[];
  /** The kinds of responders that were watched: `alert`. What nobody watched is missing, also where it must never happen. */
  readonly watched: ReadonlySet<string>;
  readonly injectedAt: number;
  readonly removedAt: number;
  readonly endedAt: number;
}

type Judged = Omit<TargetResult, 'target'>;

/**
 * Judges one target. What is missing never passes: where nothing is known of a part of the time, or there were too few requests, a target
 * of requests can fail, but not pass.
 *
 * - `scale-up` counts from where the load crossed the autoscaler's target (else from the injection) until the new pods were ready.
 * - `ejection` and `alert` count from the injection to the first host that was ejected, and to the alert's firing.
 */
export function judgeTarget(target: Target, seen: Seen): TargetResult {
  return { target: target.text, ...judged(target, seen) };
}

function judged(target: Target, seen: Seen): Judged {
  switch (target.kind) {
    case 'scale-up':
      return judgeScaleUp(target.most, seen);
    case 'ejection':
      return judgeEjection(target.most, seen);
    case 'alert':
      return judgeAlert(target, seen);
  }
  const { measured } = seen;
  if (measured === undefined) return missing('no request was counted');
  switch (target.kind) {
    case 'success':
      return ofRequests(measured, measured.success >= target.least, shareText(measured.success));
    case 'lowest success':
      return ofRequests(measured, measured.lowestSuccess >= target.least, shareText(measured.lowestSuccess));
    case 'lost requests':
      return whole(measured, measured.lost <= target.most, lostText(measured));
    case 'lost share':
      return ofRequests(measured, measured.lost / measured.requests <= target.most, lostText(measured));
    case 'below target':
      return whole(measured, measured.belowTarget <= target.most, timeText(measured.belowTarget));
    case 'recovery':
    case 'recovery from injection':
      return judgeRecovery(target, measured, seen);
    case 'latency': {
      const took = measured.latency[target.when]?.[target.of];
      if (took === undefined) return missing(`no time of an answer is known ${target.when} the fault`);
      return ofRequests(measured, took <= target.most, timeText(took));
    }
  }
}

/** A figure that says something only of enough requests. */
function ofRequests(measured: Measured, met: boolean, text: string): Judged {
  if (measured.requests >= ENOUGH) return whole(measured, met, text);
  return missing(`${count(measured.requests)} requests are too few to tell; it takes ${ENOUGH}`);
}

/** A figure of the whole time: while a part of it is not known, it can only be worse. */
function whole({ gaps }: Measured, met: boolean, text: string): Judged {
  if (!met) return { state: 'failed', sentence: text };
  if (gaps.length === 0) return { state: 'passed', sentence: text };
  const unknown = gaps.reduce((sum, { from, to }) => sum + to - from, 0);
  return missing(`${text}, but nothing is known of ${timeText(unknown)}`);
}

function judgeRecovery(target: Target & { kind: string; most: number }, measured: Measured, seen: Seen): Judged {
  const fromRemoval = target.kind === 'recovery';
  if (measured.recovery !== undefined) {
    const took = fromRemoval ? measured.recovery.fromRemoval : measured.recovery.fromInjection;
    return { state: took <= target.most ? 'passed' : 'failed', sentence: timeText(took) };
  }
  const begin = fromRemoval ? seen.removedAt : seen.injectedAt;
  const below = measured.lastBelow === undefined ? 0 : measured.lastBelow - begin;
  if (below > target.most) return { state: 'failed', sentence: `still below the target after ${timeText(below)}` };
  if (measured.gaps.length > 0) return missing('nothing is known of a time in which it may have been below the target');
  return missing('it was not watched for long enough after it was below the target');
}

function judgeScaleUp(most: number, seen: Seen): Judged {
  const moments = after(seen, 'autoscaler');
  const unknown = unwatched('autoscaler', moments, seen);
  if (unknown !== undefined) return unknown;
  const crossed = moments.find(({ state }) => state === 'crossed');
  const begin = crossed?.at ?? seen.injectedAt;
  const ready = moments.find(({ state, at }) => state === 'ready' && at >= begin);
  if (ready !== undefined) return inTime(ready.at - begin, most, 'the new pods were ready after');
  if (moments.length === 0) return missing('the autoscaler was not asked for more: the load never crossed its target');
  return notSeen(begin, most, seen, 'no new pod was ready within');
}

function judgeEjection(most: number, seen: Seen): Judged {
  const moments = after(seen, 'outlier-ejection');
  const unknown = unwatched('outlier-ejection', moments, seen);
  if (unknown !== undefined) return unknown;
  const opened = moments.find(({ state }) => state === 'opened');
  if (opened !== undefined) return inTime(opened.at - seen.injectedAt, most, 'the first host was ejected after');
  return notSeen(seen.injectedAt, most, seen, 'no host was ejected within');
}

function judgeAlert({ name, most }: { name: string; most: number | undefined }, seen: Seen): Judged {
  const mine = seen.moments.filter(({ kind, about }) => kind === 'alert' && (about === undefined || about === name));
  const unknown = unwatched('alert', mine, seen);
  if (unknown !== undefined) return unknown;
  const named = mine.filter(({ about }) => about === name).toSorted((a, b) => a.at - b.at);
  const before = named.findLast(({ at }) => at < seen.injectedAt);
  if (before?.state === 'firing') return missing('it fired before the fault was injected');
  const fired = named.find(({ state, at }) => state === 'firing' && at >= seen.injectedAt && at <= seen.endedAt);
  if (most === undefined) {
    if (fired === undefined) return { state: 'passed', sentence: 'it did not fire' };
    return { state: 'failed', sentence: `it fired after ${timeText(fired.at - seen.injectedAt)}` };
  }
  if (fired !== undefined) return inTime(fired.at - seen.injectedAt, most, 'it fired after');
  return notSeen(seen.injectedAt, most, seen, 'it did not fire within');
}

/** The moments of a kind since the injection, in order. */
function after({ moments, injectedAt, endedAt }: Seen, kind: string): readonly Moment[] {
  const mine = moments.filter((moment) => moment.kind === kind && moment.at >= injectedAt && moment.at <= endedAt);
  return mine.toSorted((a, b) => a.at - b.at);
}

function unwatched(kind: string, moments: readonly Moment[], { watched }: Seen): Judged | undefined {
  if (!watched.has(kind)) return missing(`no ${kind} was watched`);
  const gone = moments.find(({ state }) => state === 'missing');
  return gone === undefined ? undefined : missing(gone.text);
}

function inTime(took: number, most: number, text: string): Judged {
  return { state: took <= most ? 'passed' : 'failed', sentence: `${text} ${timeText(took)}` };
}

/** What has not happened: too late only if it was watched for as long as it may take. */
function notSeen(begin: number, most: number, { endedAt }: Seen, text: string): Judged {
  const watched = endedAt - begin;
  if (watched >= most) return { state: 'failed', sentence: `${text} ${timeText(watched)}` };
  return missing(`${text} the ${timeText(watched)} that it was watched, of ${formatDuration(most)}`);
}

function missing(sentence: string): Judged {
  return { state: 'missing', sentence };
}

/** `98.963 %`: rounded down, so that a share below its limit never reads as the limit. */
function shareText(share: number): string {
  return `${Number((Math.floor(share * 1e5 + 1e-6) / 1e3).toFixed(3))} %`;
}

function lostText({ lost, requests }: Measured): string {
  return `${count(lost)} of ${count(requests)} requests (${percent(lost / requests)})`;
}

function timeText(milliseconds: number): string {
  return duration(milliseconds / 1_000);
}

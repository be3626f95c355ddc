import { parseDuration } from '../../core/duration.ts';
import { SluiceError } from '../../core/errors.ts';
import { excerpt } from '../../core/text.ts';
import type { Latency } from './measured.ts';

/** How one target was met. `missing`: what it needs was not measured. */
export interface TargetResult {
  /** As the inputs say it: `recovery <= 30s`. */
  readonly target: string;
  readonly state: 'passed' | 'failed' | 'missing';
  /** What was measured, in a sentence without a full stop: `12.3 s`. */
  readonly sentence: string;
}

/** What is asked of the service under a fault. Times in milliseconds, shares from 0 to 1. */
export type Target = { readonly text: string } & (
  | { readonly kind: 'success'; readonly least: number }
  | { readonly kind: 'lowest success'; readonly least: number }
  | { readonly kind: 'recovery' | 'recovery from injection' | 'below target'; readonly most: number }
  | { readonly kind: 'lost requests' | 'lost share'; readonly most: number }
  | { readonly kind: 'latency'; readonly of: keyof Latency; readonly when: 'during' | 'after'; readonly most: number }
  | { readonly kind: 'scale-up' | 'ejection'; readonly most: number }
  /** `most` undefined: it must never fire. */
  | { readonly kind: 'alert'; readonly name: string; readonly most: number | undefined }
);

/** What is asked where the inputs ask for nothing. */
export const USUAL_TARGETS = 'success >= 99%\nrecovery <= 60s';

const FORMS = [
  'success >= 99%',
  'lowest success >= 90%',
  'recovery <= 30s',
  'recovery from injection <= 60s',
  'lost <= 20',
  'lost <= 0.5%',
  'below target <= 10s',
  'p95 <= 500ms',
  'p99 after <= 1s',
  'scale-up <= 60s',
  'ejection <= 10s',
  'alert HighErrorRate <= 2m',
  'alert HighErrorRate never',
];

/** The most targets, and the longest line of one. */
const [MOST, LONGEST] = [50, 200];

/** A part of a line: the words before the sign, the sign, and the limit. */
const comparison = /^([^<>=]+)(<=|>=)([^<>=]+)$/;
const shareForm = /^(\d{1,3}(?:\.\d{1,6})?)%$/;
const countForm = /^\d{1,12}$/;

/**
 * Reads the input `targets`: one a line. Without a line, the usual ones.
 *
 * @throws SluiceError `invalid-input` that names every wrong line and the allowed forms
 */
export function parseTargets(text: string): readonly Target[] {
  const targets: Target[] = [];
  const problems: string[] = [];
  const lines = (text.trim() === '' ? USUAL_TARGETS : text).split('\n');
  for (const [index, line] of lines.entries()) {
    const given = line.trim().replaceAll(/\s+/g, ' ');
    if (given === '') continue;
    const target = given.length > LONGEST ? `is longer than ${LONGEST} characters` : targetOf(given);
    const twice = typeof target !== 'string' && targets.some((other) => subjectOf(other) === subjectOf(target));
    if (typeof target === 'string') problems.push(`line ${index + 1} ("${excerpt(given, 60)}") ${target}`);
    else if (twice) problems.push(`line ${index + 1} ("${excerpt(given, 60)}") asks again for ${subjectOf(target)}`);
    else targets.push(target);
    if (targets.length + problems.length > MOST) {
      problems.push(`it has more than ${MOST} lines`);
      break;
    }
  }
  if (problems.length === 0) return targets;
  throw new SluiceError('invalid-input', {
    about: 'input "targets"',
    problem: `${problems.slice(0, 5).join('; ')}.`,
    next: `Write one target a line, of these forms: ${FORMS.map((form) => `"${form}"`).join(', ')}.`,
  });
}

/** The share of good requests from which on the service counts as good: that of the target `success`, else 99 %. */
export function successTarget(targets: readonly Target[]): number {
  const [least] = targets.flatMap((target) => (target.kind === 'success' ? [target.least] : []));
  return least ?? 0.99;
}

/** What a target is about: two of the same would contradict each other, or one would be idle. */
function subjectOf(target: Target): string {
  if (target.kind === 'latency') return `${target.of} ${target.when}`;
  if (target.kind === 'alert') return `alert ${target.name}`;
  return target.kind;
}

/** The target of a line, or what is wrong with it. */
function targetOf(text: string): Target | string {
  const never = /^alert (\S+) never$/.exec(text)?.[1];
  if (never !== undefined) return { text, kind: 'alert', name: never, most: undefined };
  const [subject, sign, limit] = (comparison.exec(text)?.slice(1) ?? []).map((part) => part.trim());
  if (subject === undefined || limit === undefined) return 'is no subject with <= or >= and a limit';
  const wanted = subject === 'success' || subject === 'lowest success' ? '>=' : '<=';
  const target = limitOf(text, subject, limit);
  if (typeof target !== 'string' && sign !== wanted) return `needs ${wanted} instead of ${sign}`;
  return target;
}

function limitOf(text: string, subject: string, limit: string): Target | string {
  if (subject === 'success' || subject === 'lowest success') {
    const least = shareOf(limit);
    return least === undefined ? NO_SHARE : { text, kind: subject, least };
  }
  if (subject === 'lost') return lostOf(text, limit);
  const timed = timedOf(subject);
  if (timed === undefined) return `has the unknown subject "${excerpt(subject, 40)}"`;
  const most = parseDuration(limit);
  return most === undefined ? 'needs a duration such as 500ms, 30s or 2m as its limit' : { text, ...timed, most };
}

const NO_SHARE = 'needs a share from 0% to 100% as its limit, with the sign %';

function lostOf(text: string, limit: string): Target | string {
  if (countForm.test(limit)) return { text, kind: 'lost requests', most: Number(limit) };
  const most = shareOf(limit);
  if (most !== undefined) return { text, kind: 'lost share', most };
  return 'needs a number of requests such as 20 or a share such as 0.5% as its limit';
}

const latencyForm = /^(p50|p95|p99)(?: (during|after))?$/;

/** The subjects whose limit is a time, as all of their target but that. */
function timedOf(subject: string) {
  switch (subject) {
    case 'recovery':
    case 'recovery from removal':
      return { kind: 'recovery' } as const;
    case 'recovery from injection':
    case 'below target':
    case 'scale-up':
    case 'ejection':
      return { kind: subject } as const;
  }
  const latency = latencyForm.exec(subject);
  if (latency !== null) {
    const of = latency[1] === 'p50' ? 'p50' : latency[1] === 'p95' ? 'p95' : 'p99';
    return { kind: 'latency', of, when: latency[2] === 'after' ? 'after' : 'during' } as const;
  }
  const name = /^alert (\S+)$/.exec(subject)?.[1];
  return name === undefined ? undefined : ({ kind: 'alert', name } as const);
}

/** A share from 0 to 1. Of `99.9%` exactly the number that 999 of 1,000 are, which a division by 100 would miss. */
export function shareOf(limit: string): number | undefined {
  const value = Number(shareForm.exec(limit)?.[1]);
  return value >= 0 && value <= 100 ? Number((value / 100).toFixed(10)) : undefined;
}

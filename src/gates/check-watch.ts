import type { Clock } from '../core/clock.ts';
import { deadline } from '../core/deadline.ts';
import { formatDuration } from '../core/duration.ts';
import { type ErrorCode, isSluiceError, reasonOf } from '../core/errors.ts';
import type { Look, LookRule, RuleFinding, Window } from '../judge/looks/look.ts';
import type { CheckOutcome, EmitGate } from './events.ts';
import type { Source } from './ports.ts';

/** Milliseconds for one look of a source, with all that it asks. */
const LOOK_DEADLINE = 30_000;

/** One check that is looked at again and again. */
export interface WatchedCheck {
  /** Unique among the checks. */
  readonly name: string;
  readonly source: Source;
  readonly rule: LookRule;
  /** What the look is compared with: another source at the same time, or the same source so many milliseconds before. */
  readonly reference?: { readonly source: Source } | { readonly before: number };
  /** Milliseconds that the first look covers. */
  readonly window: number;
}

/** One check of a gate. */
export interface GateCheck extends WatchedCheck {
  /** A check that only warns does not count for the verdict. */
  readonly onBreach: 'fail' | 'warn';
  readonly key: boolean;
  readonly weight: number;
  readonly group?: string;
}

/** Looks at one check again and again. */
export interface CheckWatch {
  readonly outcome: CheckOutcome;
  /** True once a look has brought data. */
  readonly hasLooked: boolean;
  /** The end of the time that was looked at, milliseconds since the Unix epoch; undefined before there were data. */
  readonly seenUntil: number | undefined;
  look(signal: AbortSignal): Promise<void>;
}

interface WatchOptions {
  /** Milliseconds that data may be missing in a row before the check is undecided for good. */
  readonly noDataPatience: number;
  /** Milliseconds since the Unix epoch: what came before does not count. By default, the first look covers the check's window. */
  readonly since?: number;
}

export function createCheckWatch(
  check: WatchedCheck,
  { clock, emit }: { readonly clock: Clock; readonly emit: EmitGate },
  { noDataPatience, since }: WatchOptions,
): CheckWatch {
  const { name, source, rule } = check;
  let isReady = false;
  let lastData = clock.now();
  /** The end of the last window that was counted: the next one begins there. */
  let counted: number | undefined;
  let final: CheckOutcome | undefined;
  let told: string | undefined;
  let hasLooked = false;
  const notes = new Set<string>();

  /** @param lasts asking again would not change it */
  function tellMissing(reason: string, lasts: boolean): void {
    const now = clock.now();
    if (reason !== told) emit({ type: 'no-data', at: now, check: name, reason, since: lastData });
    told = reason;
    if (!lasts && now - lastData < noDataPatience) return;
    const found = outcomeOf(name, rule.finding());
    const missing = formatDuration(Math.round((now - lastData) / 1_000) * 1_000);
    const sentence = lasts ? found.sentence : `${found.sentence.replace(/\.$/, '')}; without data for ${missing}`;
    final ??= { ...found, state: 'undecided', lacks: 'data', sentence, isFinal: true };
  }

  function tellNotes(looks: readonly (Look | undefined)[], at: number): void {
    for (const note of looks.flatMap((look) => look?.notes ?? [])) {
      if (!notes.has(note)) emit({ type: 'warning', at, message: `${name}: ${note}` });
      notes.add(note);
    }
  }

  async function ask(window: Window, signal: AbortSignal): Promise<{ look: Look; reference: Look | undefined }> {
    using limit = deadline(
      clock,
      LOOK_DEADLINE,
      () => new Error(`it did not answer within ${LOOK_DEADLINE / 1_000} s`),
      signal,
    );
    if (!isReady) {
      const { evidence, warnings = [] } = await source.preflight(limit.signal);
      if (check.reference && 'source' in check.reference) await check.reference.source.preflight(limit.signal);
      isReady = true;
      emit({ type: 'ready', at: clock.now(), check: name, evidence });
      for (const message of warnings) emit({ type: 'warning', at: clock.now(), message: `${name}: ${message}` });
    }
    const [look, reference] = await Promise.all([
      source.look(window, limit.signal),
      check.reference && lookAtReference(check.reference, source, window, limit.signal),
    ]);
    return { look, reference };
  }

  return {
    get outcome() {
      return final ?? outcomeOf(name, rule.finding());
    },
    get hasLooked() {
      return hasLooked;
    },
    get seenUntil() {
      return counted;
    },
    async look(signal) {
      if (final) return;
      const to = clock.now() - source.lag;
      const window = { from: counted ?? Math.max(to - check.window, since ?? Number.NEGATIVE_INFINITY), to };
      if (since !== undefined && window.from >= to) return;
      try {
        const { look, reference } = await ask(window, signal);
        const now = clock.now();
        tellNotes([look, reference], now);
        rule.add(look, reference, now);
        const outcome = outcomeOf(name, rule.finding());
        if (outcome.state === 'failed') final = { ...outcome, isFinal: true };
        else if (outcome.lacks === 'data') return tellMissing(outcome.sentence, false);
        // A window that was not counted is a part of the next one.
        counted = to;
        lastData = now;
        told = undefined;
        hasLooked = true;
        emit({ type: 'looked', at: now, outcome: final ?? outcome });
      } catch (error) {
        signal.throwIfAborted();
        const reason = reasonOf(error);
        rule.add({ kind: 'missing', reason }, undefined, clock.now());
        tellMissing(reason, isLasting(error));
      }
    },
  };
}

/** Failures that asking again does not change. */
const lasting: readonly ErrorCode[] = ['invalid-input', 'forbidden', 'unsupported'];

function isLasting(error: unknown): boolean {
  return isSluiceError(error) && lasting.includes(error.code);
}

function lookAtReference(
  reference: NonNullable<WatchedCheck['reference']>,
  source: Source,
  { from, to }: Window,
  signal: AbortSignal,
): Promise<Look> {
  if ('source' in reference) return reference.source.look({ from, to }, signal);
  return source.look({ from: from - reference.before, to: to - reference.before }, signal);
}

const states = { breach: 'failed', healthy: 'passed', unknown: 'undecided' } as const;

function outcomeOf(check: string, { state, warning, ...finding }: RuleFinding): CheckOutcome {
  return { ...finding, check, state: warning && state === 'healthy' ? 'warning' : states[state], isFinal: false };
}

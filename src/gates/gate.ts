import type { Clock } from '../core/clock.ts';
import { type CheckWatch, createCheckWatch, type GateCheck } from './check-watch.ts';
import type { EmitGate, GateOutcome } from './events.ts';
import { type CheckState, compose, type Requirement, type Vote } from './verdict.ts';

export interface GateWorld {
  readonly checks: readonly GateCheck[];
  readonly clock: Clock;
  readonly emit: EmitGate;
}

export interface GateOptions {
  readonly requirement: Requirement;
  /** Milliseconds to watch; 0 for one look at each check. */
  readonly watch: number;
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** Milliseconds that data may be missing in a row before a check is undecided for good. */
  readonly noDataPatience: number;
}

/**
 * Answers whether to go on: looks at all checks side by side until the time is over, or until nothing that may still be seen
 * changes the verdict. One look is over as soon as each check has been answered.
 *
 * @throws the signal's reason when it aborts
 */
export async function gate(world: GateWorld, options: GateOptions, signal: AbortSignal): Promise<GateOutcome> {
  const { checks, clock, emit } = world;
  const begun = clock.now();
  emit({
    type: 'started',
    at: begun,
    watch: options.watch,
    checks: checks.map(({ name, source: { kind, asked } }) => ({ check: name, kind, asked })),
  });
  const watches = checks.map((check) => ({ check, watch: createCheckWatch(check, { clock, emit }, options) }));
  const decided = new AbortController();
  const during = AbortSignal.any([signal, decided.signal]);
  await Promise.all(watches.map(({ watch }) => followCheck(watch)));
  signal.throwIfAborted();
  const outcome = conclude(watches, options);
  emit({ type: 'ended', at: clock.now(), outcome });
  return outcome;

  async function followCheck(watch: CheckWatch): Promise<void> {
    while (!during.aborted) {
      const looked = clock.now();
      await watch.look(during).catch((error: unknown) => {
        if (!during.aborted) throw error;
      });
      if (isDecided(watches, options.requirement)) decided.abort();
      const timeIsOver = clock.now() - begun >= options.watch;
      if (watch.outcome.isFinal || (timeIsOver && (options.watch > 0 || watch.hasLooked))) return;
      // The last look comes at the end of the time.
      const left = options.watch - (clock.now() - begun);
      // A look that sends requests takes its time, which is a part of the interval.
      const rest = Math.max(0, options.interval - (clock.now() - looked));
      const pause = left > 0 ? Math.min(rest, left) : rest;
      await clock.sleep(pause, during).catch(() => undefined);
    }
  }
}

type Watches = readonly { readonly check: GateCheck; readonly watch: CheckWatch }[];

/** Nothing that may still be seen lets the gate pass. */
function isDecided(watches: Watches, requirement: Requirement): boolean {
  const best = votesOf(watches, ({ state, isFinal }) => (isFinal ? state : 'passed'));
  return compose(best, requirement).verdict !== 'passed';
}

function conclude(watches: Watches, { requirement }: GateOptions): GateOutcome {
  const checks = watches.map(({ watch }) => watch.outcome);
  const composed = compose(
    votesOf(watches, ({ state }) => state),
    requirement,
  );
  const voting = watches.filter(({ check }) => check.onBreach === 'fail');
  const counting = voting.map(({ watch }) => watch.outcome);
  const deciding = counting.filter(
    ({ state }) => state === composed.verdict || (composed.warning && state === 'warning'),
  );
  const lacks = composed.verdict === 'undecided' ? deciding.flatMap((outcome) => outcome.lacks ?? [])[0] : undefined;
  return {
    ...composed,
    ...(lacks && { lacks }),
    reason: `${reasonOf(composed, deciding, counting.length)}${withoutUsers(voting, composed.verdict)}`,
    checks,
  };
}

/** Says where nothing that users did was judged. */
function withoutUsers(voting: Watches, verdict: GateOutcome['verdict']): string {
  const isOwn = voting.length > 0 && voting.every(({ check }) => check.source.kind === 'load');
  return isOwn && verdict !== 'undecided' ? '; judged by own requests alone' : '';
}

function votesOf(watches: Watches, stateOf: (outcome: CheckWatch['outcome']) => CheckState): Vote[] {
  return watches
    .filter(({ check }) => check.onBreach === 'fail')
    .map(({ check: { weight, key, group }, watch }) => ({ weight, key, group, state: stateOf(watch.outcome) }));
}

/** Checks that a reason names. */
const MOST_NAMED = 3;

function reasonOf(
  { verdict, warning, score }: Pick<GateOutcome, 'verdict' | 'warning' | 'score'>,
  deciding: readonly CheckWatch['outcome'][],
  all: number,
): string {
  const scored = score ? `score ${scoreText(score)}; ` : '';
  if (verdict === 'passed' && !warning) return `${scored}${deciding.length} of ${all} checks passed`;
  const named = deciding.slice(0, MOST_NAMED).map(({ check, sentence }) => `${check}: ${sentence}`);
  const more = deciding.length > MOST_NAMED ? `; and ${deciding.length - MOST_NAMED} more` : '';
  return `${scored}${named.join('; ')}${more}`;
}

function scoreText({ least, most }: NonNullable<GateOutcome['score']>): string {
  const one = (value: number) => `${Math.round(value * 10) / 10}`;
  return least === most ? `${one(least)} %` : `between ${one(least)} and ${one(most)} %`;
}

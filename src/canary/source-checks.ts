import { type CheckWatch, createCheckWatch } from '../gates/check-watch.ts';
import type { GateEvent } from '../gates/events.ts';
import type { Opinion } from '../judge/types.ts';
import type { Situation } from './observe-metrics.ts';
import { type SourceCheck, type World, warn } from './world.ts';

/** Milliseconds between two looks: as often as the meter's, within these. */
const INTERVAL = { least: 2_000, most: 15_000 } as const;

/** The checks that ask something else than the meter. They look from the canary's first request on. */
export interface SourceChecks {
  /** Milliseconds between two looks. */
  readonly interval: number;
  opinions(): Opinion[];
  /** A look of each check. What they say of the canary has no meaning once it gets no requests. */
  readonly looks: readonly ((situation: Situation, signal: AbortSignal) => Promise<void>)[];
  /** The canary gets another weight: no check counts as looked at until it has seen a time since then. */
  enter(): void;
}

export function createSourceChecks(world: World): SourceChecks {
  const { clock, emit, meter } = world;
  let watched: readonly (SourceCheck & { readonly watch: CheckWatch })[] = [];
  let entered = clock.now();

  function tell(event: GateEvent): void {
    if (event.type === 'warning') warn(world, event.message);
    if (event.type === 'no-data') warn(world, `${event.check} has no data: ${event.reason}`);
  }

  return {
    interval: Math.min(INTERVAL.most, Math.max(INTERVAL.least, meter.interval)),
    opinions: () => watched.map((one) => opinionOf(one, entered)),
    looks: world.judge.checks.map((_, index) => async ({ weight, stopped, promoted }, signal) => {
      const one = watched[index];
      if (!one || stopped || promoted) return;
      await one.watch.look(signal);
      emit({ type: 'looked', at: clock.now(), weight, opinion: opinionOf(one, entered) });
    }),
    enter() {
      entered = clock.now();
      if (watched.length > 0) return;
      const options = { noDataPatience: Number.POSITIVE_INFINITY, since: entered };
      const begin = (check: SourceCheck) => createCheckWatch(check, { clock, emit: tell }, options);
      watched = world.judge.checks.map((check) => ({ ...check, watch: begin(check) }));
    },
  };
}

const states = { failed: 'breach', passed: 'healthy', warning: 'healthy', undecided: 'unknown' } as const;

function opinionOf(
  { watch, onBreach }: { readonly watch: CheckWatch; readonly onBreach: Opinion['onBreach'] },
  entered: number,
): Opinion {
  const { check, progress, figures, lacks, sentence, ...outcome } = watch.outcome;
  const said = { check, onBreach, progress, figures };
  const state = states[outcome.state];
  const isSeen = watch.seenUntil !== undefined && watch.seenUntil >= entered;
  if (state === 'breach' || (isSeen && lacks !== 'data')) return { ...said, state, sentence };
  const missing = lacks === 'data' ? sentence : 'not looked at since the weight has changed';
  return { ...said, state: 'unknown', missing, sentence: missing };
}

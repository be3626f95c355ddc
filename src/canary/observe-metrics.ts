import { never } from '../core/abort.ts';
import { deadline } from '../core/deadline.ts';
import { merge } from '../judge/counters.ts';
import type { Counts, Interval, Opinion, Tallies, Tally } from '../judge/types.ts';
import type { IntervalJudged } from './events.ts';
import type { Requests } from './observation/requests.ts';
import { bestMoment } from './observation/scrape-timing.ts';
import type { RolloutOptions } from './options.ts';
import { type World, warn } from './world.ts';

/** Milliseconds for one more look at the metrics at the end, so that the report includes the last requests. */
const FINAL_LOOK = 2_000;

/** The most milliseconds until Prometheus learns of new pods (its discovery manager's `updatert`). */
const DISCOVERY = 5_000;

/** After this many looks at the metrics, a known pod has surely been measured: two scrapes. */
const LOOKS_UNTIL_MEASURED = 8;

/** Milliseconds between two checks whether the canary has been measured meanwhile. */
const UNSEEN_PAUSE = 200;

/** What a look at the metrics needs to know of the rollout. */
export interface Situation {
  readonly weight: number;
  /** Nothing is judged any more. */
  readonly stopped: boolean;
  /** The stable arm has the new version. */
  readonly promoted: boolean;
  opinions(): readonly Opinion[];
  /** Milliseconds until the step's longest time is over. */
  readonly timeLeft: number;
  readonly waitingFor: IntervalJudged['waitingFor'];
}

/** Looks at the metrics, and passes the results to the judge and to `emit`. */
export interface MetricsWatch {
  look(signal: AbortSignal): Promise<void>;
  tellNoData(reason: string): void;
  /** Resolves when the first reading has arrived. */
  readonly baseline: Promise<void>;
}

export function createMetricsWatch(
  world: World,
  requests: Requests,
  { noDataPatience: patience }: Pick<RolloutOptions, 'noDataPatience'>,
  situation: () => Situation,
): MetricsWatch {
  const { meter, clock, emit } = world;
  const { panel } = world.judge;
  const baseline = Promise.withResolvers<void>();
  const told = new Set<string>();

  function tellOnce(problem: string): void {
    if (!told.has(problem)) warn(world, problem);
    told.add(problem);
  }

  function tellNoData(reason: string): void {
    const { weight } = situation();
    emit({ type: 'no-data', at: clock.now(), weight, reason, since: requests.lastReading, patience });
  }

  async function look(signal: AbortSignal): Promise<void> {
    const reading = await meter.read(signal);
    const taken = requests.take(reading);
    for (const problem of [...(taken.counted?.problems ?? []), ...(reading.warnings ?? [])]) tellOnce(problem);
    const now = clock.now();
    const news = requests.newsOf(taken, now);
    const { stopped, promoted, weight } = situation();
    if (news.kind === 'early') return;
    if (news.kind === 'silence') {
      if (!stopped) tellNoData(news.reason);
      return;
    }
    const total = totalOf(requests);
    world.counted({ ...total, canaryUnmeasured: requests.facts(now).canaryUnmeasured });
    if (stopped) return;
    if (news.kind === 'baseline') {
      baseline.resolve();
      return;
    }
    const { interval } = news;
    panel.add(promoted ? asOneArm(interval) : interval);
    if (promoted) return;
    const { timeLeft, waitingFor, ...judged } = situation();
    emit({
      type: 'interval',
      at: now,
      weight,
      interval: talliesOf(interval),
      total,
      opinions: judged.opinions(),
      timeLeft,
      ...(waitingFor && { waitingFor }),
    });
  }

  return { look, tellNoData, baseline: baseline.promise };
}

/** Waits for the best moment for the canary's first requests, if the meter knows when the canary is measured. */
export async function awaitBestMoment(world: World, requests: Requests, signal: AbortSignal): Promise<void> {
  const { clock, meter } = world;
  const giveUp = clock.now() + LOOKS_UNTIL_MEASURED * meter.interval + DISCOVERY;
  while (requests.due?.canary.length === 0) {
    if (clock.now() > giveUp) {
      warn(world, 'The metrics do not show the canary’s pods yet: until they do, nobody sees how its requests end.');
      return;
    }
    await clock.sleep(UNSEEN_PAUSE, signal);
  }
  const now = clock.now();
  if (requests.due) await clock.sleep(bestMoment(requests.due, now) - now, signal);
}

/** The counts since the first reading, with one last look. */
export async function lookLast({ meter, clock }: World, requests: Requests): Promise<Tallies> {
  using limit = deadline(clock, FINAL_LOOK, () => new Error('the last look took too long'), never());
  try {
    requests.finish(await meter.read(limit.signal));
  } catch {
    // If the last look fails, the earlier figures are reported.
  }
  return totalOf(requests);
}

/** The counts of both arms as requests of the new version: at this weight there is no other version. */
function asOneArm(interval: Interval): Interval {
  const none: Counts = { requests: 0, errors: 0, within: new Map() };
  const { stable, canary } = interval;
  return merge({ ...interval, stable: none, canary }, { ...interval, stable: none, canary: stable });
}

const nothing: Tally = { requests: 0, errors: 0 };

/** The counts since the first reading. */
export function totalOf(requests: Requests): Tallies {
  const total = requests.total();
  return total ? talliesOf(total) : { stable: nothing, canary: nothing };
}

function talliesOf({ stable, canary }: { stable: Counts; canary: Counts }): Tallies {
  return { stable: tallyOf(stable), canary: tallyOf(canary) };
}

function tallyOf({ requests, errors }: Counts): Tally {
  return { requests, errors };
}

import { orAborted } from '../core/abort.ts';
import { deadline } from '../core/deadline.ts';
import { messageOf } from '../core/errors.ts';
import { createTally, difference, merge, type Sample } from '../judge/counters.ts';
import type { Step } from '../judge/plan.ts';
import type { Gauge, Reading } from '../judge/readings.ts';
import type { Counts, Interval, OnBreach, Opinion } from '../judge/types.ts';
import { type Decision, decide, worstBreach } from './decide.ts';
import { Ending } from './ending.ts';
import type { IntervalJudged, Tallies, Tally } from './events.ts';
import { bestMoment, pauseUntilNews } from './exposure.ts';
import type { ArmHealth, ArmsSnapshot, PodProblem } from './ports.ts';
import { commandLines, type GaugeQueries, never, type RolloutOptions, type World, warn } from './session.ts';

/** What the health of the canary's pods, which is always judged, is called among the checks. */
export const POD_CHECK = 'pods';

/** Watches the canary from before the first shift to the end, whatever the rollout is busy with meanwhile. */
export interface Observer {
  /** Looks at metrics and pods until the signal aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when the first reading is there, from which everything is counted. */
  baseline(signal: AbortSignal): Promise<void>;
  /** Resolves at the best moment for the canary's first requests, as far as the meter knows when it is measured. */
  exposure(signal: AbortSignal): Promise<void>;
  /** From now on the canary gets this weight. */
  enter(weight: number): void;
  /** Resolves when the step is over. A breach does not reject this: it stops the whole rollout. */
  stay(step: Step, signal: AbortSignal): Promise<void>;
  /** A person lets the step that holds go on; before one does, the next one that will. */
  approve(): void;
  readonly waitsForApproval: boolean;
  /**
   * From now on the stable arm is the new version, and gets all requests: whichever arm answers, what it does is compared
   * with what the version before did last. Only a breach ends anything now, as the promotion is made.
   */
  promoted(): void;
  /** What is to be done is decided, whichever way: from now on requests are counted, and nothing is judged any more. */
  rest(): void;
  /** What was counted since the first reading, with one last look. */
  finalTallies(): Promise<Tallies>;
}

/** Milliseconds between two looks at the pods: they cost nothing, as the adapter is told of changes. */
const POD_INTERVAL = 200;

/** Milliseconds for one more look at the metrics when all is done, so that the report has the last requests too. */
const FINAL_LOOK = 2_000;

/** Milliseconds in which Prometheus is told of new pods, at the latest (its discovery manager's `updatert`). */
const DISCOVERY = 5_000;

/** Looks at the metrics in which a pod that is known is measured, surely: two scrapes. */
const LOOKS_UNTIL_MEASURED = 8;

/** Milliseconds between two questions whether the canary has been measured meanwhile. */
const UNSEEN_PAUSE = 200;

type Look = (signal: AbortSignal) => Promise<void>;

interface Stage {
  readonly step: Step;
  readonly begun: number;
  readonly over: () => void;
  waitsFor: Extract<Decision, { kind: 'wait' }>['until'];
}

/**
 * Every look ends in an evaluation, and an evaluation that finds a breach calls `stop` before it returns.
 */
export function createObserver(
  world: World,
  arms: ArmsSnapshot,
  options: RolloutOptions,
  stop: (ending: Ending) => void,
): Observer {
  const { meter, clock, emit } = world;
  const { panel, gauges, onPodProblem } = world.judge;
  const tally = createTally();
  const started = clock.now();
  const firstReading = Promise.withResolvers<void>();
  let first: Sample | undefined;
  let last: Sample | undefined;
  let weight = 0;
  let stage: Stage | undefined;
  let approved = false;
  let podOpinion: Opinion = unseenPods(onPodProblem);
  const told = new Set<string>();
  let podTrouble = '';
  let canaryUnmeasured = true;
  let stopped = false;
  let promoted = false;
  let lastReading = started;
  /** Milliseconds between the last two readings that brought something new: the source's own pace. */
  let cadence = meter.interval;
  let lastCanaryRequest = started;
  let due: Reading['due'];
  let noCounters: string | undefined;

  /** Nobody counts requests: that the pods were seen is all the news there is. */
  const uncounted = meter.kind === 'none';
  /** Canary requests that may be none of a user's, at most: now, and when the weight was entered. */
  let own = 0;
  let ownBefore = 0;

  const opinions = (): Opinion[] => [...panel.opinions(), podOpinion];

  function isSilent(now: number): boolean {
    return now - lastReading > 2 * cadence;
  }

  function evaluate(): void {
    if (stopped) return;
    const now = clock.now();
    const facts = {
      elapsed: stage ? now - stage.begun : 0,
      opinions: opinions(),
      canaryRequests: Math.max(0, panel.requests().canary - Math.max(0, own - ownBefore)),
      someOwn: own > ownBefore,
      sinceReading: now - lastReading,
      silent: isSilent(now),
      ...(noCounters !== undefined && { noCounters }),
      sinceCanaryRequest: now - lastCanaryRequest,
      canaryUnmeasured,
      ...(uncounted && { uncounted }),
      approved,
    };
    const breach = worstBreach(facts.opinions);
    if (promoted && !breach) return;
    // Between two steps only a breach or missing data can end anything.
    const decision = decide(stage?.step ?? endless(weight), facts, options);
    if (decision.kind === 'end') {
      if (breach) emit({ type: 'breach', at: now, weight, opinion: breach });
      stopped = true;
      stop(new Ending(decision.verdict, decision.reason, { breach: breach !== undefined }));
    } else if (stage && decision.kind === 'advance') {
      // One approval is for one hold.
      if (stage.step.hold) approved = false;
      stage.over();
      stage = undefined;
    } else if (stage && decision.kind === 'wait') {
      if (decision.until === 'approval' && stage.waitsFor !== 'approval') {
        emit({ type: 'holding', at: now, weight, commands: commandLines(world.ledger) });
      }
      stage.waitsFor = decision.until;
    }
  }

  async function lookAtMetrics(signal: AbortSignal): Promise<void> {
    const reading = await meter.read(signal);
    due = reading.due;
    canaryUnmeasured &&= reading.canary.length === 0;
    const taken = reading.partial ? undefined : tally.take(reading);
    for (const problem of [...(taken?.problems ?? []), ...(reading.warnings ?? [])]) tellOnce(problem);
    // A gauge of the canary says nothing any more once the canary gets no requests.
    if (!promoted) await Promise.all(gauges.map((queries) => lookAtGauge(queries, signal)));
    if (taken) noCounters = taken.unusable;
    if (noCounters !== undefined) {
      if (!stopped) noData(noCounters);
      return;
    }
    const now = clock.now();
    if (!taken?.fresh) {
      // Between two scrapes there is nothing new to be expected.
      if (!stopped && isSilent(now)) noData(taken ? 'the metrics show nothing new' : 'the answers are partial');
      return;
    }
    const { sample } = taken;
    const before = last;
    last = sample;
    cadence = before ? Math.max(now - lastReading, meter.interval) : meter.interval;
    lastReading = now;
    first ??= sample;
    world.counted({ ...total(), canaryUnmeasured });
    if (stopped) return;
    if (before === undefined) {
      firstReading.resolve();
      return;
    }
    const interval = difference(before, sample, weight);
    const ownNow = reading.own?.canary ?? 0;
    if (interval.canary.requests > Math.max(0, ownNow - own)) lastCanaryRequest = lastReading;
    own = ownNow;
    panel.add(promoted ? asOneArm(interval) : interval);
    if (promoted) return;
    emit({
      type: 'interval',
      at: now,
      weight,
      interval: tallies(interval),
      total: total(),
      opinions: opinions(),
      timeLeft: stage ? Math.max(0, stage.step.most - (now - stage.begun)) : 0,
      ...waitingFor(),
    });
  }

  function waitingFor(): Pick<IntervalJudged, 'waitingFor'> {
    if (!stage) return { waitingFor: weight > 0 ? 'confirmation' : 'canary' };
    return stage.waitsFor === 'time' ? {} : { waitingFor: stage.waitsFor };
  }

  async function lookAtGauge({ check, canary, stable }: GaugeQueries, signal: AbortSignal): Promise<void> {
    const [ofCanary, ofStable] = await Promise.all([gauge(canary, signal), stable && gauge(stable, signal)]);
    panel.addGauge(check, ofCanary, ofStable || undefined);
  }

  /** A query that fails is a query without an answer: not yet known. */
  async function gauge(query: string, signal: AbortSignal): Promise<Gauge> {
    try {
      return (await meter.evaluate?.(query, signal)) ?? { missing: `the ${meter.kind} meter knows no PromQL` };
    } catch (error) {
      signal.throwIfAborted();
      return { missing: messageOf(error) };
    }
  }

  function noData(reason: string): void {
    emit({ type: 'no-data', at: clock.now(), weight, reason, since: lastReading, patience: options.noDataPatience });
  }

  function total(): Tallies {
    if (!first || !last) return { stable: nothing, canary: nothing };
    return tallies(difference(first, last, weight));
  }

  async function lookAtPods(signal: AbortSignal): Promise<void> {
    // Of a version that is promoted the canary's pods are on their way out, and those of the stable arm come from them.
    if (stopped || promoted) return;
    const health = await world.arms.health(arms, 'canary', signal);
    podTrouble = '';
    if (uncounted) {
      lastReading = clock.now();
      firstReading.resolve();
    }
    const before = podOpinion.sentence;
    podOpinion = judgePods(health, onPodProblem);
    if (health.problems.length > 0 && podOpinion.sentence !== before) {
      emit({ type: 'pod-problem', at: clock.now(), arm: 'canary', problems: health.problems });
    }
  }

  /** Looks again and again; a look that fails is told and tried again, and does not keep the others from being made. */
  async function repeat(look: Look, pause: () => number, failed: (reason: string) => void, signal: AbortSignal) {
    while (!signal.aborted) {
      try {
        await look(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!stopped) failed(messageOf(error));
      }
      evaluate();
      await clock.sleep(pause(), signal).catch(() => undefined);
    }
  }

  function tellOnce(problem: string): void {
    if (!told.has(problem)) warn(world, problem);
    told.add(problem);
  }

  function podsUnseen(reason: string): void {
    if (podTrouble !== reason) warn(world, `The pods can't be seen: ${reason}`);
    podTrouble = reason;
  }

  return {
    async run(signal) {
      await Promise.all([
        ...(uncounted
          ? []
          : [repeat(lookAtMetrics, () => pauseUntilNews(due, meter.interval, clock.now()), noData, signal)]),
        repeat(lookAtPods, () => POD_INTERVAL, podsUnseen, signal),
      ]);
    },
    baseline: (signal) => orAborted(firstReading.promise, signal),
    async exposure(signal) {
      const giveUp = clock.now() + LOOKS_UNTIL_MEASURED * meter.interval + DISCOVERY;
      while (due?.canary.length === 0) {
        if (clock.now() > giveUp) {
          warn(
            world,
            'The metrics do not show the canary’s pods yet: until they do, nobody sees how its requests end.',
          );
          return;
        }
        await clock.sleep(UNSEEN_PAUSE, signal);
      }
      const now = clock.now();
      if (due) await clock.sleep(bestMoment(due, now) - now, signal);
    },
    enter(next) {
      weight = next;
      lastCanaryRequest = clock.now();
      ownBefore = own;
      panel.enter(next);
    },
    async stay(step, signal) {
      const over = Promise.withResolvers<void>();
      stage = { step, begun: clock.now(), over: over.resolve, waitsFor: 'time' };
      evaluate();
      await orAborted(over.promise, signal);
    },
    approve() {
      approved = true;
      evaluate();
    },
    get waitsForApproval() {
      return stage?.waitsFor === 'approval';
    },
    promoted() {
      promoted = true;
      stage = undefined;
      podOpinion = unseenPods(onPodProblem);
    },
    rest() {
      stopped = true;
    },
    async finalTallies() {
      if (uncounted) return total();
      using limit = deadline(clock, FINAL_LOOK, () => new Error('the last look took too long'), never());
      try {
        const reading = await meter.read(limit.signal);
        const taken = reading.partial ? undefined : tally.take(reading);
        if (taken?.fresh) last = taken.sample;
      } catch {
        // The figures that were judged are enough when the last look fails.
      }
      return total();
    },
  };
}

/** What both arms did, as requests of the new version: at this weight there is no stable version besides. */
function asOneArm(interval: Interval): Interval {
  const none: Counts = { requests: 0, errors: 0, within: new Map() };
  const { stable, canary } = interval;
  return merge({ ...interval, stable: none, canary }, { ...interval, stable: none, canary: stable });
}

const nothing: Tally = { requests: 0, errors: 0 };

function tallies({ stable, canary }: { stable: Counts; canary: Counts }): Tallies {
  return { stable: tallyOf(stable), canary: tallyOf(canary) };
}

function tallyOf({ requests, errors }: Counts): Tally {
  return { requests, errors };
}

function endless(weight: number): Step {
  return { weight, least: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY, early: false, hold: false };
}

function unseenPods(onBreach: OnBreach): Opinion {
  return {
    check: POD_CHECK,
    state: 'unknown',
    onBreach,
    progress: 0,
    sentence: 'the pods have not been seen yet',
    figures: {},
  };
}

function judgePods({ desired, ready, problems }: ArmHealth, onBreach: OnBreach): Opinion {
  const [worst] = problems;
  const figures = { desired, ready, problems: problems.length };
  if (worst) return { check: POD_CHECK, state: 'breach', onBreach, progress: 1, sentence: describePod(worst), figures };
  const state = ready >= desired ? 'healthy' : 'unknown';
  return { check: POD_CHECK, state, onBreach, progress: 0, sentence: `${ready} of ${desired} pods are ready`, figures };
}

function describePod({ pod, container, reason, message }: PodProblem): string {
  return `Pod ${pod}${container === undefined ? '' : `, container ${container}`}: ${reason}${message === '' ? '' : ` (${message})`}`;
}

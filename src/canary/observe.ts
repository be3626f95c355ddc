import { orAborted } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Panel } from '../judge/panel.ts';
import type { Step } from '../judge/plan.ts';
import type { Opinion, Tallies } from '../judge/types.ts';
import type { IntervalJudged } from './events.ts';
import { type Decision, decide, type StepFacts, worstBreach } from './observation/decide.ts';
import { Ending } from './observation/ending.ts';
import { createRequests, type Requests } from './observation/requests.ts';
import { pauseUntilNews } from './observation/scrape-timing.ts';
import { awaitBestMoment, createMetricsWatch, lookLast, type Situation, totalOf } from './observe-metrics.ts';
import { createPodWatch } from './observe-pods.ts';
import type { RolloutOptions } from './options.ts';
import type { ArmsSnapshot } from './ports.ts';
import { createSourceChecks } from './source-checks.ts';
import { commandLines, type World, warn } from './world.ts';

/** Watches the canary from before the first shift to the end, independent of what the rollout is doing. */
export interface Observer {
  /** Looks at metrics and pods until the signal aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when the first reading has arrived, from which everything is counted. */
  awaitBaseline(signal: AbortSignal): Promise<void>;
  /** Resolves at the best moment for the canary's first requests, if the meter knows when the canary is measured. */
  awaitBestMoment(signal: AbortSignal): Promise<void>;
  /** From now on the canary gets this weight. */
  enter(weight: number): void;
  /** Resolves when the step is over. A breach does not reject this promise: it stops the whole rollout. */
  stay(step: Step, signal: AbortSignal): Promise<void>;
  /** A person's approval for the step that holds, or for the next one that will hold. */
  approve(): void;
  readonly waitsForApproval: boolean;
  /**
   * From now on the stable arm is the new version, and gets all requests. The counts of both arms are compared with the last
   * ones of the old version. Only a breach ends the rollout now, as the promotion is complete.
   */
  followPromotion(): void;
  /** The decision has been made: from now on requests are only counted, and not judged. */
  stopJudging(): void;
  /** The counts since the first reading, with one last look. */
  finalTallies(): Promise<Tallies>;
}

/** Milliseconds between two looks at the pods, which are cheap, as the adapter receives changes by a watch. */
const POD_INTERVAL = 200;

interface Stage {
  readonly step: Step;
  readonly begun: number;
  readonly over: () => void;
  waitsFor: Extract<Decision, { kind: 'wait' }>['until'];
}

/** Every look ends in an evaluation, and an evaluation with a breach calls `stop` before it returns. */
export function createObserver(
  world: World,
  arms: ArmsSnapshot,
  options: RolloutOptions,
  stop: (ending: Ending) => void,
): Observer {
  const { meter, clock, emit } = world;
  const { panel } = world.judge;
  /** Requests are not counted: a look at the pods counts as new data. */
  const uncounted = meter.kind === 'none';
  const requests = createRequests(meter.interval, clock.now());
  const pods = createPodWatch(world, arms);
  const metrics = createMetricsWatch(world, requests, options, situation);
  const sources = createSourceChecks(world);
  const podsSeen = Promise.withResolvers<void>();
  let weight = 0;
  let stage: Stage | undefined;
  let approved = false;
  let stopped = false;
  let promoted = false;

  const opinions = (): Opinion[] => [...panel.opinions(), ...sources.opinions(), pods.opinion];

  function situation(): Situation {
    const timeLeft = stage ? Math.max(0, stage.step.most - (clock.now() - stage.begun)) : 0;
    return { weight, stopped, promoted, opinions, timeLeft, waitingFor: waitingFor(stage, weight) };
  }

  function evaluate(): void {
    if (stopped) return;
    const now = clock.now();
    const known = factsOf({ requests, panel, uncounted }, { now, stage, opinions: opinions(), approved });
    const breach = worstBreach(known.opinions);
    if (promoted && !breach) return;
    // Between two steps only a breach or missing data can end the rollout.
    const decision = decide(stage?.step ?? endless(weight), known, options);
    if (decision.kind === 'end') {
      if (breach) emit({ type: 'breach', at: now, weight, opinion: breach });
      stopped = true;
      stop(new Ending(decision.verdict, decision.reason, { breach: breach !== undefined }));
    } else if (stage && decision.kind === 'advance') {
      // An approval counts for one hold only.
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

  async function lookAtPods(signal: AbortSignal): Promise<void> {
    // After a promotion the canary's pods are being removed, and the stable pods run the new version.
    if (stopped || promoted) return;
    await pods.look(signal);
    if (!uncounted) return;
    requests.seePods(clock.now());
    podsSeen.resolve();
  }

  const unlessStopped = (tell: (reason: string) => void) => (reason: string) => {
    if (!stopped) tell(reason);
  };
  const metricsLook: Look = {
    look: metrics.look,
    pause: () => pauseUntilNews(requests.due, meter.interval, clock.now()),
    failed: unlessStopped(metrics.tellNoData),
  };
  const sourceLooks = sources.looks.map(
    (look): Look => ({
      look: (signal) => look(situation(), signal),
      pause: () => sources.interval,
      failed: unlessStopped((reason) => warn(world, reason)),
    }),
  );
  const podsLook: Look = { look: lookAtPods, pause: () => POD_INTERVAL, failed: unlessStopped(pods.tellUnseen) };

  return {
    async run(signal) {
      const looks = [...(uncounted ? [] : [metricsLook]), podsLook, ...sourceLooks];
      await Promise.all(looks.map((each) => repeat(each, evaluate, clock, signal)));
    },
    awaitBaseline: (signal) => orAborted(uncounted ? podsSeen.promise : metrics.baseline, signal),
    awaitBestMoment: (signal) => awaitBestMoment(world, requests, signal),
    enter(next) {
      weight = next;
      requests.enter(next, clock.now());
      panel.enter(next);
      if (next > 0) sources.enter();
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
    followPromotion() {
      promoted = true;
      stage = undefined;
      pods.forget();
    },
    stopJudging() {
      stopped = true;
    },
    finalTallies: async () => (uncounted ? totalOf(requests) : lookLast(world, requests)),
  };
}

interface Seen {
  readonly requests: Requests;
  readonly panel: Panel;
  readonly uncounted: boolean;
}

interface Now extends Pick<StepFacts, 'opinions' | 'approved'> {
  readonly now: number;
  readonly stage: Stage | undefined;
}

function factsOf({ requests, panel, uncounted }: Seen, { now, stage, opinions, approved }: Now): StepFacts {
  const { own, ...seen } = requests.facts(now);
  return {
    ...seen,
    elapsed: stage ? now - stage.begun : 0,
    opinions,
    canaryRequests: Math.max(0, panel.requests().canary - Math.max(0, own)),
    someOwn: own > 0,
    ...(uncounted && { uncounted }),
    approved,
  };
}

function waitingFor(stage: Stage | undefined, weight: number): IntervalJudged['waitingFor'] {
  if (!stage) return weight > 0 ? 'confirmation' : 'canary';
  return stage.waitsFor === 'time' ? undefined : stage.waitsFor;
}

/** A repeated look. */
interface Look {
  readonly look: (signal: AbortSignal) => Promise<void>;
  /** Milliseconds until the next look. */
  readonly pause: () => number;
  /** Receives the reason of a failed look. It is tried again, and does not stop the other looks. */
  readonly failed: (reason: string) => void;
}

/** @param done called after each look */
async function repeat(
  { look, pause, failed }: Look,
  done: () => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await look(signal);
    } catch (error) {
      if (signal.aborted) return;
      failed(messageOf(error));
    }
    done();
    await clock.sleep(pause(), signal).catch(() => undefined);
  }
}

function endless(weight: number): Step {
  return { weight, least: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY, early: false, hold: false };
}

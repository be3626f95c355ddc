/**
 * What happens during a rollout, as plain data that survives JSON: the rollout emits these in order, the live log prints them,
 * the report keeps them. An event says what was seen or done; readers interpret it.
 * Times are milliseconds (`at`: since the Unix epoch), weights per cent, rates fractions.
 */

import type { Failure } from '../core/errors.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import type { Plan, Step } from '../judge/plan.ts';
import type { Arm } from '../judge/readings.ts';
import type { Opinion, Tallies } from '../judge/types.ts';
import type { Forecast } from './observation/forecast.ts';
import type {
  Command,
  CommandLines,
  LeftObject,
  MeterReadiness,
  NamedArms,
  PodDetails,
  PodProblem,
  Verdict,
} from './ports.ts';

/** The first event of a run: its settings, before anything was read. */
export interface Started {
  readonly type: 'started';
  readonly at: number;
  /** Identity of the rollout, which is the same in every run that continues it. */
  readonly id: string;
  readonly plan: Plan;
  readonly by: string;
  /** What the meter asks: the query or the endpoints. */
  readonly source: string;
  /** Milliseconds between two looks at the metrics. */
  readonly interval: number;
  /** Requests are not counted: only the pods' health is judged. */
  readonly uncounted?: boolean;
  readonly dryRun: boolean;
  /** Absent if nothing was read before. */
  readonly arms?: NamedArms;
  /** The commit that the workflow runs for; absent outside of a workflow. */
  readonly commit?: string;
  readonly commands: CommandLines;
}

/** What was found before the first write. All of it can be used. */
interface Preflight {
  readonly type: 'preflight';
  readonly at: number;
  /** `VirtualService shop/checkout` */
  readonly route: string;
  readonly arms: NamedArms;
  readonly readiness: MeterReadiness;
  readonly forecast?: Forecast;
  /** What could not be read, one sentence each. */
  readonly notes?: readonly string[];
}

/** Nothing serves yet, so there is nothing to compare with. */
interface FirstRelease {
  readonly type: 'first-release';
  readonly at: number;
  /** The workload: `Deployment shop/checkout`. */
  readonly about: string;
  /** True if this run deploys it; false if a later step does. */
  readonly deploys: boolean;
}

/** This run continues the rollout in an earlier run's record. */
interface Resumed {
  readonly type: 'resumed';
  readonly at: number;
  /** The canary's weight in the record. */
  readonly weight: number;
  readonly startedAt: number;
  readonly startedBy: string;
}

/** Dry run only: one write of a real run, in the order of the writes. */
export interface Planned {
  readonly type: 'planned';
  readonly at: number;
  readonly write: PlannedWrite;
  /** The canary's weight in the step of this write. */
  readonly weight: number;
  /** The write happens only if the earlier steps end well. */
  readonly later: boolean;
}

/** A step of the plan begins: the canary is prepared for its weight, and nothing has moved yet. */
interface StepEntered {
  readonly type: 'step-entered';
  readonly at: number;
  /** From 0. */
  readonly index: number;
  readonly step: Step;
}

/** The weight was written to the route; the data plane may not follow yet. */
interface Shifted {
  readonly type: 'shifted';
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** The data plane was seen to follow the last shift: the step's time begins. */
interface Confirmed {
  readonly type: 'confirmed';
  readonly at: number;
  readonly weight: number;
  readonly evidence: string;
}

/** One evaluation with new data. */
export interface IntervalJudged {
  readonly type: 'interval';
  readonly at: number;
  readonly weight: number;
  /** Since the previous evaluation. */
  readonly interval: Tallies;
  /** Since the rollout's start, for all weights together: for the reader only, as the judge never pools weights. */
  readonly total: Tallies;
  readonly opinions: readonly Opinion[];
  /** Milliseconds until the step's longest time is over; zero if it waits for something else. */
  readonly timeLeft: number;
  /**
   * What is waited for: a canary that can get requests, the data plane that follows a shift, or what is missing after a step's
   * time.
   */
  readonly waitingFor?: 'canary' | 'confirmation' | 'requests' | 'data' | 'approval';
}

interface Judged {
  readonly at: number;
  readonly weight: number;
  readonly opinion: Opinion;
}

/** A look at what a check asks beside the meter. */
export interface Looked extends Judged {
  readonly type: 'looked';
}

/** An evaluation without new data. Each one is emitted, so that silence is visible. */
interface NoData {
  readonly type: 'no-data';
  readonly at: number;
  readonly weight: number;
  /** A sentence without a time: `Prometheus did not answer (timed out)`. */
  readonly reason: string;
  /** When data last arrived. */
  readonly since: number;
  /** Milliseconds after `since` at which the rollout ends as configured. */
  readonly patience: number;
}

/** An arm has pods in trouble. The checks decide whether that is a breach. */
interface PodsInTrouble {
  readonly type: 'pod-problem';
  readonly at: number;
  readonly arm: Arm;
  readonly problems: readonly PodProblem[];
}

/** Details of the canary's pods in trouble, read while the pods still exist. */
export interface PodsDescribed {
  readonly type: 'pod-details';
  readonly at: number;
  readonly details: readonly PodDetails[];
}

/** A check is sure that the canary is bad, which ends the rollout. A check that only warns appears in `interval`. */
interface Breached extends Judged {
  readonly type: 'breach';
}

/** A person's command was taken from the record. */
interface Commanded {
  readonly type: 'command';
  readonly at: number;
  readonly command: Command;
}

/** The step's time is over, and it waits for a person. */
interface Holding {
  readonly type: 'holding';
  readonly at: number;
  readonly weight: number;
  readonly commands: CommandLines;
}

/** The route is being restored as found. */
interface Restoring {
  readonly type: 'restoring';
  readonly at: number;
  /** The canary's weight before the restore. */
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** The route has the weights that were found before the first write. A `confirmed` event tells that the data plane follows. */
interface Restored extends Pick<Confirmed, 'at' | 'weight'> {
  readonly type: 'restored';
}

/**
 * `undone`: route and workloads were seen to be as they were before the first write. `promoting`: the plan is done, and the new
 * revision is being made the stable one.
 */
interface Reached {
  readonly type: 'undone' | 'promoting';
  readonly at: number;
}

/** This revision was seen to serve everything, with available pods. */
interface Verified {
  readonly type: 'verified';
  readonly at: number;
  readonly digest: string;
  readonly evidence: string;
}

/** A warning that changes nothing by itself: the job's time limit, an approximate weight. */
interface Warned {
  readonly type: 'warning';
  readonly at: number;
  readonly message: string;
}

/** The last event of a rollout that came to a verdict. */
export interface Ended {
  readonly type: 'ended';
  readonly at: number;
  readonly verdict: Verdict;
  /** Every step of the plan was passed: a promotion, or a rollout that is held until the stable workload is deployed. */
  readonly passed?: boolean;
  /** The measured reason, in a sentence. */
  readonly reason: string;
  /** The highest canary weight that was reached. */
  readonly reached: number;
  /** The canary's weight on the route at the end; absent if somebody else has changed the route. */
  readonly weight?: number | undefined;
  readonly revision: string;
  /** Absent if it is not known what was compared. */
  readonly arms?: NamedArms;
  /** Image digest that serves everything; only after a promotion. */
  readonly digest?: string;
  /** What an undo could not restore. */
  readonly left?: readonly LeftObject[];
  /** All counts, with one last look after the end; absent if this process counted nothing. */
  readonly total?: Tallies;
}

/** The last event of a run without a verdict: it was refused before the first write, or could not finish. */
export interface Failed extends Failure {
  readonly type: 'failed';
  readonly at: number;
  /** True if nothing was written. */
  readonly unchanged: boolean;
}

export type RolloutEvent =
  | Started
  | Preflight
  | FirstRelease
  | Resumed
  | Planned
  | StepEntered
  | Shifted
  | Confirmed
  | IntervalJudged
  | Looked
  | NoData
  | PodsInTrouble
  | PodsDescribed
  | Breached
  | Commanded
  | Holding
  | Restoring
  | Restored
  | Reached
  | Verified
  | Warned
  | Ended
  | Failed;

/** Receives events as they happen. Must not throw, and must not block the rollout. */
export type Emit = (event: RolloutEvent) => void;

/**
 * What happens during a rollout, as plain data that survives JSON: the rollout emits these in order, the live log prints
 * them, the report keeps them. An event says what was seen or done; what it means to a reader is the reader's business.
 * Times are milliseconds (`at`: since the Unix epoch), weights per cent, rates fractions.
 */

import type { Failure } from '../core/errors.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import type { Plan, Step } from '../judge/plan.ts';
import type { Arm } from '../judge/readings.ts';
import type { Opinion } from '../judge/types.ts';
import type { Forecast } from './observation/forecast.ts';
import type { ArmsSnapshot, Command, LeftObject, MeterReadiness, PodDetails, PodProblem, Verdict } from './ports.ts';

/** Requests of one arm, and those of them that failed. Whole numbers, `errors` at most `requests`. */
export interface Tally {
  readonly requests: number;
  readonly errors: number;
}

/** Both arms' requests over the same time. */
export interface Tallies {
  readonly stable: Tally;
  readonly canary: Tally;
}

/** The commands to copy that steer this rollout. */
export type CommandLines = Readonly<Record<Command['verb'], string>>;

/** What is compared, as people call it. */
export type NamedArms = Pick<ArmsSnapshot, 'stable' | 'canary' | 'revision' | 'versions'>;

/** The first event of a run: what is asked for, before anything was looked at. */
export interface Started {
  readonly type: 'started';
  readonly at: number;
  /** Identity of the rollout: the same one in every run that continues it. */
  readonly id: string;
  readonly plan: Plan;
  readonly by: string;
  /** What is asked for metrics: the query or the endpoints. */
  readonly source: string;
  /** Milliseconds between two looks at the metrics. */
  readonly interval: number;
  /** Nobody counts requests: the pods' health alone is judged. */
  readonly uncounted?: boolean;
  readonly dryRun: boolean;
  /** Absent where nothing was looked at before. */
  readonly arms?: NamedArms;
  /** The commit that the workflow runs for; absent outside of one. */
  readonly commit?: string;
  readonly commands: CommandLines;
}

/** What was found before the first write, all of it usable. */
interface Preflight {
  readonly type: 'preflight';
  readonly at: number;
  /** `VirtualService shop/checkout` */
  readonly route: string;
  readonly arms: NamedArms;
  readonly readiness: MeterReadiness;
  readonly forecast?: Forecast;
  /** What could not be looked at, one sentence each. */
  readonly notes?: readonly string[];
}

/** Nothing serves yet, so that there is nothing to compare with. */
interface FirstRelease {
  readonly type: 'first-release';
  readonly at: number;
  /** The workload: `Deployment shop/checkout`. */
  readonly about: string;
  /** It is deployed here and now; else that is left to what follows. */
  readonly deploys: boolean;
}

/** The record of an earlier run was found and this one continues it. */
interface Resumed {
  readonly type: 'resumed';
  readonly at: number;
  /** The canary's weight that the record shows. */
  readonly weight: number;
  readonly startedAt: number;
  readonly startedBy: string;
}

/** Dry run only: one write that a real run would make, in the order in which it would. */
export interface Planned {
  readonly type: 'planned';
  readonly at: number;
  readonly write: PlannedWrite;
  /** The canary's weight of the step that it belongs to. */
  readonly weight: number;
  /** It comes only when the steps before have ended well. */
  readonly later: boolean;
}

/** A step of the plan begins: the canary is made ready for its weight, nothing has moved yet. */
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
  /** Since the evaluation before. */
  readonly interval: Tallies;
  /** Since the rollout's start, all weights together: for the reader; the judge never pools weights. */
  readonly total: Tallies;
  readonly opinions: readonly Opinion[];
  /** Milliseconds until the step's most time is over; zero when it waits for something else. */
  readonly timeLeft: number;
  /** What is waited for: a canary to send requests to, that the data plane follows a shift, or what is lacking after a step's time. */
  readonly waitingFor?: 'canary' | 'confirmation' | 'requests' | 'data' | 'approval';
}

/** An evaluation without new data. Emitted at each one, so that silence shows. */
interface NoData {
  readonly type: 'no-data';
  readonly at: number;
  readonly weight: number;
  /** A sentence without the clock: `Prometheus did not answer (timed out)`. */
  readonly reason: string;
  /** When data last arrived. */
  readonly since: number;
  /** Milliseconds after `since` at which the rollout ends as configured. */
  readonly patience: number;
}

/** Pods of an arm were found in trouble. Whether that is a breach is the checks' business. */
interface PodsInTrouble {
  readonly type: 'pod-problem';
  readonly at: number;
  readonly arm: Arm;
  readonly problems: readonly PodProblem[];
}

/** What is to be known of the canary's pods in trouble, read while they are still there. */
export interface PodsDescribed {
  readonly type: 'pod-details';
  readonly at: number;
  readonly details: readonly PodDetails[];
}

/** A check is sure that the canary is bad, and this ends the rollout. One that only warns shows in `interval`. */
interface Breached {
  readonly type: 'breach';
  readonly at: number;
  readonly weight: number;
  readonly opinion: Opinion;
}

/** A person's command was taken off the record. */
interface Commanded {
  readonly type: 'command';
  readonly at: number;
  readonly command: Command;
}

/** The step's time is over and it waits for a person. */
interface Holding {
  readonly type: 'holding';
  readonly at: number;
  readonly weight: number;
  readonly commands: CommandLines;
}

/** The route is being given back as found. */
interface Restoring {
  readonly type: 'restoring';
  readonly at: number;
  /** The canary's weight that is being taken back. */
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** The route shows the weights that were found before the first write. Whether the data plane follows comes as `confirmed`. */
interface Restored {
  readonly type: 'restored';
  readonly at: number;
  readonly weight: number;
}

/** Route and workloads were seen to be as they were found before the first write. */
interface UndoSeen {
  readonly type: 'undone';
  readonly at: number;
}

/** The plan is done; the new revision is being made the stable one. */
interface Promoting {
  readonly type: 'promoting';
  readonly at: number;
}

/** This revision was seen to serve everything, its pods available. */
interface Verified {
  readonly type: 'verified';
  readonly at: number;
  readonly digest: string;
  readonly evidence: string;
}

/** Something the reader should know that changes nothing by itself: the job's time limit, an approximate weight. */
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
  /** Every step of the plan was passed: a promotion, or a rollout that is held for the stable workload to be deployed. */
  readonly passed?: boolean;
  /** The measured reason, in a sentence. */
  readonly reason: string;
  /** The highest canary weight that was reached. */
  readonly reached: number;
  /** The canary's weight that the route shows at the end; absent where somebody else has made it into something else. */
  readonly weight?: number | undefined;
  readonly revision: string;
  /** Absent where it is not known what was compared. */
  readonly arms?: NamedArms;
  /** Image digest that serves everything; after a promotion only. */
  readonly digest?: string;
  /** What an undo could not take back. */
  readonly left?: readonly LeftObject[];
  /** All that was counted, with one last look after the end; absent where this process counted nothing. */
  readonly total?: Tallies;
}

/** The last event of a run that came to no verdict: it was refused before the first write, or it could not finish. */
export interface Failed extends Failure {
  readonly type: 'failed';
  readonly at: number;
  /** True where nothing was written. */
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
  | NoData
  | PodsInTrouble
  | PodsDescribed
  | Breached
  | Commanded
  | Holding
  | Restoring
  | Restored
  | UndoSeen
  | Promoting
  | Verified
  | Warned
  | Ended
  | Failed;

/** Takes events as they happen. Must not throw, and must not keep the rollout waiting. */
export type Emit = (event: RolloutEvent) => void;

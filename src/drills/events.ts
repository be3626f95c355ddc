import type { Failure } from '../core/errors.ts';
import type { GateEvent } from '../gates/events.ts';
import type { Measured } from './measure/measured.ts';
import type { TargetResult } from './measure/targets.ts';
import type { Aim, Effect, FaultPlan, Moment, Requests, Tally } from './ports.ts';

export const drillVerdicts = ['resilient', 'not-resilient', 'incomplete', 'aborted'] as const;
export type DrillVerdict = (typeof drillVerdicts)[number];

/** How one fault of a drill went. */
export interface FaultOutcome {
  readonly fault: FaultPlan;
  readonly effect: Effect;
  readonly injectedAt: number;
  readonly removedAt: number;
  /** Undefined where there are no requests to measure by. */
  readonly measured: Measured | undefined;
  readonly targets: readonly TargetResult[];
}

export interface DrillOutcome {
  /** Undefined for a dry run. */
  readonly verdict?: DrillVerdict;
  readonly reason: string;
  readonly next: string;
  readonly faults: readonly FaultOutcome[];
  /** Per cent of the targets that were met, over the faults that were felt; undefined where nothing was measured. */
  readonly score?: number;
  /** What to mend, one sentence each. */
  readonly advice: readonly string[];
  /** What could not be removed, and how to do so by hand. */
  readonly left: readonly string[];
}

/** One figure of a fault against those of earlier runs. */
interface FigureChange {
  /** The fault in its short form. */
  readonly fault: string;
  /** `recovery`, `lost requests`, `lowest success`. */
  readonly figure: string;
  readonly state: 'worse' | 'better' | 'same' | 'unknown';
  /** With the figures, without a full stop: `12.3 s, in 20 earlier runs 8.1 s to 10.4 s`. */
  readonly sentence: string;
}

/** What happens in a drill, in the order of time. `at`: milliseconds since the Unix epoch. */
export type DrillEvent =
  | {
      readonly type: 'started';
      readonly at: number;
      readonly service: string;
      readonly faults: readonly FaultPlan[];
      readonly requests: string | undefined;
      readonly requestKind: Requests['kind'];
      readonly targets: readonly string[];
      /** The share of good requests below which users count as hurt, from 0 to 1. */
      readonly successTarget: number;
      readonly dryRun: boolean;
    }
  /** A fault that an earlier run has left is removed now. */
  | { readonly type: 'resumed'; readonly at: number; readonly by: string; readonly since: number }
  | { readonly type: 'warning'; readonly at: number; readonly message: string }
  /** What would be hit. In a dry run, this is all. */
  | { readonly type: 'aimed'; readonly at: number; readonly index: number; readonly aim: Omit<Aim, 'mark'> }
  | { readonly type: 'ready'; readonly at: number; readonly evidence: string }
  /** A check of the steady state, before or after. */
  | { readonly type: 'steady'; readonly at: number; readonly when: 'before' | 'after'; readonly event: GateEvent }
  | { readonly type: 'requests'; readonly at: number; readonly tally: Tally }
  | { readonly type: 'no-requests'; readonly at: number; readonly from: number; readonly reason: string }
  | { readonly type: 'injecting'; readonly at: number; readonly index: number; readonly aim: Omit<Aim, 'mark'> }
  | { readonly type: 'injected'; readonly at: number; readonly index: number }
  | { readonly type: 'felt'; readonly at: number; readonly index: number; readonly effect: Effect }
  | { readonly type: 'moment'; readonly at: number; readonly moment: Moment }
  /** The stop condition was met. */
  | { readonly type: 'stopped'; readonly at: number; readonly index: number; readonly reason: string }
  /** `text`: the fault in its short form. `index` is -1 where the fault is known from the record alone. */
  | { readonly type: 'removing'; readonly at: number; readonly index: number; readonly text: string }
  | { readonly type: 'removed'; readonly at: number; readonly index: number; readonly text: string }
  | {
      readonly type: 'not-removed';
      readonly at: number;
      readonly index: number;
      readonly text: string;
      readonly failure: Failure;
    }
  | { readonly type: 'measured'; readonly at: number; readonly index: number; readonly outcome: FaultOutcome }
  | { readonly type: 'pausing'; readonly at: number; readonly milliseconds: number }
  | { readonly type: 'ended'; readonly at: number; readonly outcome: DrillOutcome }
  /** After the end: the figures against those of earlier runs. */
  | {
      readonly type: 'compared';
      readonly at: number;
      /** How many earlier runs there were to compare with. */
      readonly earlier: number;
      readonly changes: readonly FigureChange[];
      /** Path of the file with the history, where one was written. */
      readonly history: string | undefined;
    }
  | { readonly type: 'failed'; readonly at: number; readonly failure: Failure };

export type EmitDrill = (event: DrillEvent) => void;

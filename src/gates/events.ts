import type { Failure } from '../core/errors.ts';
import type { RuleFinding } from '../judge/looks/look.ts';
import type { CheckState, GateVerdict } from './verdict.ts';

/** How one check stands, and why. */
export interface CheckOutcome extends Omit<RuleFinding, 'state' | 'warning'> {
  readonly check: string;
  readonly state: CheckState;
  /** Nothing that is seen from now on changes its state. */
  readonly isFinal: boolean;
}

export interface GateOutcome {
  readonly verdict: GateVerdict;
  readonly warning: boolean;
  /** Per cent, at least and at most. */
  readonly score?: { readonly least: number; readonly most: number };
  readonly reason: string;
  /** What an undecided gate lacks. */
  readonly lacks?: 'data' | 'traffic' | 'certainty';
  readonly checks: readonly CheckOutcome[];
}

/** What happens in a gate, in the order of time. `at`: milliseconds since the Unix epoch. */
export type GateEvent =
  | {
      readonly type: 'started';
      readonly at: number;
      /** Milliseconds; 0 for one look. */
      readonly watch: number;
      readonly checks: readonly { readonly check: string; readonly kind: string; readonly asked: string }[];
    }
  | { readonly type: 'ready'; readonly at: number; readonly check: string; readonly evidence: string }
  | { readonly type: 'warning'; readonly at: number; readonly message: string }
  /** A look could not be made, or not at all so far. */
  | {
      readonly type: 'no-data';
      readonly at: number;
      readonly check: string;
      readonly reason: string;
      readonly since: number;
    }
  | { readonly type: 'looked'; readonly at: number; readonly outcome: CheckOutcome }
  | { readonly type: 'ended'; readonly at: number; readonly outcome: GateOutcome }
  | { readonly type: 'failed'; readonly at: number; readonly failure: Failure };

export type EmitGate = (event: GateEvent) => void;

import type { Effect, FaultPlan } from '../ports.ts';
import type { Measured } from './measured.ts';
import type { TargetResult } from './targets.ts';

/** What verdict and advice need to know of a fault: a part of its outcome. */
export interface JudgedFault {
  readonly fault: Pick<FaultPlan, 'kind' | 'text'>;
  readonly effect: Effect;
  readonly measured: Measured | undefined;
  readonly targets: readonly TargetResult[];
}

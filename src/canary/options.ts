import type { Plan } from '../judge/plan.ts';
import type { NamedArms } from './events.ts';
import type { DecisionPolicy } from './observation/decide.ts';

/**
 * Which part of a rollout is done: all of it; the plan alone, after which somebody else deploys the stable workload; or the part
 * that follows that deployment.
 */
type RolloutMode = 'release' | 'shift' | 'finish';

/** Times in milliseconds. */
export interface RolloutOptions extends DecisionPolicy {
  readonly mode: RolloutMode;
  readonly plan: Plan;
  /** Identifies this run: a record with this id was written by it. */
  readonly id: string;
  /** Hash over all that the user asked for: the same release asked for again has the same one. */
  readonly fingerprint: string;
  /** The run and the person, for the record: `alice, https://github.com/acme/shop/actions/runs/1`. */
  readonly startedBy: string;
  /** What is compared, for whoever is told. */
  readonly arms?: NamedArms;
  /** The commit that the workflow runs for. */
  readonly commit?: string | undefined;
  /** What to do with a rollout of this same release that a dead run left behind. */
  readonly onInterrupted: 'resume' | 'undo';
  /** For the whole rollout; after it the route is restored. */
  readonly timeout: number;
  /** For the data plane to follow one shift. */
  readonly confirmTimeout: number;
  /** For pods to become ready, each time. */
  readonly readyTimeout: number;
  /** For the undo, which starts its own clock. */
  readonly undoTimeout: number;
}

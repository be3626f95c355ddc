import type { Plan } from '../judge/plan.ts';
import type { DecisionPolicy } from './observation/decide.ts';
import type { NamedArms } from './ports.ts';

/**
 * Which part of a rollout to do: all of it; only the plan, after which somebody else deploys the stable workload; or the part
 * after that deployment.
 */
type RolloutMode = 'release' | 'shift' | 'finish';

/** Times in milliseconds. */
export interface RolloutOptions extends DecisionPolicy {
  readonly mode: RolloutMode;
  readonly plan: Plan;
  /** Identifies this run, and the record that it wrote. */
  readonly id: string;
  /** Hash of the user's settings, which is the same if the same release is requested again. */
  readonly fingerprint: string;
  /** The person and the run, for the record: `alice, https://github.com/acme/shop/actions/runs/1`. */
  readonly startedBy: string;
  /** What is compared, for messages. */
  readonly arms?: NamedArms;
  /** The commit that the workflow runs for. */
  readonly commit?: string | undefined;
  /** What to do with a rollout of the same release that a dead run has left. */
  readonly onInterrupted: 'resume' | 'undo';
  /** For the whole rollout; when it is over, the route is restored. */
  readonly timeout: number;
  /** For the data plane to follow one shift. */
  readonly confirmTimeout: number;
  /** For pods to become ready, each time. */
  readonly readyTimeout: number;
  /** For the undo, which has its own clock. */
  readonly undoTimeout: number;
}

import type { KubernetesClient } from '../../cluster/client.ts';
import type { Clock } from '../../core/clock.ts';

/** What faults work with. */
export interface FaultWorld {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  /** Name of the drill: the label `sluice.dev/rollout` of every object that it creates has it. */
  readonly drill: string;
  /** The run's identity, which every object that it creates carries as the annotation `sluice.dev/run`. */
  readonly run: string;
  /** A number from 0 to 1, for the choice of pods. */
  readonly random: () => number;
}

/** The annotation with the identity of the run that made an object, or changed it. */
export const RUN_ANNOTATION = 'sluice.dev/run';

import type { HitPod } from '../../ports.ts';
import type { FaultWorld } from '../world.ts';

/** Which pods a short form hits. */
export interface PodTarget {
  readonly namespace: string;
  /** A label selector as kubectl takes it. */
  readonly selector: string;
  readonly mode:
    | { readonly kind: 'one' }
    | { readonly kind: 'all' }
    | { readonly kind: 'count'; readonly count: number }
    | { readonly kind: 'share'; readonly percent: number };
}

interface ChosenPods {
  readonly pods: readonly HitPod[];
  /** How many pods the target matches. */
  readonly candidates: number;
}

/** What faults of Chaos Mesh work with. */
export interface ChaosWorld extends FaultWorld {
  /**
   * Chooses the pods that a target hits, for short forms.
   *
   * @throws SluiceError where no pod matches
   */
  choose(target: PodTarget, signal: AbortSignal): Promise<ChosenPods>;
  /** Is told what had to be ended by force. */
  readonly tell?: (message: string) => void;
}

import { deadline } from '../canary/session.ts';
import { SluiceError } from '../canary/errors.ts';
import type { Arm, Clock } from '../canary/ports.ts';
import { type ArmTarget, type ArmView, createArmView } from './arm-view.ts';
import type { KubernetesClient } from './client.ts';
import { giveBack, type FoundMinimum, isRaised } from './scaling.ts';
import { resources } from './resources.ts';

/** What both kinds of arms work with. */
export interface ArmsContext {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly clock: Clock;
  /** Name of the rollout, in the labels of what is created: that of the ledger. */
  readonly rollout: string;
  /** Milliseconds that open connections to the canary get after the route has left it. */
  readonly drain: number;
  view(target: ArmTarget): ArmView;
}

/**
 * Milliseconds until an autoscaler has seen the load that came back to a workload: a resolution of metrics-server and a
 * few rounds of the controller (15 s each by default). Before that it would shrink what is needed.
 */
const AUTOSCALER_SETTLES = 60_000;

/** Milliseconds for pods that were seen available before to be so again, when they are looked at once more. */
const VERIFY_PATIENCE = 60_000;

/** @param lifetime ends the watches, which outlive the calls that begin them */
export function createContext(
  options: Omit<ArmsContext, 'view'>,
  lifetime: AbortSignal,
): ArmsContext {
  const views = new Map<string, ArmView>();
  return {
    ...options,
    view(target) {
      const key = JSON.stringify(target);
      const known = views.get(key);
      if (known) return known;
      const created = createArmView(options.client, options.namespace, target, options.clock, lifetime);
      views.set(key, created);
      return created;
    },
  };
}

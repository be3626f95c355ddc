import type { Clock } from '../canary/ports.ts';
import { type ArmTarget, type ArmView, createArmView } from './arm-view.ts';
import type { KubernetesClient } from './client.ts';

export interface ArmsOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly clock: Clock;
  /** Name of the rollout, that of the ledger: in the labels of what is created. */
  readonly rollout: string;
  /** Milliseconds that open connections to the canary get after the route has left it. */
  readonly drain: number;
  /** Milliseconds for which it is waited for an image that the registry does not have yet. */
  readonly imageTimeout?: number | undefined;
  /** Ends the watches, which outlive the calls that begin them. */
  readonly lifetime: AbortSignal;
}

/** What both kinds of arms work with. */
export interface ArmsContext extends ArmsOptions {
  /** The view of an arm, the same one for the same target. */
  view(target: ArmTarget): ArmView;
}

export function createContext(options: ArmsOptions): ArmsContext {
  const { client, namespace, clock, lifetime, imageTimeout } = options;
  const views = new Map<string, ArmView>();
  return {
    ...options,
    view({ kind, name, pods, service }) {
      const key = `${kind}/${name} ${pods} ${service}`;
      const target = { kind, name, pods, service };
      const known = views.get(key) ?? createArmView(client, namespace, target, clock, lifetime, imageTimeout);
      views.set(key, known);
      return known;
    },
  };
}

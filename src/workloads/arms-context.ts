import type { KubernetesClient } from '../cluster/client.ts';
import { permissionTo } from '../cluster/permissions.ts';
import type { ResourceType } from '../cluster/resources.ts';
import type { Clock } from '../core/clock.ts';
import { type ArmTarget, type ArmView, createArmView } from './arm-view.ts';

export interface ArmsOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly clock: Clock;
  /** The rollout's name in the ledger, which is also in the labels of what it creates. */
  readonly rollout: string;
  /** Milliseconds that open connections to the canary get after the route no longer leads to it. */
  readonly drain: number;
  /** How long to wait for an image that the registry does not have yet, in milliseconds. */
  readonly imageTimeout?: number | undefined;
  /** Ends the watches, which outlive the calls that start them. */
  readonly lifetime: AbortSignal;
}

/** What both kinds of arms work with. */
export interface ArmsContext extends ArmsOptions {
  /** The view of an arm; the same target gives the same view. */
  view(target: ArmTarget): ArmView;
  /** Whether the API server serves a kind, and whether its objects in the namespace may be listed. Asked once. */
  access(type: ResourceType, signal: AbortSignal): Promise<Access>;
}

type Access = 'granted' | 'forbidden' | 'absent';

export function createContext(options: ArmsOptions): ArmsContext {
  const { client, namespace, clock, lifetime, imageTimeout } = options;
  const views = new Map<string, ArmView>();
  const served = new Map<string, Promise<ReadonlySet<string>>>();
  const granted = new Map<string, Promise<boolean>>();

  /** Asks first which kinds are served: a right may also be missing for a kind that is not installed. */
  async function access(type: ResourceType, signal: AbortSignal): Promise<Access> {
    const kinds = await once(served, type.apiVersion, async () => {
      const found = await client.kindsIn(type.apiVersion, signal);
      return new Set(found.map(({ type: { plural } }) => plural));
    });
    if (!kinds.has(type.plural)) return 'absent';
    const key = `${type.apiVersion}/${type.plural}`;
    const mayList = await once(granted, key, async () => {
      const missing = await client.missingVerbs(permissionTo(['list'], type, namespace), signal);
      return missing.length === 0;
    });
    return mayList ? 'granted' : 'forbidden';
  }

  return {
    ...options,
    access,
    view({ kind, name, pods, service }) {
      const key = `${kind}/${name} ${pods} ${service}`;
      const target = { kind, name, pods, service };
      const known = views.get(key) ?? createArmView({ client, namespace, target, clock, lifetime, imageTimeout });
      views.set(key, known);
      return known;
    },
  };
}

/** Returns the earlier answer, and asks again only if that request failed. */
function once<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const before = known.get(key);
  if (before) return before;
  const asked = ask();
  known.set(key, asked);
  asked.catch(() => known.delete(key));
  return asked;
}

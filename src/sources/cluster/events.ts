import * as z from 'zod';
import type { KubernetesClient } from '../../cluster/client.ts';
import { readObject } from '../../cluster/read-object.ts';
import { resources } from '../../cluster/resources.ts';
import { type KubernetesObject, kubernetesObject } from '../../cluster/schema.ts';
import { excerpt } from '../../core/text.ts';
import type { Source } from '../../gates/ports.ts';
import type { Look } from '../../judge/looks/look.ts';
import { describeTarget, type PodTarget, podPermissions, selectorOf, workloadTypes } from './workload-pods.ts';

export interface EventQuery {
  readonly target: PodTarget;
  /** Only these reasons count; all of them where there are none. */
  readonly reasons: readonly string[];
  readonly ignore: readonly string[];
}

interface EventPlace {
  readonly client: Pick<KubernetesClient, 'find' | 'list'>;
  readonly namespace: string;
}

/** Events that a look names. */
const MOST_NAMED = 3;

const time = z.string().transform((text) => Date.parse(text));
/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/, in its old and its new form. */
const event = z.looseObject({
  ...kubernetesObject.shape,
  reason: z.string().nullish(),
  message: z.string().nullish(),
  count: z.number().nullish(),
  series: z.looseObject({ count: z.number(), lastObservedTime: time.nullish() }).nullish(),
  firstTimestamp: time.nullish(),
  lastTimestamp: time.nullish(),
  eventTime: time.nullish(),
  involvedObject: z.looseObject({
    kind: z.string().nullish(),
    name: z.string().nullish(),
    uid: z.string().nullish(),
  }),
});

interface Warning {
  readonly uid: string;
  readonly reason: string;
  /** How often it happened so far. */
  readonly count: number;
  /** Milliseconds since the Unix epoch. */
  readonly first: number;
  readonly last: number;
  readonly text: string;
}

/**
 * Warnings of Kubernetes about a workload, its ReplicaSets and its pods, also those that are gone. An event that goes on is one
 * object whose count grows: each of its occurrences counts, of one that is older than the first window those from the first look on
 * and the one that it shows.
 */
export function eventsSource({ target, reasons, ignore }: EventQuery, { client, namespace }: EventPlace): Source {
  const about = describeTarget(target, namespace);
  /** Counts of the last look, by event. */
  let known: ReadonlyMap<string, number> | undefined;
  let begun: number | undefined;

  async function warnings(signal: AbortSignal): Promise<Warning[]> {
    const isOfTarget = await createOwnership(target, { client, namespace }, signal);
    const found = await client.list(resources.event, namespace, { fieldSelector: 'type=Warning' }, signal);
    return found
      .map((object) => readObject(object, event))
      .filter(({ involvedObject }) => isOfTarget(involvedObject))
      .map(readWarning);
  }

  /** How often it happened since the look before. */
  function newOf({ uid, count, first, last }: Warning, since: number): number {
    const before = known?.get(uid);
    if (before !== undefined) return Math.max(0, count - before);
    if (last < since) return 0;
    return first < since ? 1 : count;
  }

  return {
    kind: 'events',
    asked: `warning events${reasons.length === 0 ? '' : ` ${reasons.join(', ')}`} of ${about}`,
    permissions: [
      ...podPermissions(target, namespace),
      ...('kind' in target && target.kind === 'deployment'
        ? [{ apiGroup: 'apps', resource: 'replicasets', verbs: ['list'], namespace }]
        : []),
      { apiGroup: '', resource: 'events', verbs: ['list'], namespace },
    ],
    lag: 0,

    async preflight(signal) {
      const found = await warnings(signal);
      const named = [...new Set(found.map(({ reason }) => reason))].slice(0, MOST_NAMED * 2).join(', ');
      return { evidence: `${found.length} warnings about ${about} are kept${named === '' ? '' : `: ${named}`}` };
    },

    async look({ from }, signal): Promise<Look> {
      begun = Math.min(begun ?? from, from);
      const since = begun;
      const found = await warnings(signal);
      const fresh = found.map((one) => ({ ...one, times: newOf(one, since) })).filter(({ times }) => times > 0);
      known = new Map(found.map(({ uid, count }) => [uid, count]));
      const counted = fresh.filter(
        ({ reason }) => (reasons.length === 0 || reasons.includes(reason)) && !ignore.includes(reason),
      );
      const sum = (some: typeof fresh) => some.reduce((all, { times }) => all + times, 0);
      const notes = counted.slice(0, MOST_NAMED).map(({ text }) => text);
      return { kind: 'counts', total: sum(fresh), bad: sum(counted), notes };
    },
  };
}

function readWarning(one: z.infer<typeof event>): Warning {
  const { metadata, involvedObject, series } = one;
  const first = one.firstTimestamp ?? one.eventTime ?? Date.parse(metadata.creationTimestamp ?? '');
  const reason = excerpt(one.reason ?? '', 80);
  const object = `${involvedObject.kind ?? 'object'} ${involvedObject.name ?? ''}`;
  return {
    uid: metadata.uid ?? metadata.name,
    reason,
    count: Math.max(1, series?.count ?? one.count ?? 1),
    // One without any time happened at an unknown time: it counts.
    first: Number.isNaN(first) ? Number.POSITIVE_INFINITY : first,
    last:
      [series?.lastObservedTime, one.lastTimestamp, first].find((at) => typeof at === 'number' && at > 0) ?? Infinity,
    text: excerpt(`${reason} of ${object}: ${one.message ?? ''}`, 300),
  };
}

type Involved = z.infer<typeof event>['involvedObject'];

/** Tells whether an event is about the target; pods that are gone are known by the names that their owner gives. */
async function createOwnership(
  target: PodTarget,
  place: EventPlace,
  signal: AbortSignal,
): Promise<(involved: Involved) => boolean> {
  const { client, namespace } = place;
  const labelSelector = await selectorOf(target, place, signal);
  const pods = await client.list(resources.pod, namespace, { labelSelector }, signal);
  const podNames = new Set(pods.map(({ metadata }) => metadata.name));
  if ('selector' in target) return ({ kind, name }) => kind === 'Pod' && podNames.has(name ?? '');
  const { kind: type, name: workload } = target;
  const sets =
    type === 'deployment' ? await client.list(resources.replicaSet, namespace, { labelSelector }, signal) : [];
  const setNames = sets.filter((set) => isOwned(set, workload)).map(({ metadata }) => metadata.name);
  // https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-network-id, and five random characters elsewhere.
  const owners = type === 'deployment' ? setNames : [workload];
  const isPod = (name: string) =>
    podNames.has(name) ||
    owners.some((owner) => name.startsWith(`${owner}-`) && /^(?:\d+|[a-z0-9]{5})$/.test(name.slice(owner.length + 1)));
  return ({ kind, name }) => {
    if (name == null) return false;
    if (kind === 'Pod') return isPod(name);
    if (kind === 'ReplicaSet') return setNames.includes(name);
    return kind === workloadTypes[type].kind && name === workload;
  };
}

function isOwned({ metadata }: KubernetesObject, deployment: string): boolean {
  return (metadata.ownerReferences ?? []).some(({ kind, name }) => kind === 'Deployment' && name === deployment);
}

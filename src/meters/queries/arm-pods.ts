import * as z from 'zod';
import type { KubernetesClient } from '../../cluster/client.ts';
import { createInformer } from '../../cluster/informer.ts';
import { readObject } from '../../cluster/read-object.ts';
import { resources } from '../../cluster/resources.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import type { Arm } from '../../judge/readings.ts';
import { type OwnTraffic, ownTraffic } from '../own/own-paths.ts';
import { escapeRegex, type Labels } from '../series/selector.ts';
import type { Names } from './rules.ts';

/** The pods that belong to the arms according to the API server, including earlier pods of this rollout. */
export interface ArmPods {
  /** Matches the names of an arm's pods, and few others; undefined for an arm that has never had any. */
  pattern(arm: Arm): string | undefined;
  /** The arm to which a pod of this name belongs. */
  armOf(pod: string): Arm | undefined;
  /**
   * The start times of the container whose process counts a series, in milliseconds since the epoch; empty if it is unknown
   * which container that is.
   */
  startsOf(pod: string, labels: Labels): readonly number[];
  /** The requests that the pods get without any user. */
  readonly own: readonly OwnTraffic[];
}

const ARMS = ['stable', 'canary'] as const satisfies readonly Arm[];

/** How many characters of a generated name the API server keeps, and how many it adds (`k8s.io/apiserver/pkg/storage/names`). */
const [LONGEST_BASE, RANDOM_PART] = [58, 5];

const running = z.looseObject({ startedAt: z.string().nullish() });
const podShape = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    generateName: z.string().optional(),
    labels: z.record(z.string(), z.string()).default({}),
    ownerReferences: z
      .array(z.looseObject({ kind: z.string(), name: z.string(), controller: z.boolean().optional() }))
      .default([]),
  }),
  spec: z
    .looseObject({
      containers: z
        .array(
          z.looseObject({
            name: z.string(),
            ports: z.array(z.looseObject({ containerPort: z.number() })).default([]),
          }),
        )
        .default([]),
      initContainers: z.array(z.looseObject({ restartPolicy: z.string().optional() })).default([]),
    })
    .prefault({}),
  status: z
    .looseObject({
      containerStatuses: z
        .array(
          z.looseObject({
            name: z.string(),
            state: z.looseObject({ running: running.nullish() }).nullish(),
            lastState: z.looseObject({ terminated: running.nullish() }).nullish(),
          }),
        )
        .default([]),
    })
    .prefault({}),
});
type Pod = z.infer<typeof podShape> & { readonly own: OwnTraffic | undefined };

/**
 * Follows the pods of both arms by watches. A pod that matches both selectors belongs to the arm whose workload owns it. While
 * the API server is away, the last known pods count, as their metrics come from elsewhere.
 *
 * @param selectors label selectors of the arms' pods
 * @param lifetime ends the watches
 * @returns the current state; the same object as before if no pod has changed. It throws SluiceError `invalid-input` for a pod
 *   that may belong to either arm.
 */
export function followArmPods(
  client: KubernetesClient,
  names: Names,
  selectors: Readonly<Record<Arm, string>>,
  lifetime: AbortSignal,
): (signal: AbortSignal) => Promise<ArmPods> {
  const seen: Readonly<Record<Arm, Map<string, Pod>>> = { stable: new Map(), canary: new Map() };
  let known: ArmPods | undefined;
  let listed = false;
  const follow = (arm: Arm) => {
    const source = {
      type: resources.pod,
      namespace: names.namespace,
      selector: { labelSelector: selectors[arm] },
    };
    return createInformer(client, source, lifetime, (objects) => {
      for (const object of objects) {
        seen[arm].set(object.metadata.name, { ...readObject(object, podShape), own: ownTraffic(object, undefined) });
      }
      known = undefined;
    });
  };
  const informers = ARMS.map(follow);
  return async (signal) => {
    try {
      await Promise.all(informers.map((informer) => informer.objects(signal)));
      listed = true;
    } catch (error) {
      if (!listed || !isSluiceError(error)) throw error;
    }
    known ??= armPods(seen, names);
    return known;
  };
}

function armPods(seen: Readonly<Record<Arm, ReadonlyMap<string, Pod>>>, names: Names): ArmPods {
  const of = (arm: Arm, other: Arm) => {
    const own = [...seen[arm].values()].filter((pod) => {
      if (!seen[other].has(pod.metadata.name)) return true;
      const [isOwn, isOthers] = [isOwnedBy(pod, names[arm].workload), isOwnedBy(pod, names[other].workload)];
      if (isOwn === isOthers) throw sharedPod(pod, names);
      return isOwn;
    });
    return new Map(own.map((pod) => [pod.metadata.name, pod]));
  };
  const all: Readonly<Record<Arm, ReadonlyMap<string, Pod>>> = {
    stable: of('stable', 'canary'),
    canary: of('canary', 'stable'),
  };
  return {
    pattern(arm) {
      const patterns = [...all[arm].values()].map(patternOf);
      return patterns.length === 0 ? undefined : [...new Set(patterns)].toSorted().join('|');
    },
    armOf: (pod) => ARMS.find((arm) => all[arm].has(pod)),
    startsOf(pod, labels) {
      const found = all.canary.get(pod) ?? all.stable.get(pod);
      return found ? startsOfContainer(found, labels) : [];
    },
    own: ARMS.flatMap((arm) => [...all[arm].values()].flatMap(({ own }) => own ?? [])),
  };
}

/** A Deployment owns pods by ReplicaSets, whose names end with the hash in a label of their pods. */
function isOwnedBy({ metadata: { labels, ownerReferences } }: Pod, workload: string): boolean {
  const owner = ownerReferences.find(({ controller }) => controller) ?? ownerReferences[0];
  const hash = labels['pod-template-hash'];
  return owner?.name === (owner?.kind === 'ReplicaSet' ? `${workload}-${hash}` : workload);
}

function sharedPod({ metadata }: Pod, { namespace }: Names): SluiceError {
  return new SluiceError('invalid-input', {
    about: `Pod ${namespace}/${metadata.name}`,
    problem: 'is picked by the label selectors of both arms.',
    next: 'Give each arm a label that the other does not have.',
  });
}

/** The pods of a ReplicaSet have a common prefix, those of a StatefulSet names that differ only in a number. */
function patternOf({ metadata: { name, generateName } }: Pod): string {
  const base = generateName?.slice(0, LONGEST_BASE) ?? '';
  if (base !== '' && name.startsWith(base) && name.length === base.length + RANDOM_PART)
    return `${escapeRegex(base)}[a-z0-9]{${RANDOM_PART}}`;
  const [, numbered] = /^(.+-)\d+$/.exec(name) ?? [];
  return numbered === undefined ? escapeRegex(name) : `${escapeRegex(numbered)}[0-9]+`;
}

/** Takes the container that the series names, the one whose port was scraped, or the only one. */
function startsOfContainer({ spec, status }: Pod, labels: Labels): number[] {
  const port = Number(/:(\d+)$/.exec(labels.instance ?? '')?.[1]);
  const sidecars = spec.initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  const [, ...others] = [...spec.containers, ...sidecars];
  const container =
    spec.containers.find(({ name }) => name === labels.container) ??
    spec.containers.find(({ ports }) => ports.some(({ containerPort }) => containerPort === port)) ??
    (others.length === 0 ? spec.containers[0] : undefined);
  const found = status.containerStatuses.find(({ name }) => name === container?.name);
  const starts = [found?.lastState?.terminated?.startedAt, found?.state?.running?.startedAt];
  return starts.map((text) => Date.parse(text ?? '')).filter((time) => !Number.isNaN(time));
}

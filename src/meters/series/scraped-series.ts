import type { History } from './readiness.ts';
import { type Labels, NAME } from './selector.ts';
import { createTargets, type FindTarget, type TargetLabels, targetKey } from './targets.ts';

/** The measurement of one series, with what tells its origin. */
export interface Measurement {
  readonly labels: Labels;
  readonly value: number;
  readonly at: number;
  /** This measurement and those before it, oldest first, if known. */
  readonly history?: History;
}

/** The origin of a series, and the labels that remain without the scrape target's: the application's own. */
export interface ScrapedSeries {
  /** Identity of the scrape target. */
  readonly target: string;
  /** True if the target's labels are known, false if they are guessed. */
  readonly known: boolean;
  /** The name of the counting process in readings: a pod's name, or the target's address. */
  readonly instance: string;
  /** Common to all scrapes of the same process: its pod, or its address without the port. */
  readonly process: string;
  readonly labels: Labels;
}

/** Labels in which scrape configurations write the pod's name; the first that a target has counts. */
const podLabels = ['pod', 'kubernetes_pod_name', 'k8s_pod_name', 'pod_name', 'kubernetes_pod'];
/** Labels in which a process itself names its pod. */
const ownPodLabels = ['controller_pod'];
/**
 * Labels that distinguish replicas of Prometheus and its agents: Prometheus operator, Mimir and Cortex, Thanos,
 * VictoriaMetrics.
 */
const replicaLabels = /^(__replica__|prometheus|.*replica)$/;
/** The most levels of federation: a federating server, perhaps behind another one. */
const MOST_RELAYS = 3;

/**
 * Separates the target's labels from the application's. The labels that a series has in common with `up` of its target are the
 * target's, wherever they come from. If no `up` matches (remote write of selected series, federation), the target's are the
 * job, the instance and the labels of replicas: one series alone tells no more.
 *
 * @param ups the labels of `up`
 * @param starts the labels of `process_start_time_seconds`, which are the target's too
 */
export function createPlacer(ups: readonly Labels[], starts: readonly Labels[]): Placer {
  const ofUps = createTargets(ups);
  const ofStarts = createTargets(starts);
  const find: FindTarget = (labels) => ofUps(labels) ?? ofStarts(labels);
  return (labels) => {
    const target = find(labels);
    return target ? { target, key: targetKey(target), find } : { target: undefined, key: guessedKey(labels), find };
  };
}

/** Finds the target from which a series was scraped. */
export type Placer = (labels: Labels) => FoundTarget;

interface FoundTarget {
  readonly target: TargetLabels | undefined;
  readonly key: string;
  readonly find: FindTarget;
}

/** The series with their origins, in the same order. */
export function placeSeries<M extends Measurement>(
  measurements: readonly M[],
  place: Placer,
): (ScrapedSeries & { readonly measurement: M })[] {
  const placed = measurements.map((measurement) => ({
    measurement,
    labels: measurement.labels,
    found: place(measurement.labels),
  }));
  const honored = honoredLabels(placed);
  const pods = podsOfTargets(placed);
  const named = placed.map(({ measurement, labels, found }) => {
    const own = honored.get(honorKey(found.key, labels)) ?? new Set();
    const stripped = strip(labels, found, own);
    const pod = pods.get(found.key) ?? firstOf(podLabels, stripped.relayed ?? {});
    const address = (stripped.relayed ?? found.target ?? labels).instance ?? '';
    return {
      measurement,
      target: found.key + (stripped.relayed ? guessedKey(stripped.relayed) : ''),
      known: found.target !== undefined && stripped.relayed === undefined,
      instance: pod ?? address,
      pod,
      address,
      labels: stripped.labels,
    };
  });
  const hosts = Map.groupBy(named, ({ address }) => hostOf(address));
  return named.map(({ pod, address, ...series }) => {
    const neighbours = new Set((hosts.get(hostOf(address)) ?? []).flatMap((other) => other.pod ?? []));
    // A job without a label for the pod still has the pod's address.
    const [only] = neighbours.size === 1 && address !== '' ? neighbours : [];
    return { ...series, process: pod ?? only ?? hostOf(address) };
  });
}

type Placed = { readonly labels: Labels; readonly found: FoundTarget };

/** Target labels for which series have other values, because of `honor_labels`. They are the application's. */
function honoredLabels(placed: readonly Placed[]): Map<string, Set<string>> {
  const honored = new Map<string, Set<string>>();
  for (const { labels, found } of placed) {
    if (!found.target) continue;
    const key = honorKey(found.key, labels);
    const own = honored.get(key) ?? new Set<string>();
    for (const [label, value] of Object.entries(found.target)) {
      if (labels[label] !== undefined && labels[label] !== value) own.add(label);
    }
    honored.set(key, own);
  }
  return honored;
}

function honorKey(target: string, labels: Labels): string {
  return `${labels[NAME] ?? ''} ${target}`;
}

/** The pod of each target: from its own labels, else from those that all of its series share. */
function podsOfTargets(placed: readonly Placed[]): Map<string, string | undefined> {
  const targets = Map.groupBy(placed, ({ found }) => found.key);
  return new Map(
    [...targets].map(([key, ofTarget]) => {
      const known = firstOf(podLabels, ofTarget[0]?.found.target ?? {});
      const shared = [...podLabels, ...ownPodLabels].find((label) => {
        const values = new Set(ofTarget.map(({ labels }) => labels[label]));
        return values.size === 1 && !values.has(undefined);
      });
      return [key, known ?? (shared && ofTarget[0]?.labels[shared])];
    }),
  );
}

/** The labels without the target's. `relayed` are the labels that a federated series had on the other Prometheus. */
function strip(labels: Labels, { target, find }: FoundTarget, honored: ReadonlySet<string>) {
  if (!target) return { labels: withoutGuessed(labels), relayed: undefined };
  let own = withoutTarget(labels, target, honored);
  let relayed: Labels | undefined;
  for (let relays = 0; relays < MOST_RELAYS && isScraped(own); relays += 1) {
    relayed = own;
    const inner = find(own);
    own = inner ? withoutTarget(own, inner, new Set()) : withoutGuessed(own);
  }
  return { labels: own, relayed };
}

/** Whether the labels include those that a scrape adds, with an address as the instance. */
function isScraped({ job, instance }: Labels): boolean {
  return job !== undefined && /:\d+$/.test(instance ?? '');
}

function withoutTarget(labels: Labels, target: TargetLabels, honored: ReadonlySet<string>): Labels {
  return without(
    labels,
    (label) => target[label] !== undefined && target[label] === labels[label] && !honored.has(label),
  );
}

function withoutGuessed(labels: Labels): Labels {
  return without(labels, (label) => isGuessed(label) || labels[`exported_${label}`] !== undefined);
}

function isGuessed(label: string): boolean {
  return label === 'job' || label === 'instance' || replicaLabels.test(label);
}

/** Restores a label of the application that the scrape renamed because the target has the same: `exported_service`. */
function without(labels: Labels, isTargets: (label: string) => boolean): Labels {
  const own = Object.entries(labels).filter(([label]) => !isTargets(label));
  return Object.fromEntries(
    own.map(([label, value]) => {
      const [, before = ''] = /^exported_(.+)$/.exec(label) ?? [];
      return [labels[before] !== undefined && isTargets(before) ? before : label, value];
    }),
  );
}

function guessedKey(labels: Labels): string {
  const pod = [...podLabels, ...ownPodLabels].find((label) => labels[label]);
  const names = Object.keys(labels).filter((label) => isGuessed(label) || label === pod);
  return JSON.stringify(names.toSorted().map((label) => [label, labels[label]]));
}

function firstOf(names: readonly string[], labels: Labels): string | undefined {
  const label = names.find((candidate) => labels[candidate]);
  return label === undefined ? undefined : labels[label];
}

/** `10.0.0.7` of `10.0.0.7:8080`; also for `[::1]:80`. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, '');
}

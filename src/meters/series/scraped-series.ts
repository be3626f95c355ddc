import type { History } from './readiness.ts';
import { type Labels, NAME } from './selector.ts';
import { createTargets, type FindTarget, type TargetLabels, targetKey } from './targets.ts';

/** The measurement of one series, as far as it tells where the series comes from. */
export interface Measurement {
  readonly labels: Labels;
  readonly value: number;
  readonly at: number;
  /** The measurements before it and itself, oldest first, where they are known. */
  readonly history?: History;
}

/** What brought a series, and what is left of its labels without that: the application's own. */
export interface ScrapedSeries {
  /** Identity of the scrape target. */
  readonly target: string;
  /** The target's labels are known, and not guessed. */
  readonly known: boolean;
  /** The process that counts, as it is called in readings: a pod's name, or the target's address. */
  readonly instance: string;
  /** Where scrapes of the same process are to be looked for: its pod, or its address without the port. */
  readonly process: string;
  readonly labels: Labels;
}

/** Labels in which scrape configurations write the pod's name; the first that a target has is taken. */
const podLabels = ['pod', 'kubernetes_pod_name', 'k8s_pod_name', 'pod_name', 'kubernetes_pod'];
/** Labels in which a process itself says in which pod it runs. */
const ownPodLabels = ['controller_pod'];
/** What tells replicas of Prometheus and its agents apart: Prometheus operator, Mimir and Cortex, Thanos, VictoriaMetrics. */
const replicaLabels = /^(__replica__|prometheus|.*replica)$/;
/** Scrapes of scrapes: a federating server, behind it perhaps another one. */
const MOST_RELAYS = 3;

/**
 * Tells the target's labels from the application's. Those that a series has in common with `up` of its target are the
 * target's, in whatever way they came to it. Where no `up` fits (selected series that were written remotely, federation),
 * the job, the instance and the labels of replicas are: no more can be known from one series alone.
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

/** Finds what a series was scraped from. */
export type Placer = (labels: Labels) => FoundTarget;

interface FoundTarget {
  readonly target: TargetLabels | undefined;
  readonly key: string;
  readonly find: FindTarget;
}

/** The series with what brought them, in the same order. */
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

/** Labels of targets that series have with values of their own: `honor_labels`. They are the application's. */
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

/** The pod of each target: of its own labels, else of those that all of its series share. */
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

/** The labels without the target's. Of a series that was scraped from another Prometheus, `relayed` are those that it had there. */
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

/** Has the labels that a scrape adds, of which one is an address. */
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

/** A label of the application with the name of one of the target's was renamed by the scrape: `exported_service`. */
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

/** `10.0.0.7` of `10.0.0.7:8080`; also of `[::1]:80`. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, '');
}

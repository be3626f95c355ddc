import type { Arm } from '../../judge/readings.ts';

/** The counts of a pod whose series have no path. */
export interface PodCount {
  readonly pod: string;
  /** All requests that the pod counts. */
  readonly requests: number;
  /** How often its metrics were read before this count. */
  readonly asked: number;
  /** HTTP probes a second. */
  readonly probesPerSecond: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly startedAt: number | undefined;
}

interface Known {
  /** The start of counting for the pod in milliseconds since the epoch, with its counts at that time. */
  readonly since: number;
  readonly requests: number;
  readonly asked: number;
  /** The most own requests of its earlier processes. */
  readonly before: number;
  last: number;
  own: number;
  countsAsked: boolean;
  countsProbes: boolean;
}

type Counts = Readonly<Record<Arm, readonly PodCount[]>>;

/** The kubelet is sometimes late: a pod with fewer requests than this part of the due probes does not count probes. */
const PROBES_MADE = 0.8;

/**
 * The most requests in the pods' counts that are not from users: reads of their metrics, and probes. If a pod once counted
 * fewer requests than it got of a kind, it does not count that kind at all.
 */
export function createOwnRequests() {
  const known = new Map<string, Known>();
  let first: number | undefined;

  function ownOf(count: PodCount): number {
    const { requests, asked, at } = count;
    const found = known.get(count.pod) ?? begin(count);
    const restarted = requests < found.last;
    const pod = restarted ? { ...found, since: at, requests: 0, asked, before: found.own } : found;
    known.set(count.pod, pod);
    const gained = requests - pod.requests;
    const asks = asked - pod.asked;
    const probes = (count.probesPerSecond * (at - pod.since)) / 1_000;
    pod.countsAsked &&= gained >= Math.floor(asks);
    pod.countsProbes &&= gained >= Math.floor(probes * PROBES_MADE) - 1;
    pod.own = pod.before + Math.min(gained, (pod.countsAsked ? asks : 0) + (pod.countsProbes ? probes : 0));
    pod.last = requests;
    return pod.own;
  }

  /** Counts a pod of the first look from there, and a later pod from its start, as the judge does. */
  function begin({ requests, asked, at, startedAt }: PodCount): Known {
    const fresh = { before: 0, last: requests, own: 0, countsAsked: true, countsProbes: true };
    if (first === undefined) return { since: at, requests, asked, ...fresh };
    return { since: Math.max(first, startedAt ?? at), requests: 0, asked: 0, ...fresh };
  }

  return {
    /** @returns the most own requests of each arm since the first look, as whole numbers */
    take(counts: Counts): Record<Arm, number> {
      const of = (arm: Arm) => Math.ceil(counts[arm].reduce((sum, count) => sum + ownOf(count), 0));
      const own = { stable: of('stable'), canary: of('canary') };
      first ??= [...counts.stable, ...counts.canary][0]?.at;
      return own;
    },
    knows: (pod: string): boolean => known.has(pod),
    /** Called if quick looks have shown that the pod counts fewer requests than it got. */
    countsNoLooks(pod: string): void {
      const found = known.get(pod);
      if (found) found.countsAsked = false;
    },
  };
}

import type { Arm } from '../../judge/readings.ts';

/** What was counted of a pod whose series don't say which path was asked for. */
export interface PodCount {
  readonly pod: string;
  /** All requests that the pod counts. */
  readonly requests: number;
  /** Times that its metrics were asked for until now, without the one that brought this. */
  readonly asked: number;
  /** HTTP probes a second. */
  readonly probesPerSecond: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly startedAt: number | undefined;
}

interface Known {
  /** Milliseconds since the epoch from which on the pod is counted, with what it had counted and been asked until then. */
  readonly since: number;
  readonly requests: number;
  readonly asked: number;
  /** What its processes before this one have made, at most. */
  readonly before: number;
  last: number;
  own: number;
  countsAsked: boolean;
  countsProbes: boolean;
}

type Counts = Readonly<Record<Arm, readonly PodCount[]>>;

/** The kubelet is late at times: fewer probes than this part of those that are due are none that are counted. */
const PROBES_MADE = 0.8;

/**
 * How many of the requests that pods count may be none of a user's: looks at their metrics, and probes. A pod that counted
 * less than it was asked does not count these at all, once and for all.
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

  /** A pod of the first look is counted from there; a later one from its own beginning, as the judge counts it. */
  function begin({ requests, asked, at, startedAt }: PodCount): Known {
    const fresh = { before: 0, last: requests, own: 0, countsAsked: true, countsProbes: true };
    if (first === undefined) return { since: at, requests, asked, ...fresh };
    return { since: Math.max(first, startedAt ?? at), requests: 0, asked: 0, ...fresh };
  }

  return {
    /** @returns at most so many requests of each arm since the first look, whole numbers */
    take(counts: Counts): Record<Arm, number> {
      const of = (arm: Arm) => Math.ceil(counts[arm].reduce((sum, count) => sum + ownOf(count), 0));
      const own = { stable: of('stable'), canary: of('canary') };
      first ??= [...counts.stable, ...counts.canary][0]?.at;
      return own;
    },
    knows: (pod: string): boolean => known.has(pod),
    /** What a quick series of looks has shown: the pod counted less than it was asked. */
    countsNoLooks(pod: string): void {
      const found = known.get(pod);
      if (found) found.countsAsked = false;
    },
  };
}

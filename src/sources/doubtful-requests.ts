import type { Window } from '../judge/looks/look.ts';
import type { Classified } from '../meters/counting/classify.ts';
import { createOriginOf, type OwnTraffic } from '../meters/own/own-paths.ts';
import { createOwnRequests, type PodCount } from '../meters/own/own-requests.ts';
import type { Series } from '../meters/prometheus/answers.ts';
import type { Rule } from '../meters/queries/rules.ts';
import { measuredAt } from './count-window.ts';

/** The most requests of a window that the pods may have got by their own specification, as no label of theirs tells the path. */
export function doubtfulRequests(
  found: readonly Classified<Series>[],
  { from, to }: Window,
  { own, rules }: { readonly own: readonly OwnTraffic[]; readonly rules: readonly Rule[] },
): number {
  const originOf = createOriginOf(own, rules);
  const unknown = found.filter(({ counter, sample }) => counter.kind === 'requests' && isUnknown(originOf, sample));
  const most = Math.max(0, ...own.map(({ probesPerSecond }) => probesPerSecond));
  const pods = [...Map.groupBy(unknown, ({ counter }) => counter.instance)];
  const countAt = (at: number): PodCount[] =>
    pods.map(([pod, counters]) => {
      const measured = counters.flatMap((one) => measuredAt(one, at));
      const times = counters.flatMap(({ sample }) => sample.history.map((point) => point.at));
      return {
        pod,
        requests: measured.reduce((sum, { value }) => sum + (Number.isFinite(value) ? value : 0), 0),
        asked: new Set(times.filter((time) => time > from && time <= at)).size,
        // A pod that is gone had the probes of those that are there.
        probesPerSecond: own.find((one) => one.pod === pod)?.probesPerSecond ?? most,
        at,
        startedAt: measured[0]?.startedAt,
      };
    });
  const requests = createOwnRequests();
  requests.take({ stable: countAt(from), canary: [] });
  return requests.take({ stable: countAt(to), canary: [] }).stable;
}

function isUnknown(originOf: ReturnType<typeof createOriginOf>, { labels }: Series): boolean {
  return originOf(labels) === 'unknown';
}

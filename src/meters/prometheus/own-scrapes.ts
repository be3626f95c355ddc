import type { Arm, Reading } from '../../judge/readings.ts';
import type { Classified, Sample } from '../counting/classify.ts';
import { createOriginOf, type OwnTraffic } from '../own/own-paths.ts';
import { createOwnRequests, type PodCount } from '../own/own-requests.ts';
import type { Rule } from '../queries/rules.ts';

/** Counts the own requests of both arms' pods, if their labels do not identify them. */
export function createOwnScrapes() {
  const ownRequests = createOwnRequests();
  const scrapes = new Map<string, { readonly at: number; readonly count: number }>();

  /** Every new measurement of a process is one more scrape of it. */
  function countScrape(instance: string, at: number): number {
    const before = scrapes.get(instance);
    const count = (before?.count ?? -1) + (before?.at === at ? 0 : 1);
    scrapes.set(instance, { at, count });
    return count;
  }

  return {
    /**
     * The most requests without a path in their labels that may be scrapes, or probes.
     *
     * @returns undefined if every request has a path, or only users could have sent them
     */
    count(
      traffic: readonly OwnTraffic[],
      rules: readonly Rule[],
      found: readonly Classified<Sample>[],
    ): Reading['own'] {
      const originOf = createOriginOf(traffic, rules);
      const counts = (arm: Arm): PodCount[] => {
        const requests = found.filter(
          ({ arm: of, counter, sample }) =>
            of === arm && counter.kind === 'requests' && originOf(sample.labels) === 'unknown',
        );
        const perPod = Map.groupBy(requests, ({ counter }) => counter.instance);
        const ofArms = [...perPod].filter(([pod]) => traffic.length === 0 || traffic.some((one) => one.pod === pod));
        return ofArms.map(([pod, counted]): PodCount => {
          const at = Math.max(...counted.map(({ counter }) => counter.at));
          return {
            pod,
            requests: counted.reduce((sum, { counter: { value } }) => sum + (Number.isFinite(value) ? value : 0), 0),
            asked: countScrape(pod, at),
            probesPerSecond: traffic.find((one) => one.pod === pod)?.probesPerSecond ?? 0,
            at,
            startedAt: counted[0]?.counter.startedAt,
          };
        });
      };
      const [stable, canary] = [counts('stable'), counts('canary')];
      return stable.length + canary.length === 0 ? undefined : ownRequests.take({ stable, canary });
    },
  };
}

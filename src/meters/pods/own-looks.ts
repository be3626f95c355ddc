import type { Clock } from '../../core/clock.ts';
import { inParallel } from '../../core/parallel.ts';
import type { Arm, Reading } from '../../judge/readings.ts';
import type { Classified, Sample } from '../counting/classify.ts';
import { createOriginOf } from '../own/own-paths.ts';
import { createOwnRequests, type PodCount } from '../own/own-requests.ts';
import type { Rule } from '../queries/rules.ts';
import { createNameFilter } from '../series/selector.ts';
import type { Question } from './look.ts';
import { CONCURRENCY, ownOf, type PodAnswer } from './pod-sources.ts';
import type { Scrape } from './scrape.ts';

/** The number of looks in a row that shows whether a pod counts them: users rarely send as many in that time. */
const IN_A_ROW = 3;

/** Estimates how many requests without a path in their labels may be Sluice's own looks, or probes. */
export function createOwnLooks(clock: Clock, scrape: Scrape) {
  const ownRequests = createOwnRequests();

  /** Reads a pod several times in a row: if its count grows by less, it does not count looks. */
  async function tryOut(answer: PodAnswer, before: number, question: Question, signal: AbortSignal): Promise<void> {
    let last = answer;
    const wanted = createNameFilter(question.rules.map(({ selector }) => selector));
    for (let looks = 0; looks < IN_A_ROW; looks += 1) last = await scrape.askPod(answer, wanted, signal);
    const pathless = pathlessOf(question.rules, [answer]);
    const gained = total(pathless(question.classify(last.samples))) - before;
    if (last.failure === undefined && gained < IN_A_ROW) ownRequests.countsNoLooks(answer.pod.name);
  }

  return {
    /** @returns undefined if every request has a path, which tells who sent it */
    async count(
      all: readonly PodAnswer[],
      found: readonly Classified<Sample>[],
      question: Question,
      signal: AbortSignal,
    ): Promise<Reading['own']> {
      const pathless = pathlessOf(question.rules, all)(found);
      if (pathless.length === 0) return undefined;
      const perPod = Map.groupBy(pathless, ({ counter }) => counter.instance);
      const requestsOf = ({ pod }: PodAnswer) => total(perPod.get(pod.name) ?? []);
      const answering = all.filter(({ failure }) => failure === undefined);
      const counts = (arm: Arm) =>
        answering
          .filter((answer) => answer.arm === arm)
          .map(
            (answer): PodCount => ({
              pod: answer.pod.name,
              requests: requestsOf(answer),
              asked: Math.max(scrape.answersOf(answer.pod.name) - 1, 0),
              probesPerSecond: answer.own?.probesPerSecond ?? 0,
              at: clock.now(),
              startedAt: answer.pod.startedAt,
            }),
          );
      const unseen = answering.filter(({ pod }) => !ownRequests.knows(pod.name));
      const own = ownRequests.take({ stable: counts('stable'), canary: counts('canary') });
      await inParallel(unseen, (answer) => tryOut(answer, requestsOf(answer), question, signal), CONCURRENCY);
      return own;
    },
  };
}

/** Keeps the counts of requests whose labels have no path. */
function pathlessOf(rules: readonly Rule[], answers: readonly PodAnswer[]) {
  const originOf = createOriginOf(ownOf(answers), rules);
  return (found: readonly Classified<Sample>[]) =>
    found.filter(({ counter, sample }) => counter.kind === 'requests' && originOf(sample.labels) === 'unknown');
}

function total(found: readonly Classified<Sample>[]): number {
  return found.reduce((sum, { counter }) => sum + (Number.isFinite(counter.value) ? counter.value : 0), 0);
}

import type { MeterReadiness } from '../../canary/ports.ts';
import type { Clock } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Arm } from '../../judge/readings.ts';
import { type Classified, isStableRequest, newestOf } from '../counting/classify.ts';
import { requireErrors } from '../counting/require-errors.ts';
import { explainNoSeries } from '../queries/no-series.ts';
import { stableRequestSelectors } from '../queries/queries.ts';
import type { Variants } from '../queries/variants.ts';
import { readiness, requestRate, usualInterval } from '../series/readiness.ts';
import { NAME } from '../series/selector.ts';
import { requireSteady, type Watched } from '../series/steady.ts';
import { LEAST_STALE, type Series, staleAfter } from './answers.ts';
import type { PrometheusApi } from './api.ts';
import { catalogOf } from './catalog.ts';
import type { Choice } from './choice.ts';
import type { Question } from './question.ts';

/** After this many measurements without growth, a counter counts as standing still. */
const ENOUGH_POINTS = 4;

/** The result of the preflight. */
interface Found {
  readonly question: Question;
  /** Milliseconds between two scrapes. */
  readonly interval: number;
  readonly readiness: MeterReadiness;
}

/** Checks that the question can be answered. */
export function createPreflight({
  api,
  clock,
  choice,
  variants,
}: {
  readonly api: PrometheusApi;
  readonly clock: Clock;
  readonly choice: Choice;
  readonly variants: Variants;
}) {
  /** The first look, repeated until the counters grow, or were measured often enough to know that they do not. */
  async function compare(signal: AbortSignal) {
    const until = clock.now() + LEAST_STALE;
    for (;;) {
      const chosen = await choice.chooseWhole(signal);
      if (!chosen)
        throw await explainNoSeries(stableRequestSelectors(await variants(signal)), catalogOf(api, clock, signal));
      const stable = chosen.found.filter(isStableRequest);
      requireFresh(stable, chosen.question);
      const histories = stable.map(({ sample }) => sample.history);
      const interval = usualInterval(histories);
      const grew = (requestRate(histories) ?? 0) > 0;
      const often = histories.some((history) => history.length >= ENOUGH_POINTS);
      if (interval !== undefined && (grew || often || clock.now() > until)) return { ...chosen, stable, interval };
      if (clock.now() > until) {
        throw new SluiceError('bad-query', {
          about: `query ${chosen.question.selectors.join(', ')}`,
          problem: `was measured only once in ${LEAST_STALE / 1_000} s, so it can't be seen to grow.`,
          next: 'Let Prometheus scrape these targets at least once a minute.',
        });
      }
      await clock.sleep(1_000, signal);
    }
  }

  function requireFresh(stable: readonly Classified<Series>[], { selectors }: Question): void {
    const age = clock.now() - newestOf(stable);
    const limit = staleAfter(usualInterval(stable.map(({ sample }) => sample.history)));
    if (age <= limit) return;
    throw new SluiceError('bad-query', {
      about: `query ${selectors.join(', ')}`,
      problem: `was last measured ${Math.round(age / 1_000)} s ago, by the clock of this runner: ${api.name} no longer scrapes it.`,
      next: 'Check the scrape targets and the clocks.',
    });
  }

  return async function preflight(signal: AbortSignal): Promise<Found> {
    const { question, found, stable, interval } = await compare(signal);
    requireSteady(found.map(watched));
    const requests = stable.map(({ sample }) => sample.labels);
    const catalog = catalogOf(api, clock, signal);
    const notes = await requireErrors(question.rules, requests, catalog);
    const histories = (arm: Arm) =>
      found.flatMap(({ arm: of, counter, sample }) =>
        of === arm && counter.kind === 'requests' ? [sample.history] : [],
      );
    return {
      question,
      interval,
      readiness: readiness(
        `${api.name}, ${question.selectors.join(', ')}`,
        { stable: histories('stable'), canary: histories('canary') },
        [...notes, `scraped every ${Number((interval / 1_000).toPrecision(2))} s`],
      ),
    };
  };
}

function watched({ counter, sample, starts }: Classified<Series>): Watched {
  return { name: sample.labels[NAME] ?? '', instance: counter.instance, history: sample.history, starts };
}

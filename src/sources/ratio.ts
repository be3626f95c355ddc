import { SluiceError } from '../core/errors.ts';
import type { Source } from '../gates/ports.ts';
import type { Look, Window } from '../judge/looks/look.ts';
import { createClassifier } from '../meters/counting/classify.ts';
import { requireErrors } from '../meters/counting/require-errors.ts';
import { seriesOf, staleAfter } from '../meters/prometheus/answers.ts';
import type { PrometheusApi } from '../meters/prometheus/api.ts';
import { catalogOf } from '../meters/prometheus/catalog.ts';
import { LOOKBACK } from '../meters/prometheus/look.ts';
import { explainNoSeries } from '../meters/queries/no-series.ts';
import { counterSelector } from '../meters/queries/own-queries.ts';
import type { Rule } from '../meters/queries/rules.ts';
import { requestRate, usualInterval } from '../meters/series/readiness.ts';
import { createNameFilter, format, type Selector, union } from '../meters/series/selector.ts';
import { countWindow } from './count-window.ts';
import type { SourceWorld } from './world.ts';

/** Counters of events, and of those among them that are bad, or good: PromQL selectors, or sums of them. */
export interface RatioQuery {
  readonly total: string;
  readonly part: { readonly bad: string } | { readonly good: string };
}

interface Question {
  readonly rules: readonly Rule[];
  readonly total: Selector;
  readonly part: Selector;
}

/**
 * Counts of two counters in a window: raw samples, each counter for each process by itself with its restarts taken out, as the
 * canary's meter counts them. `increase()` and `rate()` would lose the first error of each series and guess what lies between
 * two scrapes.
 */
export function ratioSource(query: RatioQuery, api: PrometheusApi, { clock }: SourceWorld): Source {
  const isBad = 'bad' in query.part;
  const part = 'bad' in query.part ? query.part.bad : query.part.good;
  const asked = `${part} of ${query.total}`;
  let made: Promise<Question> | undefined;
  const question = () => {
    made ??= makeQuestion(query.total, part);
    return made;
  };

  /** The series around a window, with their samples since a lookback before it. */
  async function samplesOf({ from, to }: Window, signal: AbortSignal) {
    const { rules, total, part: selected } = await question();
    const range = `[${Math.ceil((to - from + LOOKBACK) / 1_000)}s]`;
    const answers = await Promise.all(
      selectorsOf(total, selected).map((selector) => api.query(`${format(selector)}${range}`, signal, to)),
    );
    const partial = answers.flatMap(({ warnings }) => warnings);
    const series = answers.flatMap(({ data }) => seriesOf(data));
    return { partial, classified: createClassifier(rules)(series) };
  }

  return {
    kind: 'ratio',
    asked: `${asked} (${api.name})`,
    permissions: api.permissions,
    lag: 0,

    async preflight(signal) {
      const { rules, total, part: selected } = await question();
      const now = clock.now();
      const { partial, classified } = await samplesOf({ from: now, to: now }, signal);
      const counted = classified.filter(({ counter }) => counter.kind === 'requests');
      const catalog = catalogOf(api, clock, signal);
      if (counted.length === 0) throw await explainNoSeries([total], catalog);
      const isKnown = (await catalog.metricNames()).some(createNameFilter([selected]));
      if (isKnown && isBad)
        await requireErrors(
          rules,
          counted.map(({ sample }) => sample.labels),
          catalog,
        );
      if (!isKnown && !isBad) throw await explainNoSeries([selected], catalog);
      const rate = requestRate(counted.map(({ sample }) => sample.history)) ?? 0;
      return {
        evidence: `${counted.length} series of ${query.total}, ${Number(rate.toPrecision(3))} a second`,
        warnings: [
          ...partial,
          ...(isKnown
            ? []
            : [`${part} does not exist yet: it counts as 0 until its first series appears. Check its name.`]),
        ],
      };
    },

    async look(window, signal): Promise<Look> {
      const { partial, classified } = await samplesOf(window, signal);
      if (partial.length > 0)
        return { kind: 'missing', reason: `the answer is partial: ${[...new Set(partial)].join('; ')}` };
      const requests = classified.filter(({ counter }) => counter.kind === 'requests');
      if (requests.length === 0) return { kind: 'missing', reason: `${query.total} has no series` };
      const newest = Math.max(...requests.map(({ counter }) => counter.at));
      const limit = staleAfter(usualInterval(requests.map(({ sample }) => sample.history)));
      if (window.to - newest > limit)
        return {
          kind: 'missing',
          reason: `${query.total} was last measured ${Math.round((window.to - newest) / 1_000)} s before`,
        };
      const counted = countWindow(classified, window);
      if (typeof counted === 'string') return { kind: 'missing', reason: counted };
      const { requests: total, errors } = counted;
      const hasPart = classified.some(({ counter }) => counter.kind === 'errors');
      if (!hasPart && !isBad) return { kind: 'missing', reason: `${part} has no series` };
      const notes = hasPart ? [] : [`${part} has no series: taken as 0, as ${query.total} is counted.`];
      return { kind: 'counts', total, bad: isBad ? errors : total - errors, notes };
    },
  };
}

/** @throws SluiceError `bad-query` for what is no raw counter; placeholders may stand in texts */
export async function checkRatio(total: string, part: string): Promise<void> {
  await makeQuestion(total, part);
}

async function makeQuestion(total: string, part: string): Promise<Question> {
  const [ofTotal, ofPart] = [
    await counterSelector(total, 'query "total"'),
    await counterSelector(part, 'query for a part'),
  ];
  const rule = (kind: 'requests' | 'errors', selector: Selector): Rule => ({
    arm: 'stable',
    kind,
    selector,
    perSecond: 1,
  });
  if (format(ofTotal) === format(ofPart)) {
    throw new SluiceError('bad-query', {
      about: `query ${part}`,
      problem: 'picks the same series as the query for all of them.',
      next: 'Give one that picks only a part: http_requests_total{code=~"5.."} of http_requests_total.',
    });
  }
  return { rules: [rule('requests', ofTotal), rule('errors', ofPart)], total: ofTotal, part: ofPart };
}

/** One selector for both, or each by itself where they have no label in common, rather than all series. */
function selectorsOf(total: Selector, part: Selector): Selector[] {
  const all = union([total, part]);
  return all.length > 0 ? [all] : [total, part];
}

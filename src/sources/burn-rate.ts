import { formatDuration } from '../core/duration.ts';
import { figure } from '../core/wording.ts';
import type { Source } from '../gates/ports.ts';
import type { Look } from '../judge/looks/look.ts';
import { LEAST_STALE, singleValue } from '../meters/prometheus/answers.ts';
import type { PrometheusApi } from '../meters/prometheus/api.ts';
import { counterSelector } from '../meters/queries/own-queries.ts';
import { format } from '../meters/series/selector.ts';
import { type RatioQuery, ratioSource } from './ratio.ts';
import type { SourceWorld } from './world.ts';

/** Two windows over both of which the budget has to burn too fast: the long one shows that it matters, the short one that it goes on. */
export interface BurnWindows {
  /** Milliseconds, less than `long`. */
  readonly short: number;
  readonly long: number;
  /** The highest accepted burn rate: at 1, the budget lasts just as long as the period of the objective. */
  readonly above: number;
}

export interface BurnRateQuery extends RatioQuery {
  /** The share of events that may be bad, above 0. */
  readonly budget: number;
  readonly windows: readonly BurnWindows[];
}

/** One window as it was measured, or why it could not be. */
type Burn =
  | { readonly rate: number; readonly isNever: boolean; readonly isPartial: boolean }
  | { readonly missing: string };

/**
 * How fast the error budget of an objective burns, by several pairs of windows, as in
 * https://sre.google/workbook/alerting-on-slos/#6-multiwindow-multi-burn-rate-alerts. The rates are those that Sloth records:
 * `sum(rate(bad[w])) / sum(rate(total[w]))`.
 */
export function burnRateSource(query: BurnRateQuery, api: PrometheusApi, world: SourceWorld): Source {
  const isBad = 'bad' in query.part;
  const part = 'bad' in query.part ? query.part.bad : query.part.good;
  const ratio = ratioSource(query, api, world);
  const lengths = [...new Set(query.windows.flatMap(({ short, long }) => [short, long]))];

  async function ask(expression: string, at: number, signal: AbortSignal): Promise<number | string | undefined> {
    const { data, warnings } = await api.query(expression, signal, at);
    if (warnings.length > 0) return `the answer is partial: ${warnings.join('; ')}`;
    if (data.resultType === 'vector' && data.result.length === 0) return undefined;
    const single = singleValue(data);
    if (typeof single === 'string') return single;
    return Number.isFinite(single.value) ? single.value : `the answer is ${single.value}`;
  }

  async function burnOver(length: number, at: number, signal: AbortSignal): Promise<Burn> {
    const total = format(await counterSelector(query.total, 'query "total"'));
    const counted = format(await counterSelector(part, 'query for a part'));
    const range = `[${length / 1_000}s]`;
    const [all, some, before] = await Promise.all([
      ask(`sum(rate(${total}${range}))`, at, signal),
      ask(`sum(rate(${counted}${range}))`, at, signal),
      // Whether anything was counted when the window began.
      ask(`count(${total} offset ${length / 1_000}s)`, at, signal),
    ]);
    const over = formatDuration(length);
    const unusable = [all, some, before].find((answer) => typeof answer === 'string');
    if (unusable !== undefined) return { missing: `${over}: ${unusable}` };
    if (typeof all !== 'number') return { missing: `${query.total} was not counted twice in the last ${over}` };
    if (all <= 0) return { missing: `${query.total} counted nothing in the last ${over}` };
    if (typeof some !== 'number' && !isBad) return { missing: `${part} has no series` };
    const share = (typeof some === 'number' ? some : 0) / all;
    return {
      rate: Math.max(0, isBad ? share : 1 - share) / query.budget,
      isNever: some === undefined,
      isPartial: before === undefined,
    };
  }

  /** Why the newest counts are too old; `rate` answers for as long as its window has two of them. */
  async function whyStale(at: number, signal: AbortSignal): Promise<string | undefined> {
    const total = format(await counterSelector(query.total, 'query "total"'));
    const newest = await ask(`max(timestamp(${total}))`, at, signal);
    if (typeof newest !== 'number') return newest ?? `${query.total} has no series`;
    const age = at - newest * 1_000;
    return age > LEAST_STALE ? `${query.total} was last measured ${Math.round(age / 1_000)} s before` : undefined;
  }

  return {
    kind: 'burn-rate',
    asked: `${part} of ${query.total}, against a budget of ${figure(query.budget * 100)} % (${api.name})`,
    permissions: api.permissions,
    lag: 0,

    preflight: (signal) => ratio.preflight(signal),

    async look({ to }, signal): Promise<Look> {
      const [stale, ...measured] = await Promise.all([
        whyStale(to, signal),
        ...lengths.map(async (length) => [length, await burnOver(length, to, signal)] as const),
      ]);
      if (stale !== undefined) return { kind: 'missing', reason: stale };
      const burns = new Map(measured);
      const sightings = query.windows.flatMap((windows) => exceeded(windows, burns) ?? []);
      const missing = [...burns.values()].find((burn) => 'missing' in burn);
      // A pair that is exceeded is known, whatever the others are.
      if (missing && 'missing' in missing && sightings.length === 0)
        return { kind: 'missing', reason: missing.missing };
      return { kind: 'sightings', sightings, notes: notesOf(measured, query.total, part) };
    },
  };
}

/** The sighting of a pair whose windows are both above their limit. */
function exceeded({ short, long, above }: BurnWindows, burns: ReadonlyMap<number, Burn>) {
  const [quick, slow] = [burns.get(short), burns.get(long)];
  if (!quick || !slow || 'missing' in quick || 'missing' in slow) return undefined;
  if (quick.rate <= above || slow.rate <= above) return undefined;
  const over = (burn: { readonly rate: number }, length: number) =>
    `${figure(burn.rate)} over ${formatDuration(length)}`;
  return { text: `burn rate ${over(quick, short)} and ${over(slow, long)}, above ${figure(above)}` };
}

function notesOf(measured: readonly (readonly [number, Burn])[], total: string, part: string): string[] {
  const known = measured.flatMap(([length, burn]) => ('missing' in burn ? [] : [{ length, ...burn }]));
  const partial = known.filter(({ isPartial }) => isPartial).map(({ length }) => formatDuration(length));
  return [
    ...(known.length > 0 && known.every(({ isNever }) => isNever)
      ? [`${part} has no series: taken as 0, as ${total} is counted.`]
      : []),
    ...(partial.length > 0
      ? [`${total} was not counted yet ${partial.join(' and ')} ago: these burn rates are of a shorter time.`]
      : []),
  ];
}

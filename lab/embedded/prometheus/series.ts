import { createFilter, type Labels, type Selector } from '../../../src/meters/series/selector.ts';

export interface Sample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Undefined is a staleness marker: the series ends here. */
  readonly value: number | undefined;
}

export interface Series {
  readonly labels: Labels;
  readonly samples: Sample[];
}

export type SeriesStore = ReturnType<typeof createSeriesStore>;

/** Milliseconds that an instant query looks back, Prometheus' default. */
const lookback = 300_000;

/** Samples by their labels, in memory. */
export function createSeriesStore() {
  const all = new Map<string, Series>();

  return {
    append(labels: Labels, sample: Sample): void {
      const key = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
      const series = all.get(key) ?? { labels, samples: [] };
      all.set(key, series);
      const last = series.samples.at(-1);
      if (last === undefined || last.at < sample.at) series.samples.push(sample);
    },

    select(selector: Selector): Series[] {
      const matches = createFilter(selector);
      return [...all.values()].filter(({ labels }) => matches(labels));
    },
  };
}

/** The newest sample at a time, unless it is too old or the series has ended. */
export function sampleAt({ samples }: Series, time: number): { at: number; value: number } | undefined {
  const last = samples.findLast(({ at }) => at <= time);
  if (last?.value === undefined || last.at <= time - lookback) return undefined;
  return { at: last.at, value: last.value };
}

/** The samples after `from` and not after `to`. */
export function samplesIn({ samples }: Series, from: number, to: number): { at: number; value: number }[] {
  return samples.flatMap(({ at, value }) => (value === undefined || at <= from || at > to ? [] : [{ at, value }]));
}

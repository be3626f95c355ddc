import { request } from 'undici';
import { parseExposition } from '../../../src/meters/pods/exposition.ts';
import { type Labels, NAME } from '../../../src/meters/series/selector.ts';
import type { SeriesStore } from './series.ts';
import type { ScrapeTarget } from './targets.ts';

export interface Metadata {
  readonly type: string;
  readonly help: string;
}

export interface ScrapeResult {
  readonly target: ScrapeTarget;
  readonly at: number;
  readonly seconds: number;
  /** Empty after a successful scrape. */
  readonly error: string;
}

/**
 * Scrapes targets into the store: samples have the time of the scrape, `up` has a sample for each target, and series that a
 * target no longer shows (all of them, if it fails or is gone) end with a staleness marker.
 */
export function createScraper(store: SeriesStore, now: () => number) {
  const shown = new Map<string, Map<string, Labels>>();
  const metadata = new Map<string, Metadata>();
  let results: ScrapeResult[] = [];

  async function scrapeOne(target: ScrapeTarget, timeout: number): Promise<ScrapeResult> {
    const at = now();
    const before = shown.get(target.url) ?? new Map<string, Labels>();
    const current = new Map<string, Labels>();
    const append = (labels: Labels, value: number, measured = at) => {
      store.append(labels, { at: measured, value });
      current.set(JSON.stringify(labels), labels);
    };
    let error = '';
    try {
      const response = await request(target.url, { signal: AbortSignal.timeout(timeout) });
      const text = await response.body.text();
      if (response.statusCode !== 200) throw new Error(`server returned HTTP status ${response.statusCode}`);
      readMetadata(text);
      for (const { labels, value, at: measured } of parseExposition(text, () => true, refuse)) {
        append(withTarget(labels, target.labels), value, measured);
      }
    } catch (cause) {
      error = cause instanceof Error ? cause.message : String(cause);
    }
    append({ [NAME]: 'up', ...target.labels }, error === '' ? 1 : 0);
    end(before, current, at);
    shown.set(target.url, current);
    return { target, at, seconds: (now() - at) / 1_000, error };
  }

  /** Marks series that are no longer shown as stale. */
  function end(before: ReadonlyMap<string, Labels>, current: ReadonlyMap<string, Labels>, at: number): void {
    for (const [key, labels] of before) if (!current.has(key)) store.append(labels, { at, value: undefined });
  }

  function readMetadata(text: string): void {
    for (const [, word, name = '', rest = ''] of text.matchAll(/^# (TYPE|HELP) (\S+) (.*)$/gm)) {
      const known = metadata.get(name) ?? { type: 'unknown', help: '' };
      metadata.set(name, word === 'TYPE' ? { ...known, type: rest } : { ...known, help: rest });
    }
  }

  return {
    async scrape(targets: readonly ScrapeTarget[], timeout: number): Promise<void> {
      const urls = new Set(targets.map(({ url }) => url));
      for (const [url, series] of shown) {
        if (urls.has(url)) continue;
        end(series, new Map(), now());
        shown.delete(url);
      }
      results = await Promise.all(targets.map((target) => scrapeOne(target, timeout)));
    },
    /** The last scrape of each target. */
    results: (): readonly ScrapeResult[] => results,
    metadata: (): ReadonlyMap<string, Metadata> => metadata,
  };
}

/** The target's labels win; a series' own label of the same name becomes `exported_…`. */
function withTarget(labels: Labels, target: Labels): Labels {
  const own = Object.entries(labels).map(([key, value]) => [key in target ? `exported_${key}` : key, value]);
  return { ...Object.fromEntries(own), ...target };
}

/** Prometheus accepts a page as a whole or not at all. */
function refuse(problem: string): never {
  throw new Error(problem);
}

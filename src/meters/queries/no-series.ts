import { SluiceError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import {
  createFilter,
  createNameFilter,
  format,
  formatMatcher,
  type Labels,
  NAME,
  type Selector,
} from '../series/selector.ts';
import { type DefaultQueries, telltales } from './default-queries.ts';

/** The metrics that exist. */
export interface Catalog {
  /** The place that was searched, for errors: `Prometheus http://…`. */
  readonly about: string;
  metricNames(): Promise<readonly string[]>;
  /** The labels of all series that match a selector by name. */
  series(selector: Selector): Promise<readonly Labels[]>;
}

/** The most names or values in one error. */
export const MOST_SHOWN = 6;

/**
 * Explains why selectors match nothing, using the first one whose metric exists: the missing name with similar ones, or the
 * label whose value does not exist with the values that do.
 */
export async function explainNoSeries(selectors: readonly Selector[], catalog: Catalog): Promise<SluiceError> {
  const names = await catalog.metricNames();
  const selector = selectors.find((candidate) => names.some(createNameFilter([candidate]))) ?? selectors[0] ?? [];
  const named = selector.filter(({ label }) => label === NAME);
  const error = (problem: string, next: string) =>
    new SluiceError('bad-query', { about: `query ${format(selector)}`, problem, next });
  if (!names.some(createNameFilter([named]))) {
    const wanted = named[0]?.value ?? '';
    const similar = mostSimilar(wanted, names);
    const preset = Object.values<string>(telltales).includes(wanted) ? presetFor(names) : undefined;
    return error(
      `matches no series: ${catalog.about} has no metric ${wanted}.${similar.length === 0 ? '' : ` Similar ones are ${similar.join(', ')}.`}`,
      preset === undefined
        ? 'Correct the name, or see that the metric is collected.'
        : `Correct the name, see that the metric is collected, or use the default queries "${preset}", whose metrics exist.`,
    );
  }
  const series = await catalog.series(named);
  if (series.length === 0) {
    return error(
      'matches no series: the metric is known, but was not measured lately.',
      'See that it is still collected.',
    );
  }
  const wrong = wrongMatchers(selector, series);
  return error(
    `matches none of the ${series.length} series of ${named[0]?.value}: ${wrong.map((matcher) => explainMatcher(matcher, series)).join('; ')}.`,
    'Correct the names in the query or in the inputs that it is made of.',
  );
}

/** The matchers without which a series would match; else those that match nothing by themselves; else all. */
function wrongMatchers(selector: Selector, series: readonly Labels[]): Selector {
  const matchers = selector.filter(({ label }) => label !== NAME);
  const picksAny = (some: Selector) => series.some(createFilter(some));
  const decisive = matchers.filter((matcher) => picksAny(matchers.filter((other) => other !== matcher)));
  if (decisive.length > 0) return decisive;
  const hopeless = matchers.filter((matcher) => !picksAny([matcher]));
  return hopeless.length > 0 ? hopeless : matchers;
}

function explainMatcher(matcher: Selector[number], series: readonly Labels[]): string {
  const values = [...new Set(series.flatMap((labels) => labels[matcher.label] ?? []))];
  if (values.length > 0) {
    const shown = [...new Set([...mostSimilar(matcher.value, values), ...values.toSorted()])].slice(0, MOST_SHOWN);
    const more = values.length - shown.length;
    return `${formatMatcher(matcher)} does not fit, ${matcher.label} is ${listed(shown)}${more > 0 ? ` or ${more} others` : ''}`;
  }
  const labels = [...new Set(series.flatMap((one) => Object.keys(one)))].filter((label) => label !== NAME);
  return `there is no label ${matcher.label}, the labels are ${listed(labels.toSorted())}`;
}

/** The candidates with a similar spelling, else those with common words: the best few. */
function mostSimilar(word: string, candidates: readonly string[]): string[] {
  const similar: string[] = [];
  const left = new Set(candidates);
  while (similar.length < MOST_SHOWN) {
    const next = nearest(word, left);
    if (next === undefined) break;
    similar.push(next);
    left.delete(next);
  }
  const parts = (name: string) => new Set(name.split(/[^a-z0-9]+/i).filter((part) => part.length > 1));
  const wanted = parts(word);
  const shared = (candidate: string) => [...parts(candidate)].filter((part) => wanted.has(part)).length;
  const byWords = [...left].filter((candidate) => shared(candidate) > 1).toSorted((a, b) => shared(b) - shared(a));
  return [...similar, ...byWords].slice(0, MOST_SHOWN);
}

function presetFor(names: readonly string[]): DefaultQueries['kind'] | undefined {
  const kinds = ['istio', 'envoy', 'nginx', 'traefik', 'linkerd', 'opentelemetry', 'http'] as const;
  return kinds.find((kind) => names.includes(telltales[kind]));
}

export function listed(words: readonly string[]): string {
  return words.length === 0 ? 'none' : words.map((word) => JSON.stringify(word)).join(', ');
}

import { isSluiceError, SluiceError } from '../../core/errors.ts';
import { type EndingLabel, endingOf, endingOfStatus } from '../endings/endings.ts';
import { canPick, failurePattern } from '../endings/status-forms.ts';
import { type Catalog, explainNoSeries, listed, MOST_SHOWN } from '../queries/no-series.ts';
import type { Rule } from '../queries/rules.ts';
import {
  createFilter,
  createNameFilter,
  format,
  formatMatcher,
  type Labels,
  like,
  type Matcher,
  NAME,
  type Selector,
} from '../series/selector.ts';

/**
 * Refuses queries that can't distinguish errors from requests: no series has the label that should, none of its values is
 * understood, the matchers never match a failure, or the error counter does not exist at all. An error counter that appears
 * only with the first error is accepted if its label exists with values of the right form.
 *
 * @param requests The stable arm's series of requests.
 * @returns for the log, the labels that tell errors and their values so far: only a reader can notice a wrong value.
 * @throws SluiceError `bad-query`
 */
export async function requireErrors(
  rules: readonly Rule[],
  requests: readonly Labels[],
  catalog: Catalog,
): Promise<string[]> {
  if (rules.some(({ endings }) => endings)) return requireEndings(rules, requests);
  const errors = selectorsOf(rules, 'errors');
  const telling = errors.filter((selector) => {
    const sameName = createNameFilter([selector]);
    const labels = selector.filter((matcher) => !createFilter([matcher])({})).map(({ label }) => label);
    return requests.some((one) => sameName(one[NAME] ?? '') && labels.every((label) => one[label]));
  });
  if (telling.length > 0) return requirePicked(telling, selectorsOf(rules, 'requests'), requests);
  const otherNames = errors.filter(
    (selector) => !requests.some((one) => createNameFilter([selector])(one[NAME] ?? '')),
  );
  if (otherNames.length > 0) {
    await requireCounters(otherNames, catalog);
    return [];
  }
  const about = `queries for errors ${errors.map(format).join(', ')}`;
  throw withoutLabel(about, requests, 'Give a query whose series say how a request ended.');
}

/** Whether the series tell how their requests ended. */
export function tells(rules: readonly Rule[], requests: readonly Labels[]): boolean {
  const told = labelsOf(rules);
  return told.length === 0 || requests.some((labels) => isTold(labels, told));
}

/** "Unanswered" alone does not count as told: some exporters write 0 for success. */
function isTold(labels: Labels, told: readonly EndingLabel[]): boolean {
  const ending = endingOf(labels, told);
  return ending !== undefined && ending !== 'unanswered';
}

function labelsOf(rules: readonly Rule[]): EndingLabel[] {
  return rules.flatMap(({ arm, kind, endings }) => (arm === 'stable' && kind === 'requests' && endings) || []);
}

function requireEndings(rules: readonly Rule[], requests: readonly Labels[]): string[] {
  const told = labelsOf(rules);
  const seen = told.flatMap(({ label, read }) => {
    const values = valuesOf(label, requests);
    return values.length === 0 ? [] : [{ label, values, telling: values.filter((value) => read(value)) }];
  });
  if (requests.some((labels) => isTold(labels, told))) {
    const untold = requests.filter((labels) => endingOf(labels, told) === undefined);
    const shown = seen.map(({ label }) => ({ label, values: valuesOf(label, untold) }));
    return [
      ...seen.filter(({ telling }) => telling.length > 0).map(({ label, values }) => soFar(label, values)),
      ...(untold.length === 0
        ? []
        : [
            `it can't be told how requests with ${described(shown) || 'no such label'} end: an arm that gets more of them is not known`,
          ]),
    ];
  }
  const about = `metric ${requests[0]?.[NAME]}`;
  const next = 'Count with queries of your own, whose series say how a request ended.';
  if (seen.length === 0) throw withoutLabel(about, requests, next);
  const [{ label, values } = { label: '', values: [] }] = seen;
  throw new SluiceError('bad-query', {
    about,
    problem: `can't tell errors: no value of ${described(seen)} is known to be a status.`,
    next: `Count with queries of your own, in which the last list keeps only what is a failure:\n${ownQueries(rules, label, values)}`,
  });
}

/** Queries for both arms, ready to copy. */
function ownQueries(rules: readonly Rule[], label: string, values: readonly string[]): string {
  const query = (arm: Rule['arm'], more: Selector) => {
    const own = rules.find((rule) => rule.arm === arm && rule.kind === 'requests')?.selector ?? [];
    return format([...own.filter((matcher) => !['arm', 'le'].includes(matcher.label)), ...more]);
  };
  const input = (name: string, more: Selector) => {
    const [stable, canary] = [query('stable', more), query('canary', more)];
    return stable === canary ? `${name}: '${stable}'` : `${name}: |\n  stable: ${stable}\n  canary: ${canary}`;
  };
  return [input('query-requests', []), input('query-errors', [like(label, failing(label, values))])].join('\n');
}

function failing(label: string, values: readonly string[]): string {
  return failurePattern(label, values) ?? values.join('|');
}

/** For own error queries on the metric that counts the requests: their matchers must be able to match a failure. */
function requirePicked(
  errors: readonly Selector[],
  requested: readonly Selector[],
  requests: readonly Labels[],
): string[] {
  const common = new Set(requested.flatMap((selector) => selector.map(formatMatcher)));
  const deciding = errors.flatMap((selector) =>
    selector.filter((matcher) => matcher.label !== NAME && !common.has(formatMatcher(matcher))),
  );
  const about = `query for errors ${errors.map(format).join(', ')}`;
  for (const matcher of deciding) {
    const values = valuesOf(matcher.label, requests);
    if (!canPick(matcher, values)) throw neverPicks(about, matcher, values);
  }
  const picks = createFilterOfAny(errors);
  const answered = requests.find(
    (labels) => deciding.some(({ label }) => endingOfStatus(labels[label] ?? '') === 'answered') && picks(labels),
  );
  if ((answered || deciding.length === 0) && requests.every(picks)) {
    throw new SluiceError('bad-query', {
      about,
      problem: 'picks every request, those that succeeded too, so errors can’t be told.',
      next: 'Give a query that picks only the failed ones.',
    });
  }
  const labels = new Set(deciding.map(({ label }) => label));
  return [...labels].map((label) => soFar(label, valuesOf(label, requests)));
}

/** For own error queries with a metric of their own: its name and its labels must exist. */
async function requireCounters(errors: readonly Selector[], catalog: Catalog): Promise<void> {
  const names = await catalog.metricNames();
  const existing = errors.filter((selector) => names.some(createNameFilter([selector])));
  if (existing.length === 0) {
    const { about, problem } = await explainNoSeries(errors, catalog);
    throw new SluiceError('bad-query', {
      about,
      problem,
      next: 'Correct the name; a counter of errors must exist (at 0) before the first error, else a wrong name would look like no errors.',
    });
  }
  for (const selector of existing) {
    const series = await listSeries(
      selector.filter(({ label }) => label === NAME),
      catalog,
    );
    if (series.length > 0) requireLabels(selector, series);
  }
}

/** Some servers do not list series (Amazon's requires a separate right): then only the name is known to exist. */
async function listSeries(selector: Selector, catalog: Catalog): Promise<readonly Labels[]> {
  try {
    return await catalog.series(selector);
  } catch (error) {
    if (isSluiceError(error)) return [];
    throw error;
  }
}

function requireLabels(selector: Selector, series: readonly Labels[]): void {
  const about = `query for errors ${format(selector)}`;
  const needed = selector.filter((matcher) => matcher.label !== 'arm' && !createFilter([matcher])({}));
  for (const matcher of needed) {
    const values = valuesOf(matcher.label, series);
    if (values.length === 0) {
      throw withoutLabel(about, series, `Leave ${formatMatcher(matcher)} out, or correct its name.`);
    }
    if (values.some(endingOfStatus) && !canPick(matcher, values)) throw neverPicks(about, matcher, values);
  }
}

function neverPicks(about: string, matcher: Matcher, values: readonly string[]): SluiceError {
  const better = formatMatcher(like(matcher.label, failing(matcher.label, values)));
  return new SluiceError('bad-query', {
    about,
    problem: `can never pick a failed request: ${matcher.label} is ${listed(values.slice(0, MOST_SHOWN))}, and no such value fits ${formatMatcher(matcher)}.`,
    next: `Write ${better} in its place, or what a failure is called there.`,
  });
}

function withoutLabel(about: string, series: readonly Labels[], next: string): SluiceError {
  const labels = [...new Set(series.flatMap((one) => Object.keys(one)))].filter((label) => label !== NAME);
  return new SluiceError('bad-query', {
    about,
    problem: `can't tell errors: the series of requests have only the labels ${listed(labels.toSorted())}.`,
    next,
  });
}

function selectorsOf(rules: readonly Rule[], kind: Rule['kind']): Selector[] {
  return rules.flatMap((rule) => (rule.arm === 'stable' && rule.kind === kind ? [rule.selector] : []));
}

function createFilterOfAny(selectors: readonly Selector[]): (labels: Labels) => boolean {
  const filters = selectors.map(createFilter);
  return (labels) => filters.some((picks) => picks(labels));
}

function valuesOf(label: string, series: readonly Labels[]): string[] {
  return [...new Set(series.flatMap((one) => one[label] || []))].toSorted();
}

function soFar(label: string, values: readonly string[]): string {
  return `errors are told by ${label}, so far ${listed(values.slice(0, MOST_SHOWN))}`;
}

function described(seen: readonly { readonly label: string; readonly values: readonly string[] }[]): string {
  const shown = seen.filter(({ values }) => values.length > 0);
  return shown.map(({ label, values }) => `${label} ${listed(values.slice(0, MOST_SHOWN))}`).join(' and ');
}

import { patternOf } from './pattern.ts';

/** The labels of one series, its name under `__name__`. */
export type Labels = Readonly<Record<string, string>>;

/** One condition of a PromQL selector. As in Prometheus, an absent label equals an empty one. */
export interface Matcher {
  readonly label: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** A PromQL selector; the metric's name is a matcher on `__name__`. */
export type Selector = readonly Matcher[];

export const NAME = '__name__';

/** `label="value"` */
export function equal(label: string, value: string): Matcher {
  return { label, op: '=', value };
}

/** `label=~"pattern"`, anchored at both ends. */
export function like(label: string, pattern: string): Matcher {
  return { label, op: '=~', value: pattern };
}

/** The text, escaped for a regular expression. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** The selector as PromQL. */
export function format(selector: Selector): string {
  const name = selector.find(
    ({ label, op, value }) => label === NAME && op === '=' && /^[a-zA-Z_:][\w:]*$/.test(value),
  );
  const matchers = selector.filter((matcher) => matcher !== name).map(formatMatcher);
  if (name && matchers.length === 0) return name.value;
  return `${name?.value ?? ''}{${matchers.join(',')}}`;
}

/** One matcher as PromQL. */
export function formatMatcher({ label, op, value }: Matcher): string {
  const name = /^[a-zA-Z_]\w*$/.test(label) ? label : JSON.stringify(label);
  // A JSON string is a valid PromQL string: both know \\, \", \n and \uXXXX.
  return `${name}${op}${JSON.stringify(value)}`;
}

/** Whether the selector matches a series. @throws SluiceError as of `patternOf` */
export function createFilter(selector: Selector): (labels: Labels) => boolean {
  const tests = selector.map(({ label, op, value }) => {
    const wanted = op === '=' || op === '=~';
    if (op === '=' || op === '!=') return (labels: Labels) => ((labels[label] ?? '') === value) === wanted;
    const pattern = patternOf(value);
    return (labels: Labels) => pattern.test(labels[label] ?? '') === wanted;
  });
  return (labels) => tests.every((test) => test(labels));
}

/** As `createFilter`, by the metric's name alone. */
export function createNameFilter(selectors: readonly Selector[]): (name: string) => boolean {
  const filters = selectors.map((selector) => createFilter(selector.filter(({ label }) => label === NAME)));
  const known = new Map<string, boolean>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const wanted = filters.some((filter) => filter({ [NAME]: name }));
    known.set(name, wanted);
    return wanted;
  };
}

/**
 * One selector that matches whatever any of the given ones matches, and as little else as possible: it keeps a label if every
 * selector has a condition on it. It combines all queries of a look into one request.
 */
export function union(selectors: readonly Selector[]): Selector {
  const [first, ...others] = selectors;
  if (!first) return [];
  const labels = new Set(first.map(({ label }) => label));
  return [...labels].flatMap((label): Matcher[] => {
    const own = first.filter((matcher) => matcher.label === label);
    const same = (selector: Selector) =>
      JSON.stringify(selector.filter((matcher) => matcher.label === label)) === JSON.stringify(own);
    if (others.every(same)) return own;
    const patterns = selectors.flatMap((selector) => patternFor(label, selector) ?? []);
    return patterns.length < selectors.length ? [] : [like(label, [...new Set(patterns)].join('|'))];
  });
}

function patternFor(label: string, selector: Selector): string | undefined {
  const matcher = selector.find((candidate) => candidate.label === label && ['=', '=~'].includes(candidate.op));
  if (!matcher) return undefined;
  return matcher.op === '=' ? escapeRegex(matcher.value) : matcher.value;
}

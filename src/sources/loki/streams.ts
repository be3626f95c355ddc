import { formatDuration } from '../../core/duration.ts';
import { SluiceError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { excerpt } from '../../core/text.ts';
import { withoutQuoted } from '../query-text.ts';
import type { LokiApi } from './api.ts';

const QUOTES = '"`';
const MOST_NAMES = 8;

/** The selectors of streams in a query of LogQL: what stands in braces. @throws SluiceError `bad-query` where there is none */
export function streamSelectors(query: string): string[] {
  // A comment ends with its line.
  const bare = withoutQuoted(query, QUOTES).replace(/#[^\n]*/g, (comment) => ' '.repeat(comment.length));
  const found = [...bare.matchAll(/\{[^{}]*\}/g)].map(({ 0: text, index }) => query.slice(index, index + text.length));
  if (found.length > 0) return [...new Set(found)];
  throw new SluiceError('bad-query', {
    about: `query ${excerpt(query, 200)}`,
    problem: 'selects no streams.',
    next: 'Name them in braces, as in {app="shop"} |= "error".',
  });
}

/** The selector of a query for lines. @throws SluiceError `bad-query` for one that does not begin with it */
export function logSelector(query: string): string {
  const [first = ''] = streamSelectors(query);
  if (query.trimStart().startsWith(first)) return first;
  throw new SluiceError('bad-query', {
    about: `query ${excerpt(query, 200)}`,
    problem: 'is no query for lines: it does not begin with the selector of its streams.',
    next: 'Give lines, as in {app="shop"} |= "error", which are counted. A query for a number goes with "above" or "below".',
  });
}

/** Proves that Loki has streams of a selector, with lines in the time. @returns how many streams */
export async function requireStreams(
  api: LokiApi,
  selector: string,
  { from, to }: { readonly from: number; readonly to: number },
  signal: AbortSignal,
): Promise<number> {
  const streams = await api.streams(selector, from, to, signal);
  if (streams.length > 0) return streams.length;
  throw new SluiceError('not-found', {
    about: `selector ${excerpt(selector, 200)}`,
    problem: `picks no stream of ${api.name} with lines in the last ${formatDuration(to - from)}.`,
    next: await whatIsThere(api, selector, { from, to }, signal),
  });
}

async function whatIsThere(
  api: LokiApi,
  selector: string,
  { from, to }: { readonly from: number; readonly to: number },
  signal: AbortSignal,
): Promise<string> {
  const labels = await api.labels(from, to, signal);
  if (labels.length === 0)
    return 'It has no streams at all in this time: check that logs arrive, and the tenant in the header X-Scope-OrgID.';
  for (const [, label = '', value = ''] of selector.matchAll(
    /\b([a-zA-Z_]\w{0,99})\s{0,9}=~?\s{0,9}["`]([^"`]{0,500})["`]/g,
  )) {
    if (!labels.includes(label)) {
      const meant = nearest(label, labels);
      return `It has no label "${label}"; ${meant === undefined ? `its labels are ${listed(labels)}` : `"${meant}" is near`}.`;
    }
    const values = await api.values(label, from, to, signal);
    if (!values.includes(value)) {
      const meant = nearest(value, values);
      const shown = meant === undefined ? listed(values) : `${excerpt(meant, 80)} (near)`;
      return `Check the selector; values of "${label}" are ${shown}. Raise "stale-after" where lines are rare.`;
    }
  }
  return 'Check the selector, and that logs arrive; raise "stale-after" where lines are rare.';
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map((name) => excerpt(name, 80));
  return `${shown.join(', ')}${names.length > MOST_NAMES ? ', …' : ''}`;
}

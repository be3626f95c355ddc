import { formatDuration } from '../../core/duration.ts';
import { SluiceError } from '../../core/errors.ts';
import { count } from '../../core/wording.ts';
import type { Source } from '../../gates/ports.ts';
import type { Look, Window } from '../../judge/looks/look.ts';
import type { RemoteServer } from '../../remote/connection.ts';
import type { SourceWorld } from '../world.ts';
import { createLokiApi, type LokiApi, type LokiValue } from './api.ts';
import { logSelector, requireStreams, streamSelectors } from './streams.ts';

interface LokiTimes {
  /** Milliseconds until a line can surely be found. */
  readonly lag: number;
  /** Milliseconds without any line after which it is not known whether lines still arrive. */
  readonly staleAfter: number;
}

/** Queries for lines, in LogQL. */
export interface LokiLines extends LokiTimes {
  readonly query: string;
  /** All lines that the query is a part of. */
  readonly total?: string;
}

/** A query for numbers, in LogQL. */
export interface LokiMetric extends LokiTimes {
  readonly query: string;
}

/** Series of one answer that are judged: more of them are a query that was meant otherwise. */
const MOST_SERIES = 100;

/** Lines of Loki that match a query, out of all of a window. Loki answers nothing where it counts nothing: streams show what that means. */
export function lokiLinesSource(lines: LokiLines, server: RemoteServer, { clock }: Pick<SourceWorld, 'clock'>): Source {
  const api = createLokiApi(server);
  const { query, total, lag, staleAfter } = lines;

  async function look(window: Window, signal: AbortSignal): Promise<Look> {
    const all = total ?? logSelector(query);
    const [recent, counted, bad] = await Promise.all([
      countLines(api, all, { from: window.to - staleAfter, to: window.to }, signal),
      countLines(api, all, window, signal),
      countLines(api, query, window, signal),
    ]);
    const reason = [recent, counted, bad].find((answer) => typeof answer === 'string');
    if (typeof recent === 'string' || typeof counted === 'string' || typeof bad === 'string')
      return { kind: 'missing', reason: reason ?? 'the answer is no count' };
    if (recent === 0) return { kind: 'missing', reason: `no line arrived in the last ${formatDuration(staleAfter)}` };
    if (bad > counted)
      return {
        kind: 'missing',
        reason: `the query counts ${count(bad)} of ${count(counted)} lines: it is no part of "total"`,
      };
    return { kind: 'counts', total: counted, bad };
  }

  return {
    kind: 'loki',
    asked: `${query}${total === undefined ? '' : ` of ${total}`} (${api.name})`,
    permissions: api.permissions,
    lag,
    async preflight(signal) {
      const to = clock.now() - lag;
      const fresh = { from: to - staleAfter, to };
      const selectors = [...new Set([query, ...(total === undefined ? [] : [total])].map(logSelector))];
      const found: number[] = [];
      for (const selector of selectors) found.push(await requireStreams(api, selector, fresh, signal));
      const first = await look(fresh, signal);
      if (first.kind !== 'counts') throw unclear(`query ${query}`, first.kind === 'missing' ? first.reason : '');
      const streams = `${count(Math.max(...found))} streams of ${selectors.join(' and ')}`;
      return {
        evidence: `${streams}, ${count(first.total)} lines in the last ${formatDuration(staleAfter)}, of which ${count(first.bad)} match`,
      };
    },
    look,
  };
}

/** A number of Loki, or one for each series of the answer. */
export function lokiMetricSource(
  metric: LokiMetric,
  server: RemoteServer,
  { clock }: Pick<SourceWorld, 'clock'>,
): Source {
  const api = createLokiApi(server);
  const { query, lag, staleAfter } = metric;
  return {
    kind: 'loki',
    asked: `${query} (${api.name})`,
    permissions: api.permissions,
    lag,
    async preflight(signal) {
      const to = clock.now() - lag;
      const found: number[] = [];
      for (const selector of streamSelectors(query))
        found.push(await requireStreams(api, selector, { from: to - staleAfter, to }, signal));
      const answer = await api.query(query, to, signal);
      if (typeof answer === 'string') throw unclear(`query ${query}`, answer);
      const warnings = answer.length === 0 ? [`${query} is empty now: ${EMPTY}.`] : [];
      return { evidence: `${count(Math.max(...found))} streams; ${count(answer.length)} values of ${query}`, warnings };
    },
    async look({ to }, signal): Promise<Look> {
      const lines = await Promise.all(
        streamSelectors(query).map((selector) => countLines(api, selector, { from: to - staleAfter, to }, signal)),
      );
      const reason = lines.find((answer) => typeof answer === 'string');
      if (reason !== undefined) return { kind: 'missing', reason: `${reason}` };
      if (lines.includes(0))
        return { kind: 'missing', reason: `no line arrived in the last ${formatDuration(staleAfter)}` };
      const answer = await api.query(query, to, signal);
      if (typeof answer === 'string') return { kind: 'missing', reason: answer };
      if (answer.length === 0) return { kind: 'missing', reason: `the answer is empty: ${EMPTY}` };
      if (answer.length > MOST_SERIES)
        return { kind: 'missing', reason: `the answer has ${count(answer.length)} series` };
      return { kind: 'values', values: answer.map((one) => ({ of: nameOf(one), value: one.value, at: to })) };
    },
  };
}

const EMPTY = 'add "or vector(0)" where no line means 0';

/** Lines of a half-open window (its end belongs to it), or why they are not known. */
async function countLines(
  api: LokiApi,
  query: string,
  { from, to }: Window,
  signal: AbortSignal,
): Promise<number | string> {
  // The range stands on a line of its own, because a query may end with a comment.
  const answer = await api.query(
    `sum(count_over_time(${query}\n[${Math.max(1, Math.round(to - from))}ms]))`,
    to,
    signal,
  );
  if (typeof answer === 'string') return answer;
  const [only = { value: 0 }, ...more] = answer;
  return more.length === 0 && Number.isSafeInteger(only.value) && only.value >= 0
    ? only.value
    : 'the answer is no count';
}

function nameOf({ labels }: LokiValue): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(', ');
}

function unclear(about: string, reason: string): SluiceError {
  return new SluiceError('bad-query', {
    about,
    problem: `could not be answered: ${reason}.`,
    next: 'Correct the query.',
  });
}

import * as z from 'zod';
import { formatDuration } from '../core/duration.ts';
import { SluiceError } from '../core/errors.ts';
import { count } from '../core/wording.ts';
import type { Source } from '../gates/ports.ts';
import type { Look, Window } from '../judge/looks/look.ts';
import type { RemoteServer } from '../remote/connection.ts';
import { createJsonApi } from './json-api.ts';
import { withoutQuoted } from './query-text.ts';
import type { SourceWorld } from './world.ts';

/** Filters of LogsQL. Times are milliseconds. */
export interface VictoriaLogsQuery {
  readonly query: string;
  /** All lines that the query is a part of. */
  readonly total: string;
  /** Until a line can surely be found. */
  readonly lag: number;
  /** Without any line of `total` after which it is not known whether lines still arrive. */
  readonly staleAfter: number;
}

/** https://docs.victoriametrics.com/victorialogs/querying/#querying-log-stats */
const answerShape = z.object({
  status: z.literal('success'),
  data: z.object({
    resultType: z.literal('vector'),
    result: z.array(
      z.object({
        metric: z.object({ __name__: z.string() }),
        value: z.tuple([z.number(), z.string().regex(/^\d{1,15}$/)]),
      }),
    ),
  }),
});

/** Lines of VictoriaLogs that match a filter, out of all of a window, counted by one query. */
export function victoriaLogsSource(
  { query, total, lag, staleAfter }: VictoriaLogsQuery,
  server: RemoteServer,
  { clock }: Pick<SourceWorld, 'clock'>,
): Source {
  const api = createJsonApi(server, {
    product: 'VictoriaLogs',
    credentials:
      'Check the token or the user name and password, and the headers AccountID and ProjectID of the tenant.',
    address: 'Check the address and its path prefix: VictoriaLogs answers at /select/logsql below it.',
  });

  async function counts(window: Window, signal: AbortSignal) {
    for (const filter of [query, total]) requireFilter(filter);
    const since = window.to - staleAfter;
    const within = (from: number) => `_time:[${time(from)}, ${time(window.to)})`;
    const stats = [
      `count() if (${within(since)}) as recent`,
      `count() if (${within(window.from)}) as total`,
      `count() if (${within(window.from)} (${query})) as bad`,
    ];
    const text = `${within(Math.min(since, window.from))} (${total}) | stats ${stats.join(', ')}`;
    // An answer without the lines of a storage node that is away is refused by default, and has to be.
    const parameters = { query: text, time: time(window.to), allow_partial_response: '0' };
    const about = `query ${query}`;
    const { data } = await api.get(
      { path: '/select/logsql/stats_query', parameters, shape: answerShape, about },
      signal,
    );
    const numbers = new Map(data.result.map(({ metric, value }) => [metric.__name__, Number(value[1])]));
    const [recent, all, bad] = ['recent', 'total', 'bad'].map((name) => numbers.get(name));
    return recent === undefined || all === undefined || bad === undefined ? undefined : { recent, total: all, bad };
  }

  return {
    kind: 'victorialogs',
    asked: `${query} of ${total} (${api.name})`,
    permissions: api.permissions,
    lag,
    async preflight(signal) {
      const to = clock.now() - lag;
      const found = await counts({ from: to - staleAfter, to }, signal);
      if (!found || found.recent === 0) {
        throw new SluiceError('not-found', {
          about: `query ${total}`,
          problem: `finds no line of the last ${formatDuration(staleAfter)} in ${api.name}.`,
          next: 'Check "total", that logs arrive, and the headers AccountID and ProjectID; raise "stale-after" where lines are rare.',
        });
      }
      return {
        evidence: `${count(found.total)} lines of ${total} in the last ${formatDuration(staleAfter)}, of which ${count(found.bad)} match`,
      };
    },
    async look(window, signal): Promise<Look> {
      const found = await counts(window, signal);
      if (!found) return { kind: 'missing', reason: 'the answer lacks the counts that were asked for' };
      const { recent, ...counted } = found;
      if (recent === 0) return { kind: 'missing', reason: `no line arrived in the last ${formatDuration(staleAfter)}` };
      if (counted.bad > counted.total)
        return { kind: 'missing', reason: `the counts contradict each other: ${counted.bad} of ${counted.total}` };
      return { kind: 'counts', ...counted };
    },
  };
}

/** A filter stays within the parentheses that it is put in, and nothing comes after it. @throws SluiceError `bad-query` */
function requireFilter(filter: string): void {
  const bare = withoutQuoted(filter, '"\'`');
  let depth = 0;
  let isClosed = true;
  for (const sign of bare) {
    if (sign === '(') depth += 1;
    if (sign === ')') depth -= 1;
    if (depth < 0) isClosed = false;
  }
  const problem =
    depth !== 0 || !isClosed
      ? 'has parentheses that do not match.'
      : /[|#]/.test(bare)
        ? 'is more than a filter: it has a pipe or a comment.'
        : filter.trim() === ''
          ? 'is empty.'
          : undefined;
  if (problem === undefined) return;
  throw new SluiceError('bad-query', {
    about: `query ${filter}`,
    problem,
    next: 'Give a filter of LogsQL alone, as in {app="shop"} level:error; lines are counted by the gate.',
  });
}

function time(at: number): string {
  return new Date(at).toISOString();
}

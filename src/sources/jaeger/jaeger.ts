import { formatDuration } from '../../core/duration.ts';
import { SluiceError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { excerpt } from '../../core/text.ts';
import { count } from '../../core/wording.ts';
import type { Source } from '../../gates/ports.ts';
import type { Look, Window } from '../../judge/looks/look.ts';
import type { RemoteServer } from '../../remote/connection.ts';
import type { SourceWorld } from '../world.ts';
import { createJaegerApi, type JaegerApi } from './api.ts';
import { requestsOf, type Span } from './spans.ts';

/** Which requests are counted, and which of them are bad. Times are milliseconds. */
export interface JaegerQuery {
  readonly service: string;
  /** By default all spans in which the service takes a request or a message from elsewhere. */
  readonly operation?: string;
  /** Requests that took longer are bad; by default those with an error. */
  readonly slowerThan?: number;
  /** Until a span that has begun can surely be found: its own duration, and the way to Jaeger. */
  readonly lag: number;
  /** Without any span after which it is not known whether spans still arrive. */
  readonly staleAfter: number;
}

/** Traces of one answer; the memory store of Jaeger refuses to give more than it keeps. */
const LIMIT = 500;
/** Searches for one window: a window with more traces than the limit is searched in halves. */
const MOST_SEARCHES = 16;
const MOST_NAMES = 8;

/**
 * Requests of a service as Jaeger's spans show them, and those of them that failed or were slow. Tags are not searched for, because
 * storages differ in how they compare them: the spans are read.
 */
export function jaegerSource(query: JaegerQuery, server: RemoteServer, { clock }: Pick<SourceWorld, 'clock'>): Source {
  const api = createJaegerApi(server);
  const { service, operation, slowerThan, lag, staleAfter } = query;
  const subject = `${operation === undefined ? 'requests' : operation} of ${service}`;

  async function look(window: Window, signal: AbortSignal): Promise<Look> {
    const found = await findSpans(api, query, window, signal);
    if (typeof found === 'string') return { kind: 'missing', reason: found };
    const requests = requestsOf(found, service, operation).filter(
      ({ start }) => start >= window.from && start < window.to,
    );
    if (requests.length === 0) return { kind: 'missing', reason: `Jaeger has no trace of ${subject} in this time` };
    const bad = requests.filter(({ isError, duration }) =>
      slowerThan === undefined ? isError : duration > slowerThan,
    );
    return { kind: 'counts', total: requests.length, bad: bad.length };
  }

  return {
    kind: 'jaeger',
    asked: `${slowerThan === undefined ? 'failed' : `slow (over ${formatDuration(slowerThan)})`} ${subject} (${api.name})`,
    permissions: api.permissions,
    lag,
    async preflight(signal) {
      await requireNames(api, query, signal);
      const to = clock.now() - lag;
      const fresh = { from: to - staleAfter, to };
      const first = await look(fresh, signal);
      if (first.kind !== 'counts') throw noTraces(query, api.name, first.kind === 'missing' ? first.reason : '');
      await requireWholeAnswers(api, query, fresh, signal);
      const words = slowerThan === undefined ? 'failed' : `took more than ${formatDuration(slowerThan)}`;
      return {
        evidence: `${count(first.total)} traced ${subject} in the last ${formatDuration(staleAfter)}, of which ${count(first.bad)} ${words}`,
        warnings: [
          `Jaeger has the traces that were sampled: where a collector keeps those with errors rather than others (tail sampling), the rate of ${subject} is higher than that of all requests.`,
        ],
      };
    },
    look,
  };
}

/** All spans of the traces of a window, or why they are not known. */
async function findSpans(
  api: JaegerApi,
  { service, operation }: JaegerQuery,
  window: Window,
  signal: AbortSignal,
): Promise<Span[] | string> {
  const spans = new Map<string, Span>();
  const open = [window];
  for (let searches = 0; open.length > 0; searches += 1) {
    const next = open.pop();
    if (!next) break;
    if (searches >= MOST_SEARCHES)
      return `Jaeger has too many traces in this time: more than ${MOST_SEARCHES} searches find`;
    const search = { service, window: next, limit: LIMIT, ...(operation !== undefined && { operation }) };
    const found = await api.search(search, signal);
    if (tracesOf(found) < LIMIT) {
      for (const span of found) spans.set(`${span.trace} ${span.id}`, span);
      continue;
    }
    const half = Math.floor((next.from + next.to) / 2);
    if (half <= next.from) return `Jaeger has more than ${LIMIT} traces in one millisecond`;
    open.push({ from: next.from, to: half }, { from: half, to: next.to });
  }
  return [...spans.values()];
}

function tracesOf(spans: readonly Span[]): number {
  return new Set(spans.map(({ trace }) => trace)).size;
}

/**
 * Some storages drop traces before they reach the limit (Cassandra, https://github.com/jaegertracing/jaeger/issues/166), so that a
 * full answer can't be told from a cut one: shown by a search for exactly as many traces as there are.
 */
async function requireWholeAnswers(
  api: JaegerApi,
  { service, operation }: JaegerQuery,
  window: Window,
  signal: AbortSignal,
): Promise<void> {
  const search = { service, window, ...(operation !== undefined && { operation }) };
  const all = tracesOf(await api.search({ ...search, limit: LIMIT }, signal));
  if (all < 2 || all >= LIMIT) return;
  const again = tracesOf(await api.search({ ...search, limit: all }, signal));
  if (again >= all) return;
  throw new SluiceError('unsupported', {
    about: `traces of ${service}`,
    problem: `can't be counted in ${api.name}: of ${count(all)} traces it shows ${count(again)} when asked for ${count(all)}, so it drops some below the limit.`,
    next: 'Name an "operation" (Cassandra needs one), or count requests with a metric.',
  });
}

async function requireNames(api: JaegerApi, { service, operation }: JaegerQuery, signal: AbortSignal): Promise<void> {
  const services = await api.services(signal);
  if (!services.includes(service)) throw unknown(`service ${service}`, api.name, nearest(service, services), services);
  if (operation === undefined) return;
  const operations = await api.operations(service, signal);
  if (!operations.includes(operation))
    throw unknown(`operation ${operation} of ${service}`, api.name, nearest(operation, operations), operations);
}

function unknown(about: string, server: string, meant: string | undefined, known: readonly string[]): SluiceError {
  const shown = known.slice(0, MOST_NAMES).map((name) => excerpt(name, 80));
  const listed = `${shown.join(', ')}${known.length > MOST_NAMES ? ', …' : ''}`;
  const none = 'It has none yet: check that spans arrive.';
  return new SluiceError('not-found', {
    about,
    problem: `is not known to ${server}.`,
    next:
      meant === undefined ? (known.length === 0 ? none : `There are ${listed}.`) : `"${excerpt(meant, 80)}" is near.`,
  });
}

function noTraces({ service, staleAfter }: JaegerQuery, server: string, reason: string): SluiceError {
  return new SluiceError('bad-query', {
    about: `traces of ${service}`,
    problem: `can't be counted in the last ${formatDuration(staleAfter)}: ${reason}.`,
    next: `Check that spans reach ${server}, and the sampling; raise "stale-after" where requests are rare.`,
  });
}

import { isDeepStrictEqual } from 'node:util';
import { formatDuration } from '../core/duration.ts';
import { isSluiceError, reasonOf, SluiceError } from '../core/errors.ts';
import { isRecord, stringifyJson, tryParseJson } from '../core/json.ts';
import { excerpt } from '../core/text.ts';
import type { Source } from '../gates/ports.ts';
import type { Look, Sighting } from '../judge/looks/look.ts';
import { lineFilter } from '../meters/series/pattern.ts';
import type { RemoteServer } from '../remote/connection.ts';
import type { JSONValue } from './json-path.ts';
import type { SourceWorld } from './world.ts';

/** What has to hold of each value that a JSONPath (RFC 9535) picks; it has to pick at least one. */
export interface Assertion {
  readonly path: string;
  readonly equals?: unknown;
  readonly 'not-equals'?: unknown;
  /** RE2; found anywhere in the text. */
  readonly matches?: string | undefined;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
  readonly 'at-least'?: number | undefined;
  readonly 'at-most'?: number | undefined;
}

/** What a number has to be, as sentences have it. */
const limits = {
  above: { words: 'above', holds: (value: number, limit: number) => value > limit },
  below: { words: 'below', holds: (value: number, limit: number) => value < limit },
  'at-least': { words: 'at least', holds: (value: number, limit: number) => value >= limit },
  'at-most': { words: 'at most', holds: (value: number, limit: number) => value <= limit },
} as const;
const limitNames = ['above', 'below', 'at-least', 'at-most'] as const satisfies readonly (keyof typeof limits)[];

export interface ProbeQuery {
  /** With its query string, beginning with a slash. */
  readonly path: string;
  /** Statuses that are accepted; any of 200 to 299 without it. */
  readonly status: readonly number[] | undefined;
  /** Milliseconds that an answer may take. */
  readonly within: number | undefined;
  readonly json: readonly Assertion[];
}

/** Characters of a value that a sentence shows. */
const MOST_SHOWN = 100;

/**
 * One GET, without a second attempt: a service that does not answer, answers otherwise than it has to, or too late, is sighted.
 * Through the API server, a Service that is not reached is harm. A URL that never answered may as well be out of reach of
 * this runner, so that counts as harm only after it has answered once.
 */
export function probeSource(query: ProbeQuery, server: RemoteServer, { clock }: SourceWorld): Source {
  const { path, within } = query;
  let hasAnswered = false;

  return {
    kind: 'probe',
    asked: `GET ${path} of ${server.name}`,
    permissions: server.permissions,
    lag: 0,

    async preflight(signal) {
      const { status } = await server.askOnce(path, signal);
      hasAnswered = true;
      return { evidence: `${server.name} answers GET ${path} with HTTP ${status}` };
    },

    async look(_, signal): Promise<Look> {
      const begun = clock.now();
      try {
        const { status, body } = await server.askOnce(path, signal);
        hasAnswered = true;
        const took = clock.now() - begun;
        const sightings = [
          ...wrongStatus(status, body, query.status),
          ...(within !== undefined && took > within
            ? [{ text: `it took ${formatDuration(Math.round(took))}, longer than ${formatDuration(within)}` }]
            : []),
          ...(query.json.length > 0 ? await failedAssertions(body, query.json) : []),
        ];
        return { kind: 'sightings', sightings };
      } catch (error) {
        signal.throwIfAborted();
        if (!isSluiceError(error, 'unreachable') || !hasAnswered) throw error;
        return { kind: 'sightings', sightings: [{ text: reasonOf(error) }] };
      }
    },
  };
}

/** @throws SluiceError `bad-query` for a path or a pattern that can't be read */
export async function checkAssertions(assertions: readonly Assertion[]): Promise<void> {
  const { pathProblem } = await import('./json-path.ts');
  for (const { path, matches } of assertions) {
    if (matches !== undefined) lineFilter(matches);
    // Their patterns are matched by an engine whose time is not bounded.
    const isSlow = /\b(?:match|search)\s{0,9}\(/.test(path);
    if (isSlow || path.length > LONGEST_PATH) throw refused(path, 'is too long, or uses match() or search().');
    const problem = pathProblem(path);
    if (problem) throw refused(path, 'is no JSONPath (RFC 9535).', problem);
  }
}

const LONGEST_PATH = 500;

function refused(path: string, problem: string, cause?: unknown): SluiceError {
  const about = `JSON path ${excerpt(path, MOST_SHOWN)}`;
  return new SluiceError('bad-query', {
    about,
    problem,
    next: 'Write for example $.status or $.checks[*].state.',
    cause,
  });
}

function wrongStatus(status: number, body: string, accepted: readonly number[] | undefined): Sighting[] {
  const isAccepted = accepted ? accepted.includes(status) : status >= 200 && status < 300;
  if (isAccepted) return [];
  const said = excerpt(body, MOST_SHOWN);
  return [
    { text: `HTTP ${status}, accepted ${accepted?.join(', ') ?? '200 to 299'}${said === '' ? '' : `: ${said}`}` },
  ];
}

async function failedAssertions(body: string, assertions: readonly Assertion[]): Promise<Sighting[]> {
  const { pick } = await import('./json-path.ts');
  const value = tryParseJson(body);
  if (value === undefined) return [{ text: 'the answer is no JSON' }];
  return assertions.flatMap((assertion) => {
    const found = pick(assertion.path, comparable(value));
    if (found === undefined) return [{ text: `the answer is nested too deeply for ${assertion.path}` }];
    if (found.length === 0) return [{ text: `${assertion.path} is not there` }];
    const wrong = found.flatMap((one) => problemOf(one, assertion) ?? []);
    return wrong.slice(0, 1).map((problem) => ({ text: `${assertion.path} ${problem}` }));
  });
}

/** Numbers of 64 bits lose their last digits: they are compared as JavaScript compares them. */
function comparable(value: unknown): JSONValue {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(comparable);
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, comparable(part)]));
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function problemOf(value: unknown, assertion: Assertion): string | undefined {
  const { equals, 'not-equals': unwanted, matches } = assertion;
  const shown = excerpt(stringifyJson(value), MOST_SHOWN);
  if (equals !== undefined && !isDeepStrictEqual(value, equals))
    return `is ${shown}, and has to be ${excerpt(stringifyJson(equals), MOST_SHOWN)}`;
  if (unwanted !== undefined && isDeepStrictEqual(value, unwanted)) return `is ${shown}, and must not be that`;
  if (matches !== undefined && !(typeof value === 'string' && lineFilter(matches)(value)))
    return `is ${shown}, and has to match ${excerpt(matches, MOST_SHOWN)}`;
  for (const name of limitNames) {
    const limit = assertion[name];
    if (limit !== undefined && !(typeof value === 'number' && limits[name].holds(value, limit)))
      return `is ${shown}, and has to be ${limits[name].words} ${limit}`;
  }
  return undefined;
}

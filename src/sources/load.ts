import { formatDuration } from '../core/duration.ts';
import { SluiceError } from '../core/errors.ts';
import { excerpt } from '../core/text.ts';
import { count } from '../core/wording.ts';
import type { Source } from '../gates/ports.ts';
import type { Look } from '../judge/looks/look.ts';
import { createPace } from '../traffic/pace.ts';
import { type Exchange, MARK, type Sent, sendLoad } from '../traffic/sender.ts';
import type { LoadRequest, LoadTarget } from '../traffic/target.ts';
import type { SourceWorld } from './world.ts';

export interface ExpectedRequest extends LoadRequest {
  /** Statuses that are accepted; any of 200 to 299 without it. */
  readonly status: readonly number[] | undefined;
}

export interface LoadQuery {
  /** Sent in turn. */
  readonly requests: readonly ExpectedRequest[];
  /** Requests a second. */
  readonly rate: number;
  /** Milliseconds in which each look sends requests. */
  readonly duration: number;
  /** Milliseconds that an answer may take; one that takes longer than `slowerThan` counts as failed as well. */
  readonly timeout: number;
  readonly slowerThan: number | undefined;
  /** Headers by which an answer shows that it comes from the version that is meant. Names in small letters. */
  readonly answersWith: Readonly<Record<string, string>>;
  /** The value of the header that marks each request. */
  readonly mark: string;
  /** What these requests can find, as a part of a sentence; and what the reader has to know before. */
  readonly forecast: string;
  readonly warnings: readonly string[];
}

/** Most things that a look tells of answers that were not accepted. */
const MOST_TOLD = 5;

/**
 * Requests of our own, for services that users ask too seldom to tell anything. They are counted here, by the answers that come,
 * and never as users'.
 *
 * Flagger and Argo Rollouts leave the traffic to another program (fluxcd/flagger#32, argoproj/argo-rollouts#2071), which nobody
 * compares with what was decided: a release is promoted where its command sent nothing (flagger#931) or only got errors
 * (flagger#431, #366). Here the requests that were sent are those that are judged.
 */
export function loadSource(query: LoadQuery, target: LoadTarget, { clock }: SourceWorld): Source {
  const { requests, rate, duration, timeout, mark } = query;
  // One for all looks, so that two of them have no more than the rate where they meet.
  const pace = createPace(rate, clock);
  let hasAnswered = false;

  return {
    kind: 'load',
    asked: askedOf(query, target),
    permissions: target.permissions(requests.map(({ method }) => method)),
    lag: 0,

    preflight: async () => ({
      evidence: `each look sends ${count(Math.ceil((rate * duration) / 1_000))} requests of its own in ${formatDuration(duration)}, marked ${MARK}: ${mark}; ${query.forecast}`,
      warnings: query.warnings,
    }),

    async look(_, signal): Promise<Look> {
      const sent = await sendLoad(target, { requests, pace, duration, timeout, mark }, clock, signal);
      hasAnswered ||= sent.exchanges.some(({ reply }) => reply.kind === 'answer');
      // A URL that never answered may as well be out of reach of this runner; behind the API server, a Service is not.
      if (!hasAnswered && !target.isThroughApiServer) throw neverAnswered(target, sent);
      return lookOf(sent, query);
    },
  };
}

/** `20 requests a second to the service at …: GET /` */
export function askedOf({ rate, requests }: LoadQuery, target: LoadTarget): string {
  const perSecond = `${count(rate)} ${rate === 1 ? 'request' : 'requests'} a second`;
  const pace = rate < 1 ? `${count(rate * 60)} requests a minute` : perSecond;
  return `${pace} to ${target.name}: ${requests.map(nameOf).join(', ')}`;
}

/** What speaks against the version in an exchange; the empty text where nothing does; undefined where it tells nothing of it. */
export function faultOf({ request, reply, took }: Exchange<ExpectedRequest>, query: LoadQuery): string | undefined {
  switch (reply.kind) {
    case 'unsent':
      return undefined;
    case 'unreached':
      return `${nameOf(request)} was not answered: ${excerpt(reply.reason, 200)}`;
    case 'late':
      return `${nameOf(request)} was not answered within ${formatDuration(query.timeout)}`;
    case 'answer': {
      const { status } = reply;
      const isAccepted = request.status ? request.status.includes(status) : status >= 200 && status < 300;
      const origin = originOf(reply.headers, query.answersWith);
      if (origin === 'other') return undefined;
      if (!isAccepted) return `${nameOf(request)} was answered with HTTP ${status}`;
      // An error may come from what stands before the service, which knows no version; a good answer has to show it.
      if (origin === 'unknown') return undefined;
      const { slowerThan } = query;
      if (slowerThan !== undefined && took > slowerThan)
        return `${nameOf(request)} took longer than ${formatDuration(slowerThan)}`;
      return '';
    }
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

function originOf(headers: Headers, wanted: LoadQuery['answersWith']): 'meant' | 'other' | 'unknown' {
  const found = Object.entries(wanted).map(([name, value]) => ({ value, given: headers[name] }));
  if (found.every(({ value, given }) => given === value)) return 'meant';
  return found.some(({ value, given }) => given !== undefined && given !== value) ? 'other' : 'unknown';
}

function lookOf({ exchanges, leftOut }: Sent<ExpectedRequest>, query: LoadQuery): Look {
  const faults = exchanges.flatMap((exchange) => faultOf(exchange, query) ?? []);
  const unsent = exchanges.flatMap(({ reply }) => (reply.kind === 'unsent' ? [reply.reason] : []));
  const elsewhere = exchanges.length - unsent.length - faults.length;
  const bad = faults.filter((fault) => fault !== '');
  const wanted = Object.entries(query.answersWith).map(([name, value]) => `${name}: ${value}`);
  const others = `answers came without ${wanted.join(', ')}: they may be those of another version, and do not count`;
  if (faults.length === 0) {
    if (unsent.length > 0)
      return { kind: 'missing', reason: `no request got through: ${excerpt(unsent[0] ?? '', 300)}` };
    return { kind: 'missing', reason: elsewhere > 0 ? `all ${others}` : 'no request was sent' };
  }
  const notes = [
    ...[...new Set(bad)].slice(0, MOST_TOLD),
    ...(elsewhere > 0 ? [`some ${others}`] : []),
    ...(unsent.length > 0 ? [`some requests did not get through: ${excerpt(unsent[0] ?? '', 300)}`] : []),
    ...(leftOut > 0 ? ['fewer requests were sent than the rate says, as too many waited for their answers'] : []),
  ];
  return { kind: 'counts', total: faults.length, bad: bad.length, notes };
}

function neverAnswered(target: LoadTarget, { exchanges }: Sent<ExpectedRequest>): SluiceError {
  const [reply] = exchanges.map((exchange) => exchange.reply);
  const why = reply?.kind === 'unreached' ? `: ${excerpt(reply.reason, 300)}` : ' in time.';
  return new SluiceError('unreachable', {
    about: target.name,
    problem: `never answered, none of ${count(exchanges.length)} requests${why}`,
    next: 'Check the address, and that this runner can reach it; "service" goes through the API server.',
  });
}

/** Without its query, which may hold what others should not read. */
function nameOf({ method, path }: LoadRequest): string {
  return `${method} ${excerpt(path.split('?', 1)[0] ?? '', 100)}`;
}

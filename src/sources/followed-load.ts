import { formatDuration } from '../core/duration.ts';
import { excerpt } from '../core/text.ts';
import { count } from '../core/wording.ts';
import type { Requests } from '../drills/ports.ts';
import { createPace } from '../traffic/pace.ts';
import { type Exchange, MARK, sendLoad } from '../traffic/sender.ts';
import type { LoadTarget } from '../traffic/target.ts';
import { askedOf, type ExpectedRequest, faultOf, type LoadQuery } from './load.ts';
import type { SourceWorld } from './world.ts';

/** A header that faults look for. */
export interface ControlHeader {
  readonly name: string;
  readonly value: string;
}

/** Requests without the header for each one with it: they harm nobody, and it takes fewer faulted ones to tell. */
const CLEAN = 4;

/**
 * Own requests at a steady rate, each told as soon as it is answered.
 *
 * @param control one of five requests gets this header, and the others are its control arm
 */
export function followedLoad(
  query: LoadQuery,
  { target, control }: { readonly target: LoadTarget; readonly control: ControlHeader | undefined },
  { clock }: Pick<SourceWorld, 'clock'>,
): Requests {
  const { rate, timeout, mark } = query;
  const requests = control ? withControl(query.requests, control) : query.requests;
  return {
    asked: askedOf(query, target),
    kind: 'own',
    ...(control && { hasControl: true }),
    permissions: target.permissions(requests.map(({ method }) => method)),
    resolution: timeout,

    preflight: async () => ({
      evidence: `${count(rate * 60)} requests a minute of its own, marked ${MARK}: ${mark}`,
      warnings: target.isThroughApiServer
        ? [
            'requests go through the API server, so that routes, retries and limits of a mesh or a gateway have no part in them',
          ]
        : [],
    }),

    async follow(tell, signal) {
      const pace = createPace(rate, clock);
      const sent = sendLoad(
        target,
        {
          ...{ requests, pace, duration: Number.POSITIVE_INFINITY, timeout, mark },
          answered(exchange) {
            const fault = faultOf(exchange, query);
            const { begun, took, reply } = exchange;
            const to = begun + took;
            if (fault === undefined)
              tell.gap(begun, to, reply.kind === 'unsent' ? reply.reason : 'another version answered');
            else {
              const timed = reply.kind === 'answer' && { took };
              tell.tally({
                from: begun,
                to,
                good: fault === '' ? 1 : 0,
                bad: fault === '' ? 0 : 1,
                ...timed,
                ...(control && { arm: isFaulted(exchange.request, control) ? 'faulted' : 'clean' }),
                ...(fault !== '' && { fault: shortFault(exchange, query) }),
              });
            }
          },
        },
        clock,
        signal,
      );
      await sent.catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    },
  };
}

/** The fault of an exchange in a few words, equal for all requests that it happens to. */
function shortFault(
  { request, reply }: Exchange<ExpectedRequest>,
  { timeout, slowerThan = timeout }: LoadQuery,
): string {
  switch (reply.kind) {
    case 'answer': {
      const { status } = reply;
      const isAccepted = request.status ? request.status.includes(status) : status >= 200 && status < 300;
      return isAccepted ? `slower than ${formatDuration(slowerThan)}` : `HTTP ${status}`;
    }
    case 'late':
      return `no answer within ${formatDuration(timeout)}`;
    default:
      return `not reached: ${excerpt(reply.reason, 100)}`;
  }
}

function withControl(requests: readonly ExpectedRequest[], { name, value }: ControlHeader): ExpectedRequest[] {
  const faulted = requests.map((request) => ({ ...request, headers: { ...request.headers, [name]: value } }));
  // A request with the header, and the clean ones after it, are of the same kind.
  return requests.flatMap((request, index) => [
    ...faulted.slice(index, index + 1),
    ...Array.from({ length: CLEAN }, () => request),
  ]);
}

function isFaulted({ headers }: ExpectedRequest, { name, value }: ControlHeader): boolean {
  return headers[name] === value;
}

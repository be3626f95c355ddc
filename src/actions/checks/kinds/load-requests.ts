import * as z from 'zod';
import { stringifyJson } from '../../../core/json.ts';
import { soundsSecret } from '../../../core/secret-name.ts';
import type { ExpectedRequest } from '../../../sources/load.ts';
import { MARK } from '../../../traffic/sender.ts';
import { must } from '../check-list.ts';
import { acceptedStatus } from './probe.ts';

/** Requests of a list, and characters of a body, at most. */
const MOST_REQUESTS = 50;
const LONGEST_BODY = 64 * 1024;

/** Headers of requests. What sounds like a credential belongs into a connection, whose values are masked. */
export const loadHeaders = z
  .record(
    z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'has a name that no header can have'),
    z.string(must('a text')).regex(/^[\t\x20-\x7e]*$/, must('a text of plain letters, digits and signs')),
    must('names and values of headers'),
  )
  .superRefine((headers, context) => {
    for (const name of Object.keys(headers)) {
      if (name.toLowerCase() === MARK) context.addIssue(`${name} is what marks these requests: leave it out`);
      else if (soundsSecret(name))
        context.addIssue(
          `${name} may be secret: give it in a connection, whose values are masked, and name that in "from"`,
        );
    }
  });

const line = z.string(must('METHOD /path')).transform((given, context) => {
  const [, method = 'GET', path = ''] = /^(?:(GET|POST|PUT|PATCH|DELETE) +)?(\/[^\s\\#]{0,1999})$/.exec(given) ?? [];
  const isPlain = path !== '' && !/[^\x21-\x7e]|\/(?:\.|%2e){1,2}(?:[/?]|$)/i.test(path);
  const known = (['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).find((one) => one === method);
  if (isPlain && known) return { method: known, path };
  context.addIssue('must be a method and a path without "..": GET /api/users');
  return z.NEVER;
});

const full = z
  .strictObject({
    request: line,
    headers: loadHeaders.optional(),
    body: z
      .union(
        [z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())],
        must('a text, or what becomes JSON'),
      )
      .optional(),
    status: acceptedStatus.optional(),
  })
  .transform(({ request, headers = {}, body, status }, context): ExpectedRequest => {
    if (body !== undefined && request.method === 'GET') context.addIssue('has a "body" with GET, which takes none');
    const text = body === undefined || typeof body === 'string' ? body : stringifyJson(body);
    if ((text ?? '').length > LONGEST_BODY) context.addIssue(`has a "body" of more than ${LONGEST_BODY} characters`);
    const isJson = body !== undefined && typeof body !== 'string';
    return {
      ...request,
      headers: { ...(isJson && { 'content-type': 'application/json' }), ...headers },
      body: text,
      status,
    };
  });

/** `GET /path`, or a map with `request` and what else it needs. */
export const loadRequests = z
  .array(
    z
      .union(
        [z.string().transform((request) => ({ request })), z.looseObject({})],
        must('GET /path, or a map with "request"'),
      )
      .pipe(full),
    must('a list of requests: [GET /api/users]'),
  )
  .min(1, 'needs a request: [GET /api/users]')
  .max(MOST_REQUESTS, `has more than ${MOST_REQUESTS} requests`);

/** Requests a second. */
export const loadRate = z.string(must('a rate such as 20/s or 30/m')).transform((given, context) => {
  const [, digits = '', unit] = /^(\d{1,6}(?:\.\d{1,3})?)\/(s|m)$/.exec(given) ?? [];
  const rate = Number(digits) / (unit === 'm' ? 60 : 1);
  if (digits !== '' && rate > 0) return rate;
  context.addIssue(`"${given}" is no rate such as 20/s or 30/m`);
  return z.NEVER;
});

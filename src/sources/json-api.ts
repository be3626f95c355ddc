import type * as z from 'zod';
import { SluiceError } from '../core/errors.ts';
import { tryParseJson, tryShape } from '../core/json.ts';
import type { Permission } from '../core/permission.ts';
import type { RemoteServer } from '../remote/connection.ts';
import { isHtml, quoted, type Refusal, refusedCredentials, wordsOf } from '../remote/refusal.ts';

/** What one kind of server wants to be told of in errors. */
export interface ApiHints {
  /** `Loki`, as errors name its API. */
  readonly product: string;
  /** What to check where the credentials are refused, as a sentence. */
  readonly credentials: string;
  /** Where the API may be instead, as a sentence: `Check the address: Loki answers at /loki/api/v1.` */
  readonly address: string;
  /** The next step where the words of a refusal tell one: a tenant that is not named. */
  readonly next?: (words: string) => string | undefined;
}

export interface Question<S extends z.ZodType> {
  readonly path: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly shape: S;
  /** The query that is asked, for the error of a server that refuses it: `query level:error`. */
  readonly about?: string;
  /** What a refusal means to this question alone. */
  readonly explain?: (refusal: Refusal) => SluiceError | undefined;
}

/** A server that answers GET with JSON. */
export interface JsonApi {
  /** `Loki http://…`, for logs and errors. */
  readonly name: string;
  readonly permissions: readonly Permission[];
  /**
   * Asks for JSON of a shape.
   *
   * @throws SluiceError `forbidden` for credentials that are not taken, `bad-query` for a query that is refused, `not-found` for
   *   what is no answer of this API, and as `ask` does
   */
  get<S extends z.ZodType>(question: Question<S>, signal: AbortSignal): Promise<z.infer<S>>;
}

export function createJsonApi({ name, permissions, ask }: RemoteServer, hints: ApiHints): JsonApi {
  return {
    name,
    permissions,
    async get({ path, parameters = {}, shape, about, explain }, signal) {
      const query = new URLSearchParams(parameters).toString();
      const answer = await ask(query === '' ? path : `${path}?${query}`, signal);
      const data = answer.status < 300 ? tryShape(shape, tryParseJson(answer.body)) : undefined;
      if (data !== undefined) return data;
      throw explain?.(answer) ?? explainRefusal(name, answer, about, hints);
    },
  };
}

/** Statuses of a server that has understood the question and does not take it. */
const refusedQueries = new Set([400, 414, 422]);

function explainRefusal(server: string, refusal: Refusal, about: string | undefined, hints: ApiHints): SluiceError {
  const { status, body } = refusal;
  const isPage = isHtml(body);
  const words = status < 300 && !isPage ? undefined : wordsOf(body);
  const said = quoted(words);
  const next = hints.next?.(words ?? '');
  const refused = refusedCredentials(server, refusal, next ?? hints.credentials);
  if (refused) return refused;
  if (refusedQueries.has(status) && !isPage && about !== undefined) {
    return new SluiceError('bad-query', {
      about,
      problem: `was refused by ${server} (HTTP ${status})${said}.`,
      next: next ?? 'Correct what the message names.',
    });
  }
  const page = isPage ? ' with a web page' : '';
  const problem = `answered HTTP ${status}${page}, which is no answer of the API of ${hints.product}${said}.`;
  return new SluiceError('not-found', { about: server, problem, next: next ?? hints.address });
}

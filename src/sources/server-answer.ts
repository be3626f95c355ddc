import type * as z from 'zod';
import { SluiceError } from '../core/errors.ts';
import { tryParseJson, tryShape } from '../core/json.ts';
import type { RemoteServer } from '../remote/connection.ts';
import { isHtml, quoted, type Refusal, refusedCredentials, wordsOf } from '../remote/refusal.ts';

/** How the answer of a server has to look, and what to do where it is no such answer. */
interface Expected<S extends z.ZodType> {
  readonly shape: S;
  /** What was asked, for errors: `alerts`. */
  readonly what: string;
  /** Where the server's API may be instead: `Check the address and its path prefix (Mimir: /alertmanager).` */
  readonly next: string;
}

/**
 * Asks a server for JSON of a shape.
 *
 * @throws SluiceError `forbidden` for credentials that it does not take, `not-found` for an answer of another shape, and as `ask`
 */
export async function askFor<S extends z.ZodType>(
  { name, ask }: Pick<RemoteServer, 'name' | 'ask'>,
  path: string,
  expected: Expected<S>,
  signal: AbortSignal,
): Promise<z.infer<S>> {
  const answer = await ask(path, signal);
  const data = answer.status < 300 ? tryShape(expected.shape, tryParseJson(answer.body)) : undefined;
  if (data === undefined) throw explain(name, answer, expected);
  return data;
}

function explain(about: string, answer: Refusal, { what, next }: Omit<Expected<z.ZodType>, 'shape'>): SluiceError {
  const { status, body } = answer;
  const words = status < 300 && !isHtml(body) ? undefined : wordsOf(body);
  const said = quoted(words);
  const refused = refusedCredentials(
    about,
    answer,
    'Check the token, user name or client certificate of the connection, and its right to read.',
  );
  if (refused) return refused;
  if (status >= 400 && !isHtml(body)) {
    return new SluiceError('not-found', {
      about,
      problem: `refused to answer for ${what} (HTTP ${status})${said}.`,
      next,
    });
  }
  const page = isHtml(body) ? ' with a web page' : '';
  const problem = `answered HTTP ${status}${page}, which is no answer for ${what}${said}.`;
  return new SluiceError('not-found', { about, problem, next });
}

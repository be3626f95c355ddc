import * as z from 'zod';
import { SluiceError } from '../core/errors.ts';
import { tryParseJson } from '../core/json.ts';
import { excerpt } from '../core/text.ts';

/** What a server answered, as far as its refusal is concerned. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
  /** Where it sends the one who asks, in place of an answer. */
  readonly location?: string;
}

/** Characters of others' words that an error quotes. */
const MOST_WORDS = 300;

const text = z.string().min(1);
const reason = z.object({ reason: text });
/**
 * The forms of a refusal: Prometheus and Grafana Cloud, AWS, Google (also as a list), Azure, OAuth; Elasticsearch, whose root cause
 * says more than the error; Jaeger; Datadog.
 */
const refusalForms = z.union([
  z.object({ error: text }).transform(({ error }) => error),
  z.object({ message: text }).transform(({ message }) => message),
  z.object({ Message: text }).transform(({ Message }) => Message),
  z.object({ error: z.object({ message: text }) }).transform(({ error }) => error.message),
  z.tuple([z.object({ error: z.object({ message: text }) })]).transform(([{ error }]) => error.message),
  z.object({ error_description: text }).transform((answer) => answer.error_description),
  z
    .object({ error: z.object({ root_cause: z.tuple([reason], z.unknown()) }) })
    .transform(({ error }) => error.root_cause[0].reason),
  z.object({ error: reason }).transform(({ error }) => error.reason),
  z.object({ errors: z.tuple([z.object({ msg: text })], z.unknown()) }).transform(({ errors }) => errors[0].msg),
  z.object({ errors: z.tuple([text], z.unknown()) }).transform(({ errors }) => errors[0]),
  z.object({ Error: z.object({ Message: text }) }).transform((answer) => answer.Error.Message),
]);

/** What a server says in a body, as one short line; undefined where it says nothing that a person could read. */
export function wordsOf(body: string): string | undefined {
  const json = tryParseJson(body);
  if (json !== undefined) {
    const said = refusalForms.safeParse(json).data;
    return said === undefined ? undefined : excerpt(said, MOST_WORDS);
  }
  const title = isHtml(body) ? /<title[^>]{0,200}>([^<]{1,400})/i.exec(body.slice(0, 20_000))?.[1] : body;
  const words = title === undefined ? '' : excerpt(title, MOST_WORDS);
  return words === '' ? undefined : words;
}

/** How the sentence of an error ends that quotes a server: its words behind a colon; empty where it said none. */
export function quoted(words: string | undefined): string {
  return words === undefined ? '' : `: ${words.replace(/\.$/, '')}`;
}

/** The error for credentials that a server does not take; undefined for every other answer. */
export function refusedCredentials(about: string, { status, body }: Refusal, next: string): SluiceError | undefined {
  if (status !== 401 && status !== 403) return undefined;
  const problem = `does not accept the credentials (HTTP ${status})${quoted(wordsOf(body))}.`;
  return new SluiceError('forbidden', { about, problem, next });
}

export function isHtml(body: string): boolean {
  return body.slice(0, 1_000).trimStart().startsWith('<');
}

import { plain } from '../report/markdown.ts';

/** Takes the secrets out of a text. */
export type Redact = (text: string) => string;

/** Shorter ones would blank out words that are no secret. */
const SHORTEST = 4;

/**
 * A function that replaces every secret, and every line of a secret of several lines, by `***`; also where it stands in JSON,
 * in a URL or in Markdown. The runner masks its log the same way, but not files, outputs and annotations of objects.
 */
export function createRedact(secrets: Iterable<string>): Redact {
  const spellings = [...secrets].flatMap((secret) =>
    [secret, ...secret.split(/\r?\n/)].flatMap((text) => [
      text.trim(),
      JSON.stringify(text.trim()).slice(1, -1),
      encodeURIComponent(text.trim().toWellFormed()),
      plain(text.trim()),
    ]),
  );
  // Longest first: a secret may be part of another one.
  const distinct = [...new Set(spellings)]
    .filter(({ length }) => length >= SHORTEST)
    .toSorted((a, b) => b.length - a.length);
  return (text) => distinct.reduce((result, secret) => result.replaceAll(secret, '***'), text);
}

/** JSON whose texts are redacted one by one, so that a secret such as `true` does not break it. */
export function redactedJson(value: unknown, redact: Redact): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'string' ? redact(part) : part), 2);
}

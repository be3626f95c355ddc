import { spellingsOf } from '../report/markdown.ts';

/** Takes the secrets out of a text. */
export type Redact = (text: string) => string;

/** Shorter ones would blank out words that are no secret. */
const SHORTEST = 4;

/** Longer ones are of several lines, each of which is looked for by itself. */
const LONGEST_IN_MARKDOWN = 4_000;

/**
 * A function that replaces every secret, and every line of a secret of several lines, by `***`; also where it stands in JSON,
 * in a URL or in Markdown. The runner masks its log the same way, but not files, outputs and annotations of objects.
 */
export function createRedact(secrets: Iterable<string>): Redact {
  const texts = [...secrets].flatMap((secret) => [secret, ...secret.split(/\r?\n/)].map((text) => text.trim()));
  const distinct = [...new Set(texts)].filter(({ length }) => length >= SHORTEST);
  const spellings = distinct.flatMap((secret) => [
    ...[...new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])].map((written) => ({
      written,
      length: written.length,
    })),
    // Letters and digits stand in Markdown as they are.
    ...(/^[a-z\d]+$/i.test(secret) || secret.length > LONGEST_IN_MARKDOWN
      ? []
      : [{ written: spellingsOf(secret), length: secret.length }]),
  ]);
  // Longest first: a secret may be part of another one.
  const ordered = spellings.toSorted((a, b) => b.length - a.length);
  return (text) => ordered.reduce((result, { written }) => result.replaceAll(written, '***'), text);
}

/** JSON whose texts are redacted one by one, so that a secret such as `true` does not break it. */
export function redactedJson(value: unknown, redact: Redact): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'string' ? redact(part) : part), 2);
}

import { stringifyJson } from '../core/json.ts';
import { trimEndOf } from '../core/text.ts';
import { bareSpellings, withoutMarked } from '../report/marked-secrets.ts';

/** Removes the secrets from a text. */
export type Redact = (text: string) => string;

/** Characters of the shortest secret; a shorter one would hide ordinary words. */
const SHORTEST = 4;
/** Bytes of the shortest secret that is also looked for in base64. */
const LONG_ENOUGH = 6;

/**
 * A function that replaces every secret, and every line of a secret with several lines, by `***`, also in JSON, in a URL or in
 * Markdown. The runner masks its log the same way, but not files, outputs and annotations of objects.
 */
export function createRedact(secrets: Iterable<string>): Redact {
  const texts = [...secrets].flatMap((secret) => [secret, ...secret.split(/\r?\n/)].map((text) => text.trim()));
  const distinct = [...new Set(texts)].filter(isLongEnough);
  // Longest first: a secret may be part of another one.
  const plainly = [...new Set(distinct.flatMap(textsOf))].toSorted(byLength);
  // Markdown leaves letters and digits as they are.
  const marked = distinct.filter((text) => !/^[a-z\d+/=]+$/i.test(text)).flatMap(bareSpellings);
  const bare = [...new Set(marked)].filter(isLongEnough).toSorted(byLength);
  return (text) => {
    const hidden = plainly.reduce((result, secret) => result.replaceAll(secret, '***'), text);
    return withoutMarked(withoutEnds(hidden, plainly), bare);
  };
}

function isLongEnough({ length }: string): boolean {
  return length >= SHORTEST;
}

function byLength(a: string, b: string): number {
  return b.length - a.length;
}

/** The spellings of a secret in a log, in JSON, in a URL and in base64. */
function textsOf(secret: string): string[] {
  const spellings = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
    ...inBase64(secret),
  ];
  return [...new Set(spellings)];
}

/** Characters of the shortest part of a cut secret that is hidden; a shorter one could be part of an ordinary word. */
const LEAST_PART = 6;

/** Hides the parts of secrets that are left where a text was cut: before and after each `…`. */
function withoutEnds(text: string, secrets: readonly string[]): string {
  const pieces = text.split('…');
  return pieces
    .map((piece, index) => {
      const isLast = index === pieces.length - 1;
      const end = isLast ? 0 : Math.max(0, ...secrets.map((secret) => beginningAtEnd(piece, secret)));
      const rest = end === 0 ? piece : `${piece.slice(0, -end)}***`;
      const start = index === 0 ? 0 : Math.max(0, ...secrets.map((secret) => endAtBeginning(rest, secret)));
      return start === 0 ? rest : `***${rest.slice(start)}`;
    })
    .join('…');
}

/** How many characters at the end of a text are the beginning of a secret. */
function beginningAtEnd(text: string, secret: string): number {
  const sign = secret.slice(0, LEAST_PART);
  const from = Math.max(0, text.length - secret.length);
  for (let at = text.indexOf(sign, from); at !== -1; at = text.indexOf(sign, at + 1)) {
    if (secret.startsWith(text.slice(at).trimEnd())) return text.length - at;
  }
  return 0;
}

/** How many characters at the beginning of a text are the end of a secret. */
function endAtBeginning(text: string, secret: string): number {
  const sign = secret.slice(-LEAST_PART);
  const most = text.slice(0, secret.length + 1);
  for (let at = most.indexOf(sign); at !== -1; at = most.indexOf(sign, at + 1)) {
    if (secret.endsWith(most.slice(0, at + sign.length).trimStart())) return at + sign.length;
  }
  return 0;
}

/**
 * The spellings of a text inside a longer one in base64, such as `user:password`: three bytes become four characters, so they
 * depend on where the text begins. Characters that also encode neighbouring bytes are left out. The runner masks the same.
 */
function inBase64(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8');
  // So few characters would match other text by chance.
  if (bytes.length < LONG_ENOUGH) return [];
  return [0, 1, 2].map((before) => {
    const encoded = trimEndOf(Buffer.concat([Buffer.alloc(before), bytes]).toString('base64'), '=');
    const whole = (before + bytes.length) % 3 === 0 ? encoded : encoded.slice(0, -1);
    return whole.slice([0, 2, 3][before]);
  });
}

/** Collects the secrets that are found during a run, and removes them from everything that it writes. */
export interface SecretKeeper {
  mask(secrets: readonly string[]): void;
  readonly redact: Redact;
}

/** @param tell is called once with each secret, before anything can show it */
export function createSecretKeeper(tell: (secret: string) => void): SecretKeeper {
  const known = new Set<string>();
  let redact = createRedact(known);
  return {
    mask(secrets) {
      const fresh = secrets.filter((secret) => secret.trim() !== '' && !known.has(secret));
      if (fresh.length === 0) return;
      for (const secret of fresh) {
        known.add(secret);
        tell(secret);
      }
      redact = createRedact(known);
    },
    redact: (text) => redact(text),
  };
}

/** JSON whose texts are redacted one by one, so that a secret such as `true` does not break the JSON. */
export function redactedJson(value: unknown, redact: Redact): string {
  return stringifyJson(value, (_, part) => (typeof part === 'string' ? redact(part) : part), 2);
}

import { stringifyJson } from '../core/json.ts';
import { trimEndOf } from '../core/text.ts';
import { bareSpellings, withoutMarked } from '../report/marked-secrets.ts';

/** Takes the secrets out of a text. */
export type Redact = (text: string) => string;

/** Shorter ones would blank out words that are no secret. */
const SHORTEST = 4;
/** Bytes from which on a secret is looked for in base64 as well. */
const LONG_ENOUGH = 6;

/**
 * A function that replaces every secret, and every line of a secret of several lines, by `***`; also where it stands in JSON,
 * in a URL or in Markdown. The runner masks its log the same way, but not files, outputs and annotations of objects.
 */
export function createRedact(secrets: Iterable<string>): Redact {
  const texts = [...secrets].flatMap((secret) => [secret, ...secret.split(/\r?\n/)].map((text) => text.trim()));
  const distinct = [...new Set(texts)].filter(isLongEnough);
  // Longest first: a secret may be part of another one.
  const plainly = [...new Set(distinct.flatMap(textsOf))].toSorted(byLength);
  // Letters and digits stand in Markdown as they are.
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

/** A secret as it stands in a log, in JSON, in a URL and in base64. */
function textsOf(secret: string): string[] {
  const spellings = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
    ...inBase64(secret),
  ];
  return [...new Set(spellings)];
}

/** Characters of a secret that a cut has left which are too few to be told from an ordinary word. */
const LEAST_PART = 6;

/** The same for what is left of a secret where a text was cut: before and after each `…`. */
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
 * A text as it stands within any other one in base64, such as `user:password`: three bytes are four characters, so that it
 * depends on where it begins. Characters that its neighbours have a part in are left out. The runner masks the same.
 */
function inBase64(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8');
  // A few characters would blank out others by chance.
  if (bytes.length < LONG_ENOUGH) return [];
  return [0, 1, 2].map((before) => {
    const encoded = trimEndOf(Buffer.concat([Buffer.alloc(before), bytes]).toString('base64'), '=');
    const whole = (before + bytes.length) % 3 === 0 ? encoded : encoded.slice(0, -1);
    return whole.slice([0, 2, 3][before]);
  });
}

/** Secrets that are found while a run goes on, and what takes them out of all that it writes. */
export interface SecretKeeper {
  mask(secrets: readonly string[]): void;
  readonly redact: Redact;
}

/** @param tell is handed each secret once, before anything can show it */
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

/** JSON whose texts are redacted one by one, so that a secret such as `true` does not break it. */
export function redactedJson(value: unknown, redact: Redact): string {
  return stringifyJson(value, (_, part) => (typeof part === 'string' ? redact(part) : part), 2);
}

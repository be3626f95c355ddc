import * as z from 'zod';

declare global {
  // Node 24 has these functions, but TypeScript's library does not declare them yet.
  interface JSON {
    rawJSON(text: string): object;
  }
}

/** A JSON value. Whole numbers that a `number` would round are a `bigint`. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json };

export const jsonSchema: z.ZodType<Json> = z.lazy(() =>
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.bigint(),
    z.array(jsonSchema),
    z.record(z.string(), jsonSchema),
  ]),
);

const LARGEST = 2n ** 63n - 1n;
const SMALLEST = -(2n ** 63n);

/**
 * A whole number as the API server reads it: an int64 exactly, and a float64 beyond that.
 *
 * @param digits with a sign, and a prefix such as `0x`, as BigInt accepts them
 */
export function wholeNumber(digits: string): number | bigint {
  const number = Number(digits);
  if (Number.isSafeInteger(number)) return number;
  const exact = BigInt(digits);
  return exact >= SMALLEST && exact <= LARGEST ? exact : number;
}

/** Sixteen or more digits, which a `number` may round. A match inside a string only costs time. */
const mayBeRounded = /\d{16}/;

/** A text is not JSON. It is not quoted, as it may be a secret: a token, or a line of a credentials file. */
class NoJson extends SyntaxError {
  constructor() {
    super('the text is no JSON');
  }
}

/**
 * As `JSON.parse`, but keeps whole numbers of more than 53 bits exactly: the API server has numbers of 64 bits.
 *
 * @throws SyntaxError that quotes nothing of the text
 */
export function parseJson(text: string): unknown {
  try {
    return parse(text);
  } catch {
    throw new NoJson();
  }
}

function parse(text: string): unknown {
  if (isDeep(text)) throw new SyntaxError(`it is nested more than ${DEEPEST} levels deep`);
  if (!mayBeRounded.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' && context?.source !== undefined && /^-?\d+$/.test(context.source)
      ? wholeNumber(context.source)
      : value,
  );
}

/** The most levels of lists and objects, since code that walks a value is recursive. Objects of Kubernetes have some fifty. */
const DEEPEST = 256;

function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfText(text, at);
    else if (code === BRACE || code === BRACKET) depth += 1;
    else if (code === BRACE_END || code === BRACKET_END) depth -= 1;
    if (depth > DEEPEST) return true;
  }
  return false;
}

const [QUOTE, BACKSLASH, BRACE, BRACE_END, BRACKET, BRACKET_END] = ['"', '\\', '{', '}', '[', ']'].map((sign) =>
  sign.charCodeAt(0),
);

/** Where a quoted string that begins at `start` ends. */
function endOfText(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** As `parseJson`; undefined for a text that is not JSON, such as the page of a proxy. */
export function tryParseJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/**
 * A value that somebody else has written, read by its schema; undefined if it does not match, or is nested too deeply to walk.
 */
export function tryShape<S extends z.ZodType>(shape: S, value: unknown): z.infer<S> | undefined {
  try {
    const parsed = shape.safeParse(value);
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** A value as JSON stores it, without undefined fields. */
export function asJson(value: unknown): Json {
  return jsonSchema.parse(parseJson(stringifyJson(value)));
}

/** As `stringifyJson`, with the same text for equal values whatever the order of their fields. */
export function sortedJson(value: unknown): string {
  return stringifyJson(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([field, part]) => [field, sorted(part)]));
}

/**
 * As `JSON.stringify`, also for values from `parseJson`.
 *
 * @param replace returns what to write instead of a value, as for `JSON.stringify`
 */
export function stringifyJson(
  value: unknown,
  replace: (key: string, part: unknown) => unknown = (_, part) => part,
  indent = 0,
): string {
  const written = (key: string, part: unknown) => {
    const replaced = replace(key, part);
    return typeof replaced === 'bigint' ? JSON.rawJSON(String(replaced)) : replaced;
  };
  return JSON.stringify(value, written, indent);
}

/** Whether a value is an object of JSON or YAML, and not a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

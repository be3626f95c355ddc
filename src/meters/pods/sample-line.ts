import { type Labels, NAME } from '../series/selector.ts';

/** One line of a metrics endpoint. */
export interface ExposedSample {
  readonly labels: Labels;
  readonly value: number;
  /** Milliseconds since the epoch, where the endpoint says when it measured. */
  readonly at?: number;
}

/** A line, and how far it has been read. Every function below only goes forward, so the work grows with the text alone. */
interface Cursor {
  readonly text: string;
  at: number;
}

const metricName = /[a-zA-Z_:][\w:]*/y;
const labelName = /[a-zA-Z_]\w*/y;
const word = /[^ \t\r]+/y;
const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Reads a line as the grammar of the formats allows it: blanks and tabs between any two tokens, names quoted in the braces, a
 * comma behind the last label, a timestamp, an exemplar.
 *
 * @param timestampUnit Milliseconds in one unit of the timestamps.
 * @returns undefined for a line that is no sample
 */
export function readSample(text: string, timestampUnit: number): ExposedSample | undefined {
  const cursor = { text, at: 0 };
  skipBlanks(cursor);
  const labels = new Map<string, string>();
  const name = match(cursor, metricName);
  if (name !== undefined) labels.set(NAME, name);
  skipBlanks(cursor);
  const braced = cursor.text[cursor.at] === '{';
  if (braced && !readLabels(cursor, labels)) return undefined;
  if (!labels.has(NAME)) return undefined;
  // A name ends at its last letter, so text that follows without a blank belongs to no token.
  if (!braced && !isBlank(text[cursor.at - 1])) return undefined;
  skipBlanks(cursor);
  const value = readNumber(cursor);
  skipBlanks(cursor);
  const hasTimestamp = !isAtEnd(cursor) && text[cursor.at] !== '#';
  const timestamp = hasTimestamp ? readNumber(cursor) : undefined;
  skipBlanks(cursor);
  if (value === undefined || (hasTimestamp && !Number.isFinite(timestamp ?? Number.NaN))) return undefined;
  if (!isAtEnd(cursor) && !isExemplar(cursor)) return undefined;
  return {
    labels: Object.fromEntries(labels),
    value,
    ...(timestamp !== undefined && { at: Math.round(timestamp * timestampUnit) }),
  };
}

/** Reads `{…}`; false where it is none. */
function readLabels(cursor: Cursor, labels: Map<string, string>): boolean {
  cursor.at += 1;
  for (;;) {
    skipBlanks(cursor);
    if (take(cursor, '}')) return true;
    const quoted = readQuoted(cursor);
    const key = quoted ?? match(cursor, labelName);
    if (key === undefined) return false;
    skipBlanks(cursor);
    if (take(cursor, '=')) {
      skipBlanks(cursor);
      const value = readQuoted(cursor);
      if (value === undefined || labels.has(key)) return false;
      labels.set(key, value);
    } else {
      // A quoted text without a value is the metric's name.
      if (quoted === undefined || labels.has(NAME)) return false;
      labels.set(NAME, quoted);
    }
    skipBlanks(cursor);
    if (!take(cursor, ',') && cursor.text[cursor.at] !== '}') return false;
  }
}

/** Reads `"…"` with its escapes; undefined where none begins or ends here. */
function readQuoted(cursor: Cursor): string | undefined {
  const { text } = cursor;
  if (text[cursor.at] !== '"') return undefined;
  const start = cursor.at + 1;
  for (let end = start; end < text.length; end += text[end] === '\\' ? 2 : 1) {
    if (text[end] !== '"') continue;
    cursor.at = end + 1;
    return text.slice(start, end).replaceAll(/\\([\\"n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return undefined;
}

/** Reads a number as Prometheus does: decimal, with an exponent, or one of the words for what is none. */
function readNumber(cursor: Cursor): number | undefined {
  const text = match(cursor, word);
  if (text === undefined) return undefined;
  if (decimal.test(text)) return Number(text);
  switch (text.toLowerCase()) {
    case 'nan':
      return Number.NaN;
    case 'inf':
    case '+inf':
    case 'infinity':
    case '+infinity':
      return Number.POSITIVE_INFINITY;
    case '-inf':
    case '-infinity':
      return Number.NEGATIVE_INFINITY;
    default:
      return undefined;
  }
}

/** `# {trace_id="…"} 0.067 1520879607.789`, which OpenMetrics allows behind a sample. Nobody here needs what it says. */
function isExemplar(cursor: Cursor): boolean {
  if (!take(cursor, '#')) return false;
  skipBlanks(cursor);
  return cursor.text[cursor.at] === '{';
}

function skipBlanks(cursor: Cursor): void {
  while (isBlank(cursor.text[cursor.at])) cursor.at += 1;
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

/** At the end of the line; some servers end theirs with a carriage return as well. */
function isAtEnd({ text, at }: Cursor): boolean {
  return at >= text.length || (text[at] === '\r' && at === text.length - 1);
}

function take(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at += 1;
  return true;
}

function match(cursor: Cursor, token: RegExp): string | undefined {
  token.lastIndex = cursor.at;
  const [found] = token.exec(cursor.text) ?? [];
  if (found !== undefined) cursor.at += found.length;
  return found;
}

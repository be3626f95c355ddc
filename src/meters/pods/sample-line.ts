import { type Labels, NAME } from '../series/selector.ts';

/** One line of a metrics endpoint. */
export interface ExposedSample {
  readonly labels: Labels;
  readonly value: number;
  /** Milliseconds since the epoch, if the endpoint gives the time of the measurement. */
  readonly at?: number;
}

/** A line, and how far it has been read. All functions below only move forward, so the time is linear in the text. */
interface Cursor {
  readonly text: string;
  at: number;
}

const metricName = /[a-zA-Z_:][\w:]*/y;
const labelName = /[a-zA-Z_]\w*/y;
const word = /[^ \t\r]+/y;
const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Reads a line by the grammar of the formats: blanks and tabs between any two tokens, quoted names in the braces, a comma after
 * the last label, a timestamp, an exemplar.
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
  // A name ends at its last valid character, so a text that follows without a blank is an error.
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

/** Reads `{…}`; false if it is malformed. */
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

/** Reads `"…"` with its escapes; undefined if it does not begin here or does not end. */
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

/** Reads a number as Prometheus does: decimal, with an exponent, or a word such as NaN or Inf. */
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

/** `# {trace_id="…"} 0.067 1520879607.789`, which OpenMetrics allows after a sample. Its content is not used. */
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

/** Whether the line ends here; some servers write a carriage return as well. */
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

import { SluiceError } from '../../core/errors.ts';
import { excerpt } from '../../core/text.ts';
import { patternOf } from '../../meters/series/pattern.ts';
import type { Matcher } from '../../meters/series/selector.ts';

/** Characters that stand for themselves between quotes alone. */
const unquoted = /[^\s{}!=~,\\"'`]+/y;
const quoted = /"((?:[^"\\]|\\[\s\S])*)"/y;
const operator = /=~|!~|!=|=/y;
const blank = /\s*/y;
/** A name that every version of Alertmanager takes without quotes. */
const classicName = /^[a-zA-Z_:][\w:]*$/;

/** Characters of a list of matchers. */
const LONGEST = 10_000;

/**
 * Matchers as Alertmanager writes them (https://prometheus.io/docs/alerting/latest/configuration/#label-matchers): one, or several
 * between commas, with braces around them or not. Takes what both of its parsers read in the same way: Alertmanager itself reads
 * `service==` as "the value is `=`" and answers with an empty list, as if no alert fired.
 *
 * @throws SluiceError `invalid-input`
 */
export function parseMatchers(text: string): Matcher[] {
  if (text.length > LONGEST) throw unreadable(text, `it has ${text.length} characters`);
  const read = createReader(text);
  const braced = read.take('{');
  const matchers: Matcher[] = [];
  while (!read.isAtEnd() && !(braced && read.isAt('}'))) {
    matchers.push(readMatcher(text, read));
    if (!read.take(',')) break;
  }
  if (braced && !read.take('}')) throw unreadable(text, 'its brace is not closed');
  if (!read.isAtEnd())
    throw unreadable(text, `"${read.rest()}" is left over; values with such characters need double quotes`);
  if (matchers.length === 0) throw unreadable(text, 'it is empty');
  return matchers;
}

type Reader = ReturnType<typeof createReader>;

function createReader(text: string) {
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const next = (pattern: RegExp) => {
    match(blank);
    return match(pattern);
  };
  const isAt = (sign: string) => {
    match(blank);
    return text.startsWith(sign, at);
  };
  return {
    next,
    isAt,
    take(sign: string) {
      const isThere = isAt(sign);
      if (isThere) at += sign.length;
      return isThere;
    },
    isAtEnd() {
      match(blank);
      return at >= text.length;
    },
    rest: () => excerpt(text.slice(at), 60),
  };
}

function readMatcher(text: string, read: Reader): Matcher {
  const label = readWord(read) ?? '';
  if (label === '') throw unreadable(text, 'a label is missing before the operator');
  const [op] = read.next(operator) ?? [];
  if (op !== '=' && op !== '!=' && op !== '=~' && op !== '!~')
    throw unreadable(text, `after ${excerpt(label, 60)} comes none of =, !=, =~ and !~`);
  const value = readWord(read);
  if (value === undefined)
    throw unreadable(text, `the value of ${excerpt(label, 60)} is missing, or needs double quotes`);
  if (op === '=~' || op === '!~') patternOf(value);
  return { label, op, value };
}

/** A name or a value. Escapes are read as the classic parser reads them, whose word counts where the two parsers disagree. */
function readWord(read: Reader): string | undefined {
  const [, between] = read.next(quoted) ?? [];
  if (between !== undefined) return between.replaceAll(/\\(["\\n])/g, (_, sign) => (sign === 'n' ? '\n' : sign));
  return read.next(unquoted)?.[0];
}

/** A matcher as every parser of Alertmanager reads it in the same way. */
export function formatFilter({ label, op, value }: Matcher): string {
  return `${classicName.test(label) ? label : inQuotes(label)}${op}${inQuotes(value)}`;
}

function inQuotes(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function unreadable(text: string, why: string): SluiceError {
  return new SluiceError('invalid-input', {
    about: `matcher "${excerpt(text, 120)}"`,
    problem: `can't be read: ${why}.`,
    next: 'Write it as Alertmanager does: service="checkout", or severity=~"page|critical".',
  });
}

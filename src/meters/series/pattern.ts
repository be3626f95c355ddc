import { RE2JS } from 're2js';
import { SluiceError } from '../../core/errors.ts';

/** A regular expression of PromQL, anchored at both ends. */
export interface Pattern {
  /** @throws SluiceError `unsupported` for a text of more than 10,000 characters */
  test(text: string): boolean;
}

/** The most characters of a pattern. Prometheus itself compiles longer ones, but those are mistakes. */
const LONGEST_PATTERN = 20_000;
/** The most characters of a text to match. */
const LONGEST_TEXT = 10_000;
/** How many compiled patterns are kept. */
const MOST_PATTERNS = 200;
/** How many results of one pattern are kept: labels have few values, which every scrape shows again. */
const MOST_ANSWERS = 2_000;
/** The most characters of a text whose result is kept. */
const LONGEST_KEPT = 200;

const compiled = new Map<string, Pattern>();

/**
 * A regular expression as Prometheus reads it: RE2, with a dot that matches newlines. Users write the patterns and pods choose
 * the texts, so the engine must take linear time. (https://github.com/google/re2/wiki/Syntax)
 *
 * @throws SluiceError `bad-query` for a pattern that RE2 refuses
 */
export function patternOf(pattern: string): Pattern {
  const known = compiled.get(pattern);
  if (known) return known;
  const made = compile(pattern);
  if (compiled.size >= MOST_PATTERNS) compiled.clear();
  compiled.set(pattern, made);
  return made;
}

function compile(pattern: string): Pattern {
  if (pattern.length > LONGEST_PATTERN) throw unreadable(pattern, 'it is too long');
  const regex = parse(pattern);
  const answers = new Map<string, boolean>();
  return {
    test(text) {
      const answer = answers.get(text);
      if (answer !== undefined) return answer;
      if (text.length > LONGEST_TEXT) throw tooLong(pattern, text);
      const found = regex.testExact(text);
      if (answers.size >= MOST_ANSWERS) answers.clear();
      if (text.length <= LONGEST_KEPT) answers.set(text, found);
      return found;
    },
  };
}

/**
 * Tells of a line whether a regular expression of RE2 is found in it, as `grep` does. Takes time in proportion to the line.
 *
 * @throws SluiceError `bad-query` for one that RE2 does not take
 */
export function lineFilter(pattern: string): (line: string) => boolean {
  if (pattern.length > LONGEST_PATTERN) throw unreadable(pattern, 'it is too long');
  const regex = parse(pattern);
  return (line) => regex.test(line);
}

function parse(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.DOTALL);
  } catch (cause) {
    throw unreadable(pattern, cause instanceof Error ? cause.message : 'it is malformed', cause);
  }
}

function unreadable(pattern: string, why: string, cause?: unknown): SluiceError {
  return new SluiceError('bad-query', {
    about: `regular expression "${shortened(pattern)}"`,
    problem: `can't be used (${shortened(why)}).`,
    next: 'Write it as RE2 takes it: https://github.com/google/re2/wiki/Syntax.',
    cause,
  });
}

function tooLong(pattern: string, text: string): SluiceError {
  return new SluiceError('unsupported', {
    about: `regular expression "${shortened(pattern)}"`,
    problem: `is asked of the value of a label with ${text.length} characters, and ${LONGEST_TEXT} is the most.`,
    next: 'Let the application write shorter labels, or pick the series by another label.',
  });
}

function shortened(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`;
}

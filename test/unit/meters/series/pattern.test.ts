import { describe, expect, it } from 'vitest';
import { isSluiceError } from '../../../../src/core/errors.ts';
import { lineFilter, patternOf } from '../../../../src/meters/series/pattern.ts';

function codeOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return isSluiceError(error) ? error.code : error;
  }
  return undefined;
}

describe('a regular expression of PromQL', () => {
  it.each([
    ['(?i)ok', 'OK', true],
    ['(?i:o)k', 'Ok', true],
    ['(?i:o)k', 'OK', false],
    ['(?P<class>5)..', '503', true],
    ['a.b', 'a\nb', true],
    ['[[:digit:]]+', '42', true],
    ['\\Qa.b\\E', 'a.b', true],
    ['\\Qa.b\\E', 'axb', false],
    ['\\pL+', 'é', true],
    ['(?U)a+', 'aa', true],
    ['a\\z', 'a', true],
    ['5..', '1503', false],
    ['5..|4..', '404', true],
  ])('reads %j as RE2 does: of %j it says %j', (pattern, text, expected) => {
    expect(patternOf(pattern).test(text)).toBe(expected);
    // The answer that is kept is the same one.
    expect(patternOf(pattern).test(text)).toBe(expected);
  });

  it.each(['(', 'a**', '\\C', 'a(?=b)', '(a)\\1', 'a{1001}', '(a{1000}){1000}', '('.repeat(5_000), 'a'.repeat(20_001)])(
    'is refused where RE2 does not take it: %s',
    (pattern) => {
      expect(codeOf(() => patternOf(pattern))).toBe('bad-query');
    },
  );

  // Each further letter would double the time of an engine that backtracks: these would not end in a lifetime.
  it.each([
    ['(/?[a-z]+)+', `${'a'.repeat(5_000)}!`],
    ['(?i)(/?[a-z]+)+', `${'a'.repeat(5_000)}!`],
    ['(a|a)*b', 'a'.repeat(5_000)],
    ['(?i:(x+x+)+y)', 'x'.repeat(5_000)],
  ])('ends on texts that others choose: %s', (pattern, text) => {
    expect(patternOf(pattern).test(text)).toBe(false);
  });

  it('is not asked of a text without an end', () => {
    expect(codeOf(() => patternOf('a+').test('a'.repeat(10_001)))).toBe('unsupported');
  });
});

it('finds a pattern anywhere in a line, in time that grows with the line', () => {
  expect(lineFilter('ERROR|panic')('12:00 [ERROR] it fails')).toBe(true);
  expect(lineFilter('^ERROR')('12:00 [ERROR] it fails')).toBe(false);
  expect(lineFilter('')('anything')).toBe(true);
  expect(lineFilter('(a|a)*b$')('a'.repeat(20_000))).toBe(false);
  expect(() => lineFilter('(')).toThrow('regular expression "("');
});

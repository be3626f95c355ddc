import { describe, expect, it } from 'vitest';
import { endsOf, trimEndOf } from '../../../src/core/text.ts';

describe('trimEndOf', () => {
  it.each([
    ['https://a//', '/', 'https://a'],
    ['//', '/', ''],
    ['', '/', ''],
    ['a-.b-.', '.-', 'a-.b'],
    ['a', '', 'a'],
  ])('%j without %j at its end is %j', (text, characters, expected) => {
    expect(trimEndOf(text, characters)).toBe(expected);
  });
});

describe('endsOf', () => {
  it('leaves what is short, and keeps beginning and end of what is long', () => {
    expect(endsOf('a\nb')).toBe('a\nb');
    const said = endsOf(`Error: ${'x'.repeat(100_000)}: forbidden`);
    expect(said).toMatch(/^Error: x+ … x+: forbidden$/);
    expect(said.length).toBeLessThan(10_100);
  });
});

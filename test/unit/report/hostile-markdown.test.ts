import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { singleLine } from '../../../src/core/text.ts';
import { bold, code, details, link, plain, table } from '../../../src/report/markdown.ts';
import { createForgeryCheck, hostileText, render, textOf } from '../../support/hostile-markdown.ts';
import { places } from '../../support/markdown-places.ts';

describe('what others write', () => {
  it.each(Object.entries(places))('is text in all places of the Markdown: %s', (_, place) => {
    const check = createForgeryCheck(place);
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(check(text)).toBeUndefined();
      }),
      { numRuns: 65 },
    );
  });

  it.each([
    ['a link behind an odd address', 'https://_/[Approve-the-release](https://evil.example/x)'],
    ['an image behind an odd address', 'https://_/![x](https://evil.example/pixel.png)'],
    ['a mention behind an odd address', 'https://@sha256://x'],
    ['an image behind backslashes and a bar', '\\\\|![x](https://evil.example/p.png)'],
    ['a line that looks blank', '\u2028```\n\u2028[x](https://evil.example/p)'],
    ['a list', '- [ ] x'],
    ['a numbered list', '1. x'],
  ])('is text: %s', (_, text) => {
    for (const place of Object.values(places)) expect(createForgeryCheck(place)(text)).toBeUndefined();
  });

  it.each([
    ['text', plain],
    ['code', code],
    ['bold', bold],
    ['summary', (text: string) => details(text, '')],
    ['cell', (text: string) => table([''], [[`${plain(text)} ${code(text)}`]])],
    ['link', (text: string) => link(plain(text), 'https://shop.example')],
  ])('is shown as it was written: %s', (name, write) => {
    const bare = (text: string) => text.replaceAll(/\s+/g, ' ').trim();
    fc.assert(
      fc.property(hostileText, (text) => {
        const written = bare(singleLine(text));
        expect(bare(textOf(render(write(text))))).toBe(name === 'cell' ? `${written} ${written}`.trim() : written);
      }),
    );
  });

  it('links to web pages alone, by addresses that end with the link', () => {
    expect(link('x', 'javascript:alert(1)')).toBe('x');
    expect(link('x', 'https://a.example/b)c`d|e&copy=1')).toBe('[x](https://a.example/b%29c%60d%7Ce&amp;copy=1)');
    expect(link('x', 'https://')).toBe('x');
  });
});

import fc from 'fast-check';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { singleLine } from '../../src/core/text.ts';

/** Text rendered as on a page of GitHub. */
export function render(markdown: string): string {
  return micromark(markdown, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });
}

/** Pieces with a meaning in Markdown, in HTML or on GitHub. */
const pieces = [
  ...'`*_~[]()<>|\\!#$@:-+=.&;"\'^{}/',
  ...[
    '``',
    '```',
    '~~~',
    '**',
    '__',
    '~~',
    '\\|',
    '\\\\|',
    '\\`',
    '\\\\',
    '|-|',
    '| --- |',
    '\n| a |\n| - |\n',
    '---',
    '===',
    '- ',
    '1. ',
    '> ',
    '    ',
  ],
  ...[
    ' ',
    '\n',
    '\n\n',
    '\r',
    '\r\n',
    '\t',
    '\v',
    '\u0085',
    '\u00a0',
    '\u2028',
    '\u200b',
    '\u202e',
    '\u0000',
    '\u001b[31m',
  ],
  ...[
    'https://',
    'http://',
    'HTTPS://',
    'www.',
    'mailto:',
    'evil.example',
    'https://evil.example/x',
    'https://_/',
    '@sha256://',
    'ftp://a.b',
  ],
  ...[
    '[Approve](https://evil.example/x)',
    '![x](https://evil.example/p.png)',
    '[x]: https://evil.example',
    '[^1]: x',
    '[x][x]',
    '- [ ] x',
  ],
  ...[
    '<img src=x>',
    '<a href=x>',
    '<!--',
    '-->',
    '--!>',
    '<![CDATA[',
    ']]>',
    '<?',
    '</details>',
    '</summary>',
    '</code>',
    '<script>',
    '<https://evil.example>',
  ],
  ...['&lt;', '&#60;', '&#x3c;', '&copy', '&colon;'],
  ...[
    '@user',
    '@org/team',
    'user@evil.example',
    '#1',
    'GH-1',
    'gh-22',
    'a/b#1',
    'a/b@deadbee',
    'GHSA-jfh8-c2jp-5v3q',
    '5f70bf18a086',
    `${'0123456789'.repeat(4)}`,
    ':octocat:',
    ':+1:',
    '$x$',
    '$`x`$',
  ],
  ...['\n::stop-commands::x', '##[error]x', 'a', 'word', 'x_y', '1', ' x '],
];

/** Texts that try to be more than text. They are short, as their meaning is tested and not their length. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...pieces) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((parts) => parts.join(''))
  // Leaves out invisible texts, as their element is omitted.
  .filter((text) => singleLine(text.split('\n')[0] ?? '').trim() !== '');

/** Elements that only mark text as text; a longer text may need more of them. */
const harmless = new Set(['code', 'pre', 'p']);

function elementsOf(html: string): string[] {
  return (
    [...html.matchAll(/<[^>]*>/g)]
      .map(([tag]) => tag)
      .filter((tag) => !harmless.has(/^<\/?([a-z0-9]*)/i.exec(tag)?.[1] ?? ''))
      // The address of a link of ours may contain the text, escaped so that it ends neither the address nor the link.
      .map((tag) =>
        tag.replace(/^<a href="(https:\/\/github\.com\/|http:\/\/shop\.example\/)[\w./:?=&;%#~+,@-]*">$/, '<a $1>'),
      )
  );
}

/** What GitHub would link or replace outside of code. */
const noticed = /@\w|#\d|\bgh-\d|ghsa-|https?:\/\/|www\.|\b[0-9a-f]{7,40}\b|:\w*[a-z]\w*:|\$\S[^$]*\$/i;

function decoded(html: string): string {
  const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' };
  return html.replaceAll(/&(lt|gt|amp|quot);/g, (_, name: string) => entities[name] ?? '');
}

/** The visible text. */
export function textOf(html: string): string {
  return decoded(html.replaceAll(/<[^>]*>/g, '')).replaceAll('\u200b', '');
}

/** The visible text outside of code and links. */
function proseOf(html: string): string {
  return decoded(html.replaceAll(/<(pre|code|a)\b[^>]*>.*?<\/\1>/gs, '\u0000').replaceAll(/<[^>]*>/g, '\n'));
}

/**
 * Checks what a text has forged in our Markdown: elements that a harmless text does not cause, or words to which GitHub gives a
 * meaning. Undefined if the text is only text.
 */
export function createForgeryCheck(place: (text: string) => string): (text: string) => string | undefined {
  const expected = elementsOf(render(place('word'))).join('\n');
  return (text) => {
    const html = render(place(text));
    const found = elementsOf(html).join('\n');
    if (found !== expected) return `elements:\n${found}\ninstead of:\n${expected}`;
    // The commit of a run is our own, and may be a link.
    const shown = noticed.exec(proseOf(html).replaceAll(/\(commit [0-9a-f]{7}\)/g, ''));
    if (!shown) return undefined;
    return `shows "${shown[0]}" in ${JSON.stringify(shown.input.slice(Math.max(0, shown.index - 60), shown.index + 60))}`;
  };
}

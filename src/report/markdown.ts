import { singleLine } from '../core/text.ts';

/**
 * Text that GitHub links or replaces even if its characters are escaped: addresses, references to issues and commits, formulas
 * and names of emoji. Inside of code, GitHub leaves it alone.
 * https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
 */
const autolinked =
  /\w@|#\d|\$|:\/\/|www\.|gh-\d|ghsa-|(?<![0-9a-z_])[0-9a-f]{7,40}(?![0-9a-z_])|:(?=[\d_+-]*[a-z]|[+-]?1)[\w+-]+:/i;
const opening = new Set('([{<"\'');
const closing = new Set(')]}>"\'.,;:!?');

/** Text of others, on one line and escaped so that Markdown shows it literally. */
export function plain(text: string): string {
  return escapedStart(wordwise(text, escaped, code));
}

/** The GitHub server of whoever does not run one. */
export const GITHUB = 'https://github.com';

/** As `plain`, with the addresses of runs on this GitHub server, such as `https://github.com`, as links; it needs TLS. */
export function withRuns(text: string, server: string): string {
  return escapedStart(wordwise(text, escaped, (word) => runLink(word, server) ?? code(word)));
}

/** Undefined for any other address, and for one that is written in another way than Sluice writes it. */
function runLink(address: string, server: string): string | undefined {
  const run = runOf(address, server);
  return run === undefined ? undefined : link(`run ${run}`, address);
}

/** The number of the run that an address on this GitHub server shows. */
function runOf(address: string, server: string): string | undefined {
  const url = URL.parse(address);
  if (url?.protocol !== 'https:' || url.origin !== URL.parse(server)?.origin) return undefined;
  // No user, no query, no fragment, and nothing that a browser would read in another way.
  if (address !== `${url.origin}${url.pathname}`) return undefined;
  return /^\/[\w.-]+\/[\w.-]+\/actions\/runs\/(\d+)$/.exec(url.pathname)?.[1];
}

/** The address of a run on this GitHub server at the end of a text such as `alice, https://github.com/acme/shop/actions/runs/1`. */
export function runAddressIn(text: string, server: string): string | undefined {
  const address = /(?:^|\s)(\S+)$/.exec(text)?.[1];
  return address !== undefined && runOf(address, server) !== undefined ? address : undefined;
}

/** Where the page of a report is found, if the workflow uploads it; nothing where the run is on another server. */
export function artifactsLink(by: string, server: string): string[] {
  const address = runAddressIn(by, server);
  return address === undefined
    ? []
    : [`${link('HTML report', `${address}#artifacts`)} among the artifacts, where the workflow uploads it`];
}

/** As `plain`, for text inside of HTML, where Markdown has no effect. */
function plainHtml(text: string): string {
  const ordinary = (word: string) => withoutMentions(escapedHtml(word));
  return wordwise(text, ordinary, (word) => `<code>${escapedHtml(word)}</code>`);
}

/** Rewrites each word by `ordinary`, and each word that GitHub would link by `verbatim`, so that it can be copied. */
function wordwise(text: string, ordinary: (word: string) => string, verbatim: (word: string) => string): string {
  return singleLine(text)
    .trim()
    .split(/(\s+)/)
    .map((word) => {
      if (!autolinked.test(word)) return ordinary(word);
      // Surrounding brackets and punctuation are not part of the word.
      let [from, to] = [0, word.length];
      while (from < to && opening.has(word.charAt(from))) from += 1;
      while (to > from && closing.has(word.charAt(to - 1))) to -= 1;
      return `${ordinary(word.slice(0, from))}${verbatim(word.slice(from, to))}${ordinary(word.slice(to))}`;
    })
    .join('');
}

const ZERO_WIDTH_SPACE = '\u200b';
const htmlEntities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
// In a table, a backslash before a bar would end the cell, so both are written as entities.
const entities: Readonly<Record<string, string>> = { ...htmlEntities, '\\': '&#92;', '|': '&#124;' };

function escapedHtml(text: string): string {
  return text.replaceAll(/[&<>]/g, (character) => htmlEntities[character] ?? character);
}

/** A zero-width space after `@` keeps GitHub from mentioning anyone. */
function withoutMentions(text: string): string {
  return text.replaceAll('@', `@${ZERO_WIDTH_SPACE}`);
}

function escaped(text: string): string {
  const marked = text.replaceAll(/[&<>\\|`*_[\]#~!@]/g, (character) => entities[character] ?? `\\${character}`);
  return withoutMentions(marked);
}

/** Escapes what would start a list, a heading or an underline at the beginning of a line. */
function escapedStart(markdown: string): string {
  return markdown.replace(/^(?:[-+=]|\d{1,9}[.)])/, (mark) => `${mark.slice(0, -1)}\\${mark.slice(-1)}`);
}

/** Plain text in bold; empty for empty text. */
export function bold(text: string): string {
  const written = plain(text);
  return written === '' ? '' : `**${written}**`;
}

/** A link of ours; only its text where the address is no web address. `text` is Markdown. */
export function link(text: string, address: string): string {
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return text;
  const { href } = new URL(address);
  const target = href.replaceAll(/[^\w./:?=&%#~+,;@-]/g, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
  return `[${text}](${target.replaceAll('&', '&amp;')})`;
}

/** Inline code for any text; empty for empty text. */
export function code(text: string): string {
  // A bar would end the cell of a table even in code, and an escaped bar would show its backslash outside of tables.
  return singleLine(text).split('|').map(codeSpan).join('<code>&#124;</code>');
}

function codeSpan(text: string): string {
  if (text === '') return '';
  const longest = longestRun(text);
  const fence = '`'.repeat(longest + 1);
  // Markdown removes one blank at each end.
  return longest > 0 || /^ .* $/.test(text) ? `${fence} ${text} ${fence}` : `${fence}${text}${fence}`;
}

/** A code block for any text. */
export function block(language: string, text: string): string {
  const lines = text.split('\n').map(singleLine).join('\n');
  const fence = '`'.repeat(Math.max(2, longestRun(lines)) + 1);
  return `${fence}${language}\n${lines}\n${fence}`;
}

/** The length of the longest run of backticks. */
function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}

/** A table; its cells are already Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function cell(markdown: string): string {
  return markdown.replaceAll(/(?<!\\)\|/g, '\\|');
}

/** A collapsed section. `summary` is text of others, `content` is Markdown. */
export function details(summary: string, content: string): string {
  return `<details><summary>${plainHtml(summary)}</summary>\n\n${content}\n\n</details>`;
}

/** The non-empty parts of a job summary; leaves out parts that do not fit into `limit` bytes, and says so. */
export function joined(parts: readonly string[], limit: number): string {
  let text = '';
  let left = 0;
  for (const part of parts.filter((written) => written !== '')) {
    if (Buffer.byteLength(text + part) > limit) left += 1;
    else text += `${part}\n\n`;
  }
  const what = left === 1 ? 'One part has' : `${left} parts have`;
  return left === 0 ? text : `${text}*${what} no room here; all is in the JSON report (output \`report\`).*\n`;
}

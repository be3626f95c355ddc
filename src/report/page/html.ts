import { createHash } from 'node:crypto';
import { singleLine } from '../../core/text.ts';
import { style } from './style.ts';

/** Markup of ours, in which all text of others is escaped. Only `html` makes it. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
}

export type Content = Html | string | number | undefined | readonly Content[];

/**
 * Makes markup of a template. Values are text, on one line and without unseen characters, for an element or for a quoted
 * attribute; or markup that this function has made.
 */
export function html(template: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(template.map((part, index) => part + markupOf(values[index])).join(''));
}

function markupOf(content: Content): string {
  if (content === undefined) return '';
  if (content instanceof Html) return content.markup;
  if (typeof content === 'object') return content.map(markupOf).join('');
  return escaped(String(content));
}

/** Text of several lines, for `pre`. */
export function textLines(text: string): Html {
  // HTML drops a line break at the beginning of `pre`.
  return new Html(`\n${text.split(/\r?\n/).map(escaped).join('\n')}`);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return seen(text).replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** A text as a reader sees it. HTML does not allow lone surrogates and code points that are no characters. */
export function seen(text: string): string {
  return singleLine(text)
    .toWellFormed()
    .replaceAll(/\p{Noncharacter_Code_Point}/gu, '\ufffd');
}

/** `1.0.0 <script>` can't run, nothing is fetched, and nothing is sent: the page is text, drawings and this one style. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

interface Page {
  readonly title: string;
  readonly header: Content;
  readonly main: Content;
  readonly footer: Content;
}

/** A whole document, which needs nothing from elsewhere. */
export function document({ title, header, main, footer }: Page): string {
  return `${
    html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<header>${header}</header>
<main>${main}</main>
<footer>${footer}</footer>
</body>
</html>`.markup
  }\n`;
}

/** A section with a heading; empty without content. */
export function section(title: string, content: Content): Html | undefined {
  if (content === undefined || (Array.isArray(content) && content.every((part) => part === undefined)))
    return undefined;
  return html`<section>
<h2>${title}</h2>
${content}
</section>
`;
}

/** A table that scrolls by itself where the window is narrow; its first column names the row. */
export function table(caption: string, head: readonly Content[], rows: readonly (readonly Content[])[]): Html {
  const cells = ([first, ...rest]: readonly Content[]) =>
    html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>\n`;
  return html`<div class="scroll" role="region" tabindex="0" aria-label="Table: ${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>
${rows.map(cells)}</tbody>
</table></div>
`;
}

/** A collapsed part. */
export function details(summary: string, content: Content): Html {
  return html`<details><summary>${summary}</summary>
${content}
</details>
`;
}

/** A time with its date for machines, shown as `text`. */
export function timeOf(at: number, text: string): Html {
  return html`<time datetime="${new Date(at).toISOString()}">${text}</time>`;
}

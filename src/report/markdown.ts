/** Text that somebody else wrote, so that it stands on one line of Markdown and means nothing but itself. URLs stay links. */
export function plain(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, ' ');
  return line
    .split(/(https?:\/\/[^\s<>|`]+)/)
    .map((part, index) => (index % 2 === 1 ? part : escaped(part)))
    .join('');
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*_[\]|#~@!$]/g, (character) => `\\${character}`);
}

/** Inline code that may hold backticks. */
export function code(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, ' ');
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`;
}

/** A block of code whatever is in it. */
export function block(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** A table; its cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function cell(markdown: string): string {
  return markdown.replaceAll(/(?<!\\)\|/g, '\\|');
}

/** A part that opens when it is clicked. `summary` is plain text. */
export function details(summary: string, content: string): string {
  return `<details><summary>${plain(summary)}</summary>\n\n${content}\n\n</details>`;
}

/** The parts of a job summary, except empty ones; those that `limit` bytes have no room for are left out, and that is said. */
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

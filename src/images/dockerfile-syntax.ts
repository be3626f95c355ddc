import { trimEndOf } from '../core/text.ts';

/** One instruction, with its continuation lines joined. */
export interface Instruction {
  /** In lower case: `copy`. */
  readonly keyword: string;
  /** `--from=build`, `--link` */
  readonly flags: readonly string[];
  /** The text after the flags. */
  readonly rest: string;
  /** The whole instruction as it is written. */
  readonly text: string;
}

export interface ParsedDockerfile {
  readonly instructions: readonly Instruction[];
  /** The image of the frontend that reads the file, from `# syntax=IMAGE`. */
  readonly syntax: string | undefined;
  /** Parts that could not be read the way BuildKit reads them, as sentences. */
  readonly unknown: readonly string[];
}

const keywords = new Set(
  'from add arg cmd copy entrypoint env expose healthcheck label maintainer onbuild run shell stopsignal user volume workdir'.split(
    ' ',
  ),
);

/** Instructions that can have here-documents: `COPY <<EOF /file`. */
const withDocuments = new Set(['add', 'copy', 'run', 'onbuild']);

/**
 * Reads a Dockerfile as BuildKit's parser does: byte order mark, directives, comments, continuation lines, here-documents.
 * https://github.com/moby/buildkit/tree/master/frontend/dockerfile/parser
 */
export function parseDockerfile(dockerfile: string): ParsedDockerfile {
  const lines = dockerfile.replace(/^\uFEFF/, '').split('\n');
  const directives = directivesOf(lines);
  const continued = directives.escape === '`' ? /(^|[^`])`[ \t]*$/ : /(^|[^\\])\\[ \t]*$/;
  const instructions: Instruction[] = [];
  const unknown: string[] = [];
  if (dockerfile.includes('\uFFFD')) unknown.push('The Dockerfile holds bytes that are no UTF-8.');

  let next = 0;
  while (next < lines.length) {
    const joined = joinLines(lines, next, continued);
    next = joined.next;
    if (joined.text.trim() === '') continue;
    const { instruction, problem } = readInstruction(joined.text.trim());
    if (problem !== undefined) unknown.push(problem);
    instructions.push(instruction);
    const documents = withDocuments.has(instruction.keyword) ? documentsOf(joined.text) : [];
    const after = documents && skipDocuments(lines, next, documents);
    if (after === undefined) {
      unknown.push(`${instruction.text} has a document whose end can't be found.`);
      break;
    }
    next = after;
  }
  return { instructions, syntax: directives.syntax, unknown };
}

/** The directives `# syntax=…` and `# escape=…`, which come before everything else. */
function directivesOf(lines: readonly string[]): { readonly syntax?: string; readonly escape?: string } {
  const found: Record<string, string> = {};
  const start = lines[0]?.startsWith('#!') ? 1 : 0;
  for (const line of lines.slice(start)) {
    const [, name = '', value = ''] = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*)$/.exec(line.trimEnd()) ?? [];
    if (!['syntax', 'escape', 'check'].includes(name.toLowerCase())) break;
    found[name.toLowerCase()] ??= value;
  }
  const syntax = found.syntax?.split(' ')[0];
  return { ...(syntax !== undefined && { syntax }), ...(found.escape !== undefined && { escape: found.escape }) };
}

function joinLines(lines: readonly string[], start: number, continued: RegExp): { text: string; next: number } {
  let text = '';
  let next = start;
  while (next < lines.length) {
    const line = trimEndOf(lines[next] ?? '', '\r');
    const first = next === start;
    next += 1;
    const isComment = /^\s*#/.test(line);
    if (!first && (isComment || line.trim() === '')) continue;
    if (isComment) break;
    text += line.replace(continued, '$1');
    if (!continued.test(line)) break;
  }
  return { text, next };
}

/** Reads one instruction; `problem` says which part is not understood. */
export function readInstruction(text: string): { instruction: Instruction; problem?: string } {
  const [keyword = ''] = text.split(/\s/, 1);
  const flags: string[] = [];
  let rest = text.slice(keyword.length).trimStart();
  for (;;) {
    const [word, flag] = /^(--\S*)(?:\s+|$)/.exec(rest) ?? [];
    if (word === undefined || flag === undefined) break;
    rest = rest.slice(word.length);
    if (flag === '--') break;
    flags.push(flag);
  }
  const instruction = { keyword: keyword.toLowerCase(), flags, rest, text };
  if (!keywords.has(instruction.keyword))
    return { instruction, problem: `${keyword} is no instruction that is known.` };
  const quoted = flags.find((flag) => /["'\\`]/.test(flag));
  return quoted === undefined ? { instruction } : { instruction, problem: `${quoted} of ${keyword} is quoted.` };
}

interface Document {
  readonly end: string;
  /** `<<-EOF`: the last line may be indented with tabs. */
  readonly indented: boolean;
}

/** The here-documents that follow a line; undefined where they cannot be determined. */
function documentsOf(line: string): Document[] | undefined {
  if (!line.includes('<<')) return [];
  // Other forms of variables may contain blanks and brackets.
  if (/\$\{(?!\w+(?::?[-+?][^{}"'\s]*)?\})/.test(line)) return undefined;
  const words = wordsOf(line);
  if (!words) return undefined;
  const documents: Document[] = [];
  for (const word of words) {
    const [, dash, name = ''] = /^\d*<<(-?)([^<]*)$/.exec(word) ?? [];
    if (dash === undefined || name === '') continue;
    const [, , end] = /^(["']?)([\w.-]+)\1$/.exec(name) ?? [];
    if (end === undefined) return undefined;
    documents.push({ end, indented: dash === '-' });
  }
  return documents;
}

/** The words of a line, with their quotes; undefined where a quote is not closed. */
export function wordsOf(line: string): string[] | undefined {
  const word = /(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gsu;
  const words = line.match(word) ?? [];
  return line.replace(word, '').trim() === '' ? words : undefined;
}

/** The line after the here-documents; undefined where one of them does not end. */
function skipDocuments(lines: readonly string[], start: number, documents: readonly Document[]): number | undefined {
  let next = start;
  for (const { end, indented } of documents) {
    const found = lines.findIndex((line, index) => {
      const text = trimEndOf(line, '\r');
      return index >= next && (indented ? text.replace(/^\t+/, '') : text) === end;
    });
    if (found === -1) return undefined;
    next = found + 1;
  }
  return next;
}

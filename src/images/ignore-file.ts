import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { RE2JS } from 're2js';

/** What builds: each reads ignore files from other places. */
export type BuilderKind = 'buildx' | 'buildah';

/** What a builder leaves out of its context. */
export interface Ignoring {
  readonly patterns: readonly IgnorePattern[];
  /** Why the patterns can't be applied as the builder does; then nothing is left out. */
  readonly unknown: string | undefined;
}

/** One line of an ignore file. */
export interface IgnorePattern {
  /** `!docs/README.md`: what is left in again. */
  readonly exception: boolean;
  /** True where the pattern names this very path; folders above it are looked at by `createFilter`. */
  matches(path: string): boolean;
}

const nothingIgnored: Ignoring = { patterns: [], unknown: undefined };

/** Empty, a comment, or a path with nothing but single wildcards. */
const plainLine = /^(?:#.*|(?!.*\*\*)[\w./*?@+,-]*)$/;

/** What Go's strings.TrimSpace takes away; JavaScript's own list is another one. */
const blank = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && blank.test(text.charAt(start))) start += 1;
  while (end > start && blank.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/**
 * Reads the ignore file that this builder would read.
 *
 * @param folder the context
 * @param file the Dockerfile
 */
export async function readIgnoreFile(folder: string, file: string, kind: BuilderKind): Promise<Ignoring> {
  const beside = [`${file}.dockerignore`];
  const inContext = [join(folder, '.dockerignore')];
  if (kind === 'buildah') {
    // https://github.com/containers/buildah/blob/main/pkg/parse/parse.go, ContainerIgnoreFile
    beside.push(`${file}.containerignore`);
    inContext.unshift(join(folder, '.containerignore'));
  }
  for (const path of [...beside, ...inContext]) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    // BuildKit takes an empty file beside the Dockerfile for none.
    if (text === '' && beside.includes(path)) return nothingIgnored;
    return parseIgnoreFile(text, kind);
  }
  return nothingIgnored;
}

/** Reads an ignore file by the rules of https://github.com/moby/patternmatcher, which BuildKit uses. */
export function parseIgnoreFile(text: string, kind: BuilderKind = 'buildx'): Ignoring {
  // buildah has rules of its own: where the line is not plain to both, everything counts.
  if (kind === 'buildah' && !text.split('\n').every((line) => plainLine.test(line))) return nothingIgnored;
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  const patterns: IgnorePattern[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('#')) continue;
    const written = trimmed(line);
    if (written === '') continue;
    const exception = written.startsWith('!');
    const pattern = cleaned(exception ? trimmed(written.slice(1)) : written);
    const matches = pattern === undefined ? undefined : matcherOf(pattern);
    if (matches === undefined) {
      return {
        patterns: [],
        unknown: `Line ${index + 1} of the ignore file has a pattern that only the builder can read.`,
      };
    }
    patterns.push({ exception, matches });
  }
  return { patterns, unknown: undefined };
}

/** Characters of a pattern. */
const LONGEST_PATTERN = 4_096;

/** `./docs//` is `docs`, and `/docs` is that of the context. Undefined for what the builder refuses. */
function cleaned(written: string): string | undefined {
  // No path is longer on Linux; a pattern is compared with each of them.
  if (written.length > LONGEST_PATTERN) return undefined;
  const pattern = posix
    .normalize(written)
    .replace(/^\/(?=.)/, '')
    .replace(/(?<=.)\/$/, '');
  return pattern === '' || written === '' || written === '/' ? undefined : pattern;
}

/** How a pattern is compared; undefined for one that can't be read. */
function matcherOf(pattern: string): IgnorePattern['matches'] | undefined {
  // Go and JavaScript read escapes differently, and bytes that are no UTF-8.
  if (/[\\\uFFFD]/.test(pattern)) return undefined;
  if (!/[*?[\]]/.test(pattern)) return (path) => path === pattern;
  if (pattern === '**') return () => true;
  const [, suffix] = /^\*\*([^*?[\]]+)$/.exec(pattern) ?? [];
  if (suffix !== undefined) return (path) => path.endsWith(suffix) || `/${path}` === suffix;
  const [, prefix] = /^([^*?[\]]+)\*\*$/.exec(pattern) ?? [];
  if (prefix !== undefined) return (path) => path.startsWith(prefix);
  const expression = expressionOf(pattern);
  return expression && ((path) => expression.testExact(path));
}

/** The parts of a pattern: `**` and `**` with its slash, wildcards, classes, and everything else. */
const part = /\*\*\/?|\*|\?|\[\^?[^\][\\]+\]|[^*?]/gu;

/** With the linear engine of RE2: a pattern may have any number of wildcards, and a repository any paths. */
function expressionOf(pattern: string): RE2JS | undefined {
  const parts: readonly string[] = pattern.match(part) ?? [];
  const source = parts.map((text, index) => {
    if (text.startsWith('**')) return index === parts.length - 1 ? '[^\\n]*' : '(?:[^\\n]*/)?';
    if (text === '*') return '[^/]*';
    if (text === '?') return '[^/]';
    if (text === '^' || (text.length > 1 && text.startsWith('['))) return text;
    return RE2JS.quote(text);
  });
  // A bracket that neither begins nor ends a class is an error for some builders.
  if (parts.includes('[') || parts.includes(']')) return undefined;
  try {
    return RE2JS.compile(source.join(''));
  } catch {
    return undefined;
  }
}

/** Which patterns match a folder: what lies below it is matched by them as well. */
type Matched = readonly boolean[];

/**
 * Decides path by path, from the context's root down, as patternmatcher does.
 *
 * @returns whether a path is left out, with what its children have to be asked with
 */
export function createFilter({ patterns }: Pick<Ignoring, 'patterns'>) {
  return (path: string, parent: Matched | undefined): { ignored: boolean; matched: Matched } => {
    let ignored = false;
    const matched = patterns.map((pattern, index) => {
      // A pattern that would change nothing here is not asked: its folders below are asked anew.
      const hit = parent?.[index] === true || (pattern.exception === ignored && pattern.matches(path));
      if (hit) ignored = !pattern.exception;
      return hit;
    });
    return { ignored, matched };
  };
}

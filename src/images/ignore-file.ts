import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { RE2JS } from 're2js';

/** The build program; each reads ignore files from different places. */
export type BuilderKind = 'buildx' | 'buildah';

/** What a builder leaves out of its context. */
export interface Ignoring {
  readonly patterns: readonly IgnorePattern[];
  /** Why the patterns cannot be applied as the builder does; then nothing is left out. */
  readonly unknown: string | undefined;
}

/** One line of an ignore file. */
export interface IgnorePattern {
  /** `!docs/README.md`: a path that is kept after all. */
  readonly exception: boolean;
  /** Whether the pattern matches this path itself; `createFilter` handles the folders above it. */
  matches(path: string): boolean;
}

const nothingIgnored: Ignoring = { patterns: [], unknown: undefined };

/** An empty line, a comment, or a path with no wildcards but single ones. */
const plainLine = /^(?:#.*|(?!.*\*\*)[\w./*?@+,-]*)$/;

/** The characters that Go's strings.TrimSpace removes; JavaScript's trim removes others. */
const blank = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && blank.test(text.charAt(start))) start += 1;
  while (end > start && blank.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/**
 * Reads the ignore file that this builder would use.
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
    // BuildKit reads an empty file beside the Dockerfile as no patterns at all.
    if (text === '' && beside.includes(path)) return nothingIgnored;
    return parseIgnoreFile(text, kind);
  }
  return nothingIgnored;
}

/** Reads an ignore file by the rules of https://github.com/moby/patternmatcher, which BuildKit uses. */
export function parseIgnoreFile(text: string, kind: BuilderKind = 'buildx'): Ignoring {
  // buildah has rules of its own: if a line might mean something else to it, nothing is ignored.
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

/** The longest pattern, in characters. */
const LONGEST_PATTERN = 4_096;

/**
 * Normalizes a pattern: `./docs//` to `docs`, and `/docs`, which is relative to the context. Undefined where the builder
 * refuses it.
 */
function cleaned(written: string): string | undefined {
  // Linux has no longer path, and a pattern is compared with every path.
  if (written.length > LONGEST_PATTERN) return undefined;
  const pattern = posix
    .normalize(written)
    .replace(/^\/(?=.)/, '')
    .replace(/(?<=.)\/$/, '');
  return pattern === '' || written === '' || written === '/' ? undefined : pattern;
}

/** The function that compares a pattern with a path; undefined for a pattern that cannot be read. */
function matcherOf(pattern: string): IgnorePattern['matches'] | undefined {
  // Go and JavaScript read escapes and invalid UTF-8 differently.
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

/** The parts of a pattern: `**` with or without its slash, wildcards, classes, and all other characters. */
const part = /\*\*\/?|\*|\?|\[\^?[^\][\\]+\]|[^*?]/gu;

/** Uses the linear engine of RE2: a pattern may have any number of wildcards, and a repository any paths. */
function expressionOf(pattern: string): RE2JS | undefined {
  const parts: readonly string[] = pattern.match(part) ?? [];
  const source = parts.map((text, index) => {
    if (text.startsWith('**')) return index === parts.length - 1 ? '[^\\n]*' : '(?:[^\\n]*/)?';
    if (text === '*') return '[^/]*';
    if (text === '?') return '[^/]';
    if (text === '^' || (text.length > 1 && text.startsWith('['))) return text;
    return RE2JS.quote(text);
  });
  // Some builders refuse a bracket that is not part of a class.
  if (parts.includes('[') || parts.includes(']')) return undefined;
  try {
    return RE2JS.compile(source.join(''));
  } catch {
    return undefined;
  }
}

/** For each pattern, whether it matches a folder and therefore everything below it. */
type Matched = readonly boolean[];

/**
 * Decides path by path, from the root of the context down, as patternmatcher does.
 *
 * @returns whether a path is left out, and the `parent` argument for its children
 */
export function createFilter({ patterns }: Pick<Ignoring, 'patterns'>) {
  return (path: string, parent: Matched | undefined): { ignored: boolean; matched: Matched } => {
    let ignored = false;
    const matched = patterns.map((pattern, index) => {
      // Skips a pattern that would change nothing for this path; it is checked again for the entries below.
      const hit = parent?.[index] === true || (pattern.exception === ignored && pattern.matches(path));
      if (hit) ignored = !pattern.exception;
      return hit;
    });
    return { ignored, matched };
  };
}

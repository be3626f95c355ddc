import { Composer, type CST, type Document, isScalar, LineCounter, Parser, visit } from 'yaml';

/** The value of a YAML document, or the problem that it has. */
export type YamlResult =
  | { readonly value: unknown }
  | {
      /** One line without a full stop. It may name an alias and quotes nothing else, as the text may hold secrets. */
      readonly problem: string;
      readonly line: number;
      readonly column: number;
    };

const TOO_DEEP = 'it is nested too deeply';

interface YamlOptions {
  /** Replaces `<<` by the keys of the mapping that it refers to. */
  readonly merge?: boolean;
  /** `failsafe` reads every scalar as text. */
  readonly schema?: 'core' | 'failsafe';
}

/** Reads the documents of a text, with the positions of problems. Too deep a nesting is a problem as well. */
export function readYamlDocuments(text: string, { merge = false, schema = 'core' }: YamlOptions = {}): YamlResult[] {
  const lineCounter = new LineCounter();
  // The parser's own check for repeated keys compares every key with every other one, so `repeatedKey` does it in a single
  // walk. Pretty errors would show the line of each error, and a text may have as many errors as characters.
  const options = { logLevel: 'silent' as const, prettyErrors: false, uniqueKeys: false, merge, schema, lineCounter };
  try {
    const tokens = upToError(new Parser(lineCounter.addNewLine).parse(text));
    if (tokens.some(isDeep)) return [{ problem: TOO_DEEP, line: 1, column: 1 }];
    // An error outside any document counts as that of an empty document.
    const hasError = tokens.at(-1)?.type === 'error';
    const documents: readonly Document[] = [...new Composer(options).compose(tokens, hasError)];
    return documents.map((document) => read(document, merge, lineCounter));
  } catch (error) {
    return [{ problem: reasonOf(error), line: 1, column: 1 }];
  }
}

/** As `readYamlDocuments`, for a text with a single document. */
export function readYamlDocument(text: string, options: YamlOptions = {}): YamlResult {
  const [first = { value: null }, second] = readYamlDocuments(text, options);
  return second && 'value' in first ? { problem: 'it has several documents', line: 1, column: 1 } : first;
}

/** Keeps the first error only: each takes time to describe, and a text may consist of errors. */
function upToError(parsed: Iterable<CST.Token>): readonly CST.Token[] {
  const tokens: CST.Token[] = [];
  for (const token of parsed) {
    tokens.push(token);
    if (token.type === 'error') break;
  }
  return tokens;
}

/** The most levels of lists and mappings. The parser is recursive, and would try each level that is too deep again. */
const DEEPEST = 256;

function isDeep(token: CST.Token): boolean {
  let level: readonly CST.Token[] = [token];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return true;
    level = level.flatMap(partsOf);
  }
  return false;
}

function partsOf(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value ? [token.value] : [];
  if (!('items' in token)) return [];
  return token.items.flatMap(({ key, value }) => [key, value].flatMap((part) => part ?? []));
}

function read(document: Document, merge: boolean, lineCounter: LineCounter): YamlResult {
  const [syntaxError] = document.errors;
  if (syntaxError) {
    const place = lineCounter.linePos(syntaxError.pos[0]);
    if (syntaxError.code === 'RESOURCE_EXHAUSTION') return problemAt(place, TOO_DEEP);
    return problemAt(
      place,
      `${withoutQuotes(firstLineOf(syntaxError.message))} at line ${place.line}, column ${place.col}`,
    );
  }
  const repeated = repeatedKey(document, merge);
  if (repeated !== undefined) {
    const place = lineCounter.linePos(repeated);
    return problemAt(place, `Map keys must be unique at line ${place.line}, column ${place.col}`);
  }
  try {
    return { value: document.toJS() };
  } catch (error) {
    return { problem: reasonOf(error), line: 1, column: 1 };
  }
}

function problemAt({ line, col }: { readonly line: number; readonly col: number }, problem: string): YamlResult {
  // Without a line break in the text, the counter has not begun a line.
  return { problem, line: Math.max(1, line), column: Math.max(1, col) };
}

/** The position of a key that its mapping already has. */
function repeatedKey(document: Document, merge: boolean): number | undefined {
  let found: number | undefined;
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key) || (merge && key.value === '<<')) continue;
        if (seen.has(key.value)) {
          found = key.range?.[0] ?? 0;
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return found;
}

function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return TOO_DEEP;
  return error instanceof Error ? firstLineOf(error.message) : 'it can not be read';
}

/** The parser's message, without what it quotes. */
function withoutQuotes(said: string): string {
  return (said.split('"', 1)[0] ?? '').replace(/[: ]{1,3}$/, '');
}

function firstLineOf(message: string): string {
  return (message.split('\n', 1)[0] ?? '').replace(/:$/, '');
}

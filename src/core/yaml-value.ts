import { Composer, type CST, type Document, isScalar, LineCounter, Parser, visit } from 'yaml';

/** What a document of YAML stands for, or why it stands for nothing. */
export type YamlResult =
  | { readonly value: unknown }
  | {
      /** In one line, without a point at its end; it may name an alias, and quotes nothing else: a text of others may hold secrets. */
      readonly problem: string;
      readonly line: number;
      readonly column: number;
    };

const TOO_DEEP = 'it is nested too deeply';

interface YamlOptions {
  /** `<<` stands for the keys of what it names. */
  readonly merge?: boolean;
  /** `failsafe` reads every scalar as the text that stands there. */
  readonly schema?: 'core' | 'failsafe';
}

/** Reads the documents of a text, with the positions of what is wrong in them. A text nested too deeply is one that is wrong. */
export function readYamlDocuments(text: string, { merge = false, schema = 'core' }: YamlOptions = {}): YamlResult[] {
  const lineCounter = new LineCounter();
  // The check for keys that stand twice compares each key with each other: it is done below, in one walk.
  // Pretty errors show the line of each of them, and a text may have as many as signs.
  const options = { logLevel: 'silent' as const, prettyErrors: false, uniqueKeys: false, merge, schema, lineCounter };
  try {
    const tokens = upToError(new Parser(lineCounter.addNewLine).parse(text));
    if (tokens.some(isDeep)) return [{ problem: TOO_DEEP, line: 1, column: 1 }];
    // An error where there is no document is one of an empty document.
    const hasError = tokens.at(-1)?.type === 'error';
    const documents: readonly Document[] = [...new Composer(options).compose(tokens, hasError)];
    return documents.map((document) => read(document, merge, lineCounter));
  } catch (error) {
    return [{ problem: reasonOf(error), line: 1, column: 1 }];
  }
}

/** As `readYamlDocuments`, for a text that is one document. */
export function readYamlDocument(text: string, options: YamlOptions = {}): YamlResult {
  const [first = { value: null }, second] = readYamlDocuments(text, options);
  return second && 'value' in first ? { problem: 'it has several documents', line: 1, column: 1 } : first;
}

/** Of a text with errors, the first one is told; each of them takes time to describe, and a text may be nothing else. */
function upToError(parsed: Iterable<CST.Token>): readonly CST.Token[] {
  const tokens: CST.Token[] = [];
  for (const token of parsed) {
    tokens.push(token);
    if (token.type === 'error') break;
  }
  return tokens;
}

/** Levels of lists and mappings. The parser itself goes from level to level, and tries each of those that are too deep again. */
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
  // A text without a line break has not begun any line.
  return { problem, line: Math.max(1, line), column: Math.max(1, col) };
}

/** Where a key stands that its mapping has already. */
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

/** What the parser says, without what it quotes. */
function withoutQuotes(said: string): string {
  return (said.split('"', 1)[0] ?? '').replace(/[: ]{1,3}$/, '');
}

function firstLineOf(message: string): string {
  return (message.split('\n', 1)[0] ?? '').replace(/:$/, '');
}

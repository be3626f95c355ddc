import { type Document, isScalar, LineCounter, parseAllDocuments, visit } from 'yaml';

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

/** Reads the documents of a text, with the positions of what is wrong in them. A text nested too deeply is one that is wrong. */
export function readYamlDocuments(text: string, { merge = false } = {}): YamlResult[] {
  const lineCounter = new LineCounter();
  // The check for keys that stand twice compares each key with each other: it is done below, in one walk.
  const options = { logLevel: 'silent' as const, uniqueKeys: false, merge, lineCounter };
  try {
    const documents: readonly Document[] = parseAllDocuments(text, options);
    return documents.map((document) => read(document, merge, lineCounter));
  } catch (error) {
    return [{ problem: reasonOf(error), line: 1, column: 1 }];
  }
}

/** As `readYamlDocuments`, for a text that is one document. */
export function readYamlDocument(text: string, options: { readonly merge?: boolean } = {}): YamlResult {
  const [first = { value: null }, second] = readYamlDocuments(text, options);
  return second && 'value' in first ? { problem: 'it has several documents', line: 1, column: 1 } : first;
}

function read(document: Document, merge: boolean, lineCounter: LineCounter): YamlResult {
  const [syntaxError] = document.errors;
  if (syntaxError) {
    const { line, col } = syntaxError.linePos?.[0] ?? { line: 1, col: 1 };
    const isDeep = syntaxError.code === 'RESOURCE_EXHAUSTION';
    return { problem: isDeep ? TOO_DEEP : withoutQuotes(firstLineOf(syntaxError.message)), line, column: col };
  }
  const repeated = repeatedKey(document, merge);
  if (repeated !== undefined) {
    const { line, col } = lineCounter.linePos(repeated);
    return { problem: `Map keys must be unique at line ${line}, column ${col}`, line, column: col };
  }
  try {
    return { value: document.toJS() };
  } catch (error) {
    return { problem: reasonOf(error), line: 1, column: 1 };
  }
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

/** What the parser says, with the place that it ends in, and without what it quotes. */
function withoutQuotes(said: string): string {
  const [, what = said, place = ''] = /^(.*?)( at line \d+, column \d+)?$/.exec(said) ?? [];
  return `${(what.split('"', 1)[0] ?? '').replace(/[: ]{1,3}$/, '')}${place}`;
}

function firstLineOf(message: string): string {
  return (message.split('\n', 1)[0] ?? '').replace(/:$/, '');
}

import { type Document, parseAllDocuments, parseDocument } from 'yaml';

/** Warnings would go to the log with the line that they are about. */
const quiet = { logLevel: 'silent' } as const;

/** A document of YAML that somebody else has written. */
export function yamlDocument(text: string): Document {
  return parseDocument(text, quiet);
}

/** All documents of a text. */
export function yamlDocuments(text: string): readonly Document[] {
  return parseAllDocuments(text, quiet);
}

/** What keeps a document from being read, in one line that quotes nothing of it; undefined where it can be read. */
export function syntaxProblem({ errors: [error] }: Pick<Document, 'errors'>): string | undefined {
  if (!error) return undefined;
  const { line, col } = error.linePos?.[0] ?? { line: 1, col: 1 };
  const [said = ''] = error.message.split(/ at line \d+|\n/);
  return `${said.replace(/:? *".*$/s, '')} (line ${line}, column ${col})`;
}

/**
 * What a document of YAML without syntax errors stands for. An alias may still name nothing, or stand for too much.
 *
 * @param refuse throws, with what is wrong in one line
 */
export function yamlValue(document: Document, refuse: (problem: string) => never): unknown {
  try {
    return document.toJS();
  } catch (error) {
    return refuse(error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'it can not be read');
  }
}

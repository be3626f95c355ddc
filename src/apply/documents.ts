import { messageOf } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { readYaml } from '../core/yaml.ts';

/** The text of a file, or of something that stands for a file. */
export interface ManifestText {
  /** For errors: `deploy/app.yaml`, `output of kustomize`. */
  readonly name: string;
  readonly text: string;
  /** Helm has rendered the text, and a comment in each document names its template. */
  readonly isRendered?: boolean;
}

/** One document, or why it cannot be read. */
export interface ManifestDocument {
  /** `deploy/app.yaml, document 2` */
  readonly source: string;
  readonly values: readonly unknown[];
  readonly problem?: string;
}

/** The line between two documents, as in kubectl: only a comment may follow the dashes. */
const separator = /^---[^\S\n]*(?:#[^\n]*)?$/m;

/** Blank lines and comments. Each repetition must end with its line; otherwise a line of many `#` backtracks forever. */
const nothing = /^(?:[^\S\n]*(?:#[^\n]*)?\n)*[^\S\n]*(?:#[^\n]*)?$/;

/** The documents of a text, as kubectl and Helm read a file: each is YAML, or one JSON object or several in a row. */
export function documentsIn({ name, text, isRendered = false }: ManifestText): ManifestDocument[] {
  const [first = '', ...rest] = text.replace(/^\uFEFF/, '').split(separator);
  const chunks = nothing.test(first) && rest.length > 0 ? rest : [first, ...rest];
  return chunks.map((chunk, index) => {
    const template = isRendered ? /^# Source: (.+)$/m.exec(chunk)?.[1] : undefined;
    const source = template ?? (chunks.length === 1 ? name : `${name}, document ${index + 1}`);
    try {
      return { source, values: valuesIn(chunk) };
    } catch (error) {
      return { source, values: [], problem: messageOf(error).split('\n')[0] ?? '' };
    }
  });
}

function valuesIn(chunk: string): unknown[] {
  try {
    const objects = jsonObjects(chunk);
    if (objects.length > 0) return objects.map(parseJson);
  } catch {
    // YAML may begin with a bracket as well, and the YAML reader says what is wrong.
  }
  return readYaml(chunk);
}

/** A JSON string (the last one may lack its end), or a brace outside of all strings. */
const jsonToken = /"(?:[^"\\]|\\.)*(?:"|\\?$)|[{}]/gs;

/** The texts of the JSON objects that follow one another; none where the text begins with something else. */
function jsonObjects(text: string): string[] {
  if (!text.trimStart().startsWith('{')) return [];
  const objects: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of text.matchAll(jsonToken)) {
    if (token === '{') depth += 1;
    if (token === '}') depth -= 1;
    if (token !== '}' || depth > 0) continue;
    objects.push(text.slice(start, index + 1));
    start = index + 1;
  }
  const rest = text.slice(start);
  return rest.trim() === '' ? objects : [...objects, rest];
}

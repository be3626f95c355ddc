import type { Document } from 'yaml';

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

import type { Document } from 'yaml';

/**
 * The value of a YAML document without syntax errors. It can still fail: an alias may name no anchor, or expand to too much.
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

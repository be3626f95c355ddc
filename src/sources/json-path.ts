import { JSONPathError, type JSONValue, jsonpath } from 'json-p3';

export type { JSONValue } from 'json-p3';

/** The values that a JSONPath (RFC 9535) picks. */
export function pick(path: string, value: JSONValue): unknown[] {
  return jsonpath.query(path, value).values();
}

/** What is wrong with a JSONPath; undefined if nothing is. */
export function pathProblem(path: string): Error | undefined {
  try {
    jsonpath.compile(path);
    return undefined;
  } catch (error) {
    if (error instanceof JSONPathError) return error;
    throw error;
  }
}

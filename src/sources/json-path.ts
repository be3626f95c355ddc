import { JSONPathError, type JSONValue, jsonpath } from 'json-p3';

export type { JSONValue } from 'json-p3';

/** The values that a JSONPath (RFC 9535) picks; undefined where the value is nested too deeply for it. */
export function pick(path: string, value: JSONValue): unknown[] | undefined {
  try {
    return jsonpath.query(path, value).values();
  } catch (error) {
    if (error instanceof JSONPathError) return undefined;
    throw error;
  }
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

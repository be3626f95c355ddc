import { applyPatch, type Operation, Pointer } from 'rfc6902';
import * as z from 'zod';
import { associativeKeys, itemKey } from './lists.ts';
import { isRecord, type JsonRecord } from './objects.ts';
import { badRequest, patchRejected } from './status.ts';

const operations = z.array(z.looseObject({ op: z.string(), path: z.string() }));

function isOperation(operation: JsonRecord): operation is JsonRecord & Operation {
  return ['add', 'remove', 'replace', 'move', 'copy', 'test'].includes(String(operation.op));
}

/**
 * RFC 6902, with two deviations of the API server's library: a `replace` of an absent field adds it, and a `test` for null
 * passes on an absent field.
 *
 * @throws StatusError 422 if an operation can't be applied, 400 if the body is not a patch.
 */
export function applyJsonPatch(document: JsonRecord, body: unknown): JsonRecord {
  const parsed = operations.safeParse(body);
  if (!parsed.success) throw badRequest('error decoding patch: json: cannot unmarshal into []handlers.jsonPatchOp');
  const result = structuredClone(document);
  for (const operation of parsed.data) {
    if (!isOperation(operation)) throw patchRejected();
    const target = Pointer.fromJSON(operation.path).evaluate(result);
    const absentField = isRecord(target.parent) && target.value === undefined;
    if (absentField && operation.op === 'test' && operation.value === null) continue;
    const effective: Operation =
      absentField && operation.op === 'replace'
        ? { op: 'add', path: operation.path, value: operation.value }
        : operation;
    if (applyPatch(result, [effective]).some((error) => error !== null)) throw patchRejected();
  }
  return result;
}

/** RFC 7396. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: JsonRecord = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = applyMergePatch(result[key], value);
  }
  return result;
}

/**
 * Strategic merge patch of built-in kinds: lists with a merge key are merged item by item, `$patch: delete` and `$patch:
 * replace` work, other directives are removed.
 */
export function applyStrategicMergePatch(target: unknown, patch: unknown, field = ''): unknown {
  if (Array.isArray(patch)) return mergeLists(Array.isArray(target) ? target : [], patch, field);
  if (!isRecord(patch)) return patch;
  const result: JsonRecord = isRecord(target) && patch.$patch !== 'replace' ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue;
    if (value === null) delete result[key];
    else result[key] = applyStrategicMergePatch(result[key], value, key);
  }
  return result;
}

function mergeLists(target: readonly unknown[], patch: readonly unknown[], field: string): unknown[] {
  const keys = associativeKeys(field, patch);
  if (keys === undefined || patch.some((item) => isRecord(item) && item.$patch === 'replace')) {
    return patch.filter((item) => !(isRecord(item) && item.$patch === 'replace'));
  }
  const result = [...target];
  for (const item of patch) {
    const index = result.findIndex((existing) => itemKey(existing, keys) === itemKey(item, keys));
    if (isRecord(item) && item.$patch === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (index >= 0) {
      result[index] = applyStrategicMergePatch(result[index], item);
    } else {
      result.push(applyStrategicMergePatch({}, item));
    }
  }
  return result;
}

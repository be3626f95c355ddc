import { createHash } from 'node:crypto';
import { comparable } from '../apply/changes.ts';
import { type DeployObject, identityOf } from '../apply/objects.ts';
import { isRecord, stringifyJson } from '../core/json.ts';

/** `sha256:…` of the manifests' content, independent of order and notation. */
export function digestOf(objects: readonly DeployObject[]): string {
  const texts = objects.map(
    ({ reference, manifest }) => `${identityOf(reference)} ${sortedJson(comparable(manifest))}`,
  );
  return `sha256:${createHash('sha256').update(texts.toSorted().join('\n')).digest('hex')}`;
}

function sortedJson(value: unknown): string {
  return stringifyJson(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([field, part]) => [field, sorted(part)]));
}

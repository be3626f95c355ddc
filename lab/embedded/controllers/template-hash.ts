import { createHash } from 'node:crypto';
import type { PodTemplate } from './views.ts';

const known = new WeakMap<PodTemplate, string>();

/** Ten characters that depend on the pod template alone, not on the order of its fields. */
export function templateHash(template: PodTemplate): string {
  const found = known.get(template);
  if (found !== undefined) return found;
  const made = hashOf(template);
  known.set(template, made);
  return made;
}

function hashOf(template: PodTemplate): string {
  const digest = createHash('sha256')
    .update(JSON.stringify(sorted(template)))
    .digest();
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return [...digest.subarray(0, 10)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [key, sorted(child)]),
  );
}

import type { ObjectReference } from '../cluster/resources.ts';
import { identityOf } from './objects.ts';

/** Both lists together, each object once. */
export function union(some: readonly ObjectReference[], others: readonly ObjectReference[]): ObjectReference[] {
  return [...new Map([...some, ...others].map((reference) => [identityOf(reference), reference])).values()];
}

export function without(some: readonly ObjectReference[], others: readonly ObjectReference[]): ObjectReference[] {
  const left = new Set(others.map(identityOf));
  return some.filter((reference) => !left.has(identityOf(reference)));
}

export function includes(references: readonly ObjectReference[], wanted: ObjectReference): boolean {
  return references.some((reference) => identityOf(reference) === identityOf(wanted));
}

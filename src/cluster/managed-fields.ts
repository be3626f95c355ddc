import * as z from 'zod';
import type { KubernetesClient } from './client.ts';
import { retryOnConflict } from './conflicts.ts';
import { readPart } from './read-object.ts';
import type { ObjectReference } from './resources.ts';
import { FIELD_MANAGER, type KubernetesObject } from './schema.ts';

const fieldSet: z.ZodType<FieldSet> = z.lazy(() => z.record(z.string(), fieldSet));
type FieldSet = { readonly [key: string]: FieldSet };

const managedFields = z.array(
  z.looseObject({ manager: z.string().default(''), time: z.string().default(''), fieldsV1: fieldSet.default({}) }),
);

/**
 * The managers of a field, newest first. Format: https://kubernetes.io/docs/reference/using-api/server-side-apply/
 *
 * @param path names from the object's root to the field: `['spec', 'replicas']`; an item of a list is `k:{"name":"app"}`
 */
export function managersOf(object: KubernetesObject, path: readonly string[]): string[] {
  const about = `the owners of the fields of ${object.kind} ${object.metadata.name}`;
  return readPart(object.metadata.managedFields ?? [], managedFields, about)
    .filter(({ fieldsV1 }) =>
      path.reduce<FieldSet | undefined>((set, name) => set?.[name.startsWith('k:') ? name : `f:${name}`], fieldsV1),
    )
    .sort((a, b) => b.time.localeCompare(a.time))
    .map(({ manager }) => manager);
}

/**
 * Whether a field was written by a patch of Sluice, and not relinquished since. Only those who may write the object can make
 * this true.
 *
 * @param path as of `managersOf`
 */
export function isPatchedBySluice(object: KubernetesObject, path: readonly string[]): boolean {
  const own = (object.metadata.managedFields ?? []).filter(isOwnPatch);
  return managersOf({ ...object, metadata: { ...object.metadata, managedFields: own } }, path).length > 0;
}

type ManagedFields = NonNullable<KubernetesObject['metadata']['managedFields']>[number];

function isOwnPatch({ manager, operation, subresource }: ManagedFields): boolean {
  return manager === FIELD_MANAGER && operation === 'Update' && subresource === undefined;
}

/**
 * Relinquishes the fields that Sluice's patches own, and leaves their values as they are. Otherwise a later server-side apply
 * by the object's owner (Helm 4, `kubectl apply --server-side`, Argo CD) would be refused as a conflict with a finished
 * rollout. Idempotent.
 */
export async function relinquishFields(
  client: Pick<KubernetesClient, 'find' | 'patchJson'>,
  reference: ObjectReference,
  signal: AbortSignal,
): Promise<void> {
  await retryOnConflict(async () => {
    const { managedFields = [] } = (await client.find(reference, signal))?.metadata ?? {};
    const own = managedFields.findIndex(isOwnPatch);
    if (own === -1) return;
    const path = `/metadata/managedFields/${own}`;
    const operations = [
      { op: 'test' as const, path, value: managedFields[own] },
      { op: 'remove' as const, path },
    ];
    await client.patchJson(reference, operations, signal);
  });
}

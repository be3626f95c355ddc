import * as z from 'zod';
import type { KubernetesObject } from './client.ts';

const fieldSet: z.ZodType<FieldSet> = z.lazy(() => z.record(z.string(), fieldSet));
type FieldSet = { readonly [key: string]: FieldSet };

const managedFields = z.array(
  z.looseObject({ manager: z.string().default(''), time: z.string().default(''), fieldsV1: fieldSet.default({}) }),
);

/**
 * The managers of a field, newest first. Format: https://kubernetes.io/docs/reference/using-api/server-side-apply/
 *
 * @param path names from the object's root to the field: `['spec', 'replicas']`
 */
export function managersOf(object: KubernetesObject, path: readonly string[]): string[] {
  return managedFields
    .parse(object.metadata.managedFields ?? [])
    .filter(({ fieldsV1 }) => path.reduce<FieldSet | undefined>((set, name) => set?.[`f:${name}`], fieldsV1))
    .sort((a, b) => b.time.localeCompare(a.time))
    .map(({ manager }) => manager);
}

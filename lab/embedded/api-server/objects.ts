import * as z from 'zod';

/** The nested sets of `managedFields[].fieldsV1`: `{"f:spec":{"f:replicas":{}}}`. */
export interface FieldsV1 {
  [element: string]: FieldsV1;
}

const fieldsV1: z.ZodType<FieldsV1> = z.lazy(() => z.record(z.string(), fieldsV1));

const managedFieldsEntry = z.object({
  manager: z.string(),
  operation: z.enum(['Apply', 'Update']),
  apiVersion: z.string(),
  time: z.string(),
  fieldsType: z.literal('FieldsV1'),
  fieldsV1,
  subresource: z.string().optional(),
});
export type ManagedFieldsEntry = z.infer<typeof managedFieldsEntry>;

const ownerReference = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
  blockOwnerDeletion: z.boolean().optional(),
});
export type OwnerReference = z.infer<typeof ownerReference>;

const objectMeta = z.looseObject({
  name: z.string().default(''),
  generateName: z.string().optional(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  deletionGracePeriodSeconds: z.number().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  finalizers: z.array(z.string()).optional(),
  ownerReferences: z.array(ownerReference).optional(),
  managedFields: z.array(managedFieldsEntry).optional(),
});

/** Any object: `metadata` is typed, all else is kept unchanged. */
export const kubeObject = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: objectMeta });
export type KubeObject = z.infer<typeof kubeObject>;

export type JsonRecord = Record<string, unknown>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `value` if it is a record, else an empty one: for reading fields that may be absent. */
export function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

/** RFC 3339 with whole seconds, as in objects. */
export function timestamp(now: number): string {
  return new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
}

const texts = new WeakMap<object, string>();

/** The JSON of an object. That of a stored one, which does not change any more, is made once for all who read and watch it. */
export function textOf(object: object): string {
  const known = texts.get(object);
  if (known !== undefined) return known;
  const text = JSON.stringify(object);
  if (Object.isFrozen(object)) texts.set(object, text);
  return text;
}

/** Freezes stored objects, so that a reader that changes one by mistake fails at once. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}

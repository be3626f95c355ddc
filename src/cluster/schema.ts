import * as z from 'zod';
import type { ResourceType } from './resources.ts';

/** Field manager of all that Sluice writes. */
export const FIELD_MANAGER = 'sluice';

/** The part that all objects have in common. */
export const objectMetadata = z.looseObject({
  name: z.string().default(''),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  // Bookmarks of API servers before 1.34 have null.
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  managedFields: z
    .array(
      z.looseObject({
        manager: z.string().optional(),
        operation: z.string().optional(),
        fieldsV1: z.unknown().optional(),
      }),
    )
    .optional(),
  ownerReferences: z
    .array(z.looseObject({ kind: z.string(), name: z.string(), uid: z.string(), controller: z.boolean().optional() }))
    .optional(),
});

/** An object as the API server gave it. Fields that nobody here knows survive. */
export const kubernetesObject = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: objectMetadata });
export type KubernetesObject = z.infer<typeof kubernetesObject>;

/** An object to be written. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** An object to be written, of whatever scope: one that belongs to no namespace names none. */
export interface AnyManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export interface ApplyOptions {
  /** Takes over fields that another manager holds. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
  /** Refuses fields that the schema does not know, instead of dropping them. */
  readonly strict?: boolean;
  /** Who owns the fields; `sluice` without it. */
  readonly fieldManager?: string;
}

/** Which lines of a container's log. */
export interface LogOptions {
  readonly container: string;
  /** Of the container's former run, after a crash. */
  readonly previous: boolean;
  /** How many of the last lines. */
  readonly lines: number;
}

/** Which part of a container's log. */
export interface LogSinceOptions {
  readonly container: string;
  /** Of the container's former run, after a crash. */
  readonly previous: boolean;
  /** Milliseconds since the Unix epoch, rounded down to seconds; from the beginning without it. */
  readonly since?: number;
  /** The answer is cut off after so many. */
  readonly bytes: number;
}

/** RFC 6902, the operations in use. */
export type PatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

export interface Selector {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** A kind that the API server serves. */
export interface ServedKind {
  readonly type: ResourceType;
  /** Its objects belong to namespaces. */
  readonly namespaced: boolean;
}

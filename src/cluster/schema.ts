import * as z from 'zod';
import type { ResourceType } from './resources.ts';

/** The field manager of all that Sluice writes. */
export const FIELD_MANAGER = 'sluice';

/** The metadata that all objects have. */
export const objectMetadata = z.looseObject({
  name: z.string().default(''),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  // Bookmarks of API servers before 1.34 have null here.
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

/** An object from the API server. Unknown fields are kept. */
export const kubernetesObject = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: objectMetadata });
export type KubernetesObject = z.infer<typeof kubernetesObject>;

/** An object to be written. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** An object to be written, with or without a namespace. */
export interface AnyManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export interface ApplyOptions {
  /** Takes over fields that another manager owns. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
  /** Refuses fields that the schema does not know, instead of dropping them. */
  readonly strict?: boolean;
  /** The manager that will own the fields; default `sluice`. */
  readonly fieldManager?: string;
}

/** What to request from a pod or a Service. */
export interface ProxyRequest {
  /** Number or name. */
  readonly port: string;
  /** Begins with a slash. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** One attempt alone, whose answer counts whatever it is. */
  readonly once?: boolean;
}

/** Which lines of a container's log to read. */
export interface LogOptions {
  readonly container: string;
  /** The container's former run, after a crash. */
  readonly previous: boolean;
  /** How many lines, counted from the end. */
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

/** The operations of RFC 6902 that are in use. */
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
  /** Whether its objects belong to namespaces. */
  readonly namespaced: boolean;
}

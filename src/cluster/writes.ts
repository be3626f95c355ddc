import * as z from 'zod';
import { stringifyJson } from '../core/json.ts';
import { ApiError, budgetWords } from './errors.ts';
import { json, pathOf, queryOf, type Requests } from './requests.ts';
import { type ObjectReference, type ResourceType, resourcePath } from './resources.ts';
import {
  type AnyManifest,
  type ApplyOptions,
  FIELD_MANAGER,
  type KubernetesObject,
  type PatchOperation,
} from './schema.ts';

interface Patch extends Pick<ApplyOptions, 'dryRun'> {
  readonly format: 'json-patch' | 'merge-patch';
  readonly content: unknown;
}

/** Creates, changes and deletes objects. */
export function createWrites({ callFor, callForObject }: Requests) {
  /** @throws ApiError with status 409 and reason `AlreadyExists` */
  function create(
    type: ResourceType,
    manifest: AnyManifest,
    signal: AbortSignal,
    { dryRun = false, fieldManager = FIELD_MANAGER }: Pick<ApplyOptions, 'dryRun' | 'fieldManager'> = {},
  ): Promise<KubernetesObject> {
    const reference = referenceOf(type, manifest);
    const query = queryOf({ fieldManager, dryRun: dryRun ? 'All' : undefined });
    const path = `${resourcePath(type, reference.namespace)}${query}`;
    return callForObject({ verb: 'create', reference }, { method: 'POST', path, ...json(manifest) }, signal);
  }

  /** Replaces a whole object. If `metadata.resourceVersion` is given, it must still be the object's. */
  function replace(type: ResourceType, manifest: AnyManifest, signal: AbortSignal): Promise<KubernetesObject> {
    const reference = referenceOf(type, manifest);
    const path = `${pathOf(reference)}?fieldManager=${FIELD_MANAGER}`;
    return callForObject({ verb: 'update', reference }, { method: 'PUT', path, ...json(manifest) }, signal);
  }

  /** Server-side apply. */
  function apply(
    type: ResourceType,
    manifest: AnyManifest,
    signal: AbortSignal,
    { force = false, dryRun = false, strict = false, fieldManager = FIELD_MANAGER }: ApplyOptions = {},
  ): Promise<KubernetesObject> {
    const reference = referenceOf(type, manifest);
    const query = queryOf({
      fieldManager,
      force: force ? 'true' : undefined,
      dryRun: dryRun ? 'All' : undefined,
      fieldValidation: strict ? 'Strict' : undefined,
    });
    const request = {
      method: 'PATCH' as const,
      path: `${pathOf(reference)}${query}`,
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: stringifyJson(manifest),
    };
    return callForObject({ verb: 'patch', reference }, request, signal);
  }

  /** RFC 6902. @throws ApiError `conflict` if a `test` operation failed: the object has changed since it was last read. */
  function patchJson(
    reference: ObjectReference,
    operations: readonly PatchOperation[],
    signal: AbortSignal,
    options: Pick<ApplyOptions, 'dryRun'> = {},
  ): Promise<KubernetesObject> {
    return patch(reference, { format: 'json-patch', content: operations, ...options }, signal);
  }

  /** RFC 7396. */
  function patchMerge(reference: ObjectReference, change: unknown, signal: AbortSignal): Promise<KubernetesObject> {
    return patch(reference, { format: 'merge-patch', content: change }, signal);
  }

  function patch(reference: ObjectReference, { format, content, dryRun = false }: Patch, signal: AbortSignal) {
    const request = {
      method: 'PATCH' as const,
      path: `${pathOf(reference)}${queryOf({ fieldManager: FIELD_MANAGER, dryRun: dryRun ? 'All' : undefined })}`,
      headers: { 'content-type': `application/${format}+json` },
      body: stringifyJson(content),
    };
    return callForObject({ verb: 'patch', reference }, request, signal);
  }

  /**
   * Deletes in the background. An object that is gone already is no error.
   *
   * @param uid of the object to delete: another object with its name is kept, which is a `conflict`
   * @param grace seconds that a pod gets to end; its own by default
   */
  async function remove(reference: ObjectReference, signal: AbortSignal, uid?: string, grace?: number): Promise<void> {
    const options = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      ...(uid !== undefined && { preconditions: { uid } }),
      ...(grace !== undefined && { gracePeriodSeconds: grace }),
    };
    try {
      await callFor(
        z.looseObject({ kind: z.string() }),
        { verb: 'delete', reference },
        { method: 'DELETE', path: pathOf(reference), ...json(options) },
        signal,
      );
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }

  return { create, replace, apply, patchJson, patchMerge, remove };
}

/** Which pod to evict. */
interface Evicted {
  readonly uid: string;
  /** Seconds that it gets to end; its own by default. */
  readonly grace?: number | undefined;
}

/** The Eviction API. */
export function createEviction({ callFor }: Pick<Requests, 'callFor'>) {
  /**
   * Deletes a pod if its disruption budget allows that. A pod that is gone already is no error.
   * https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
   *
   * @returns the API server's words where a budget does not allow it now, which is no failure of the request
   * @throws ApiError `conflict` if another pod has its name now
   */
  async function evict(
    pod: ObjectReference,
    { uid, grace }: Evicted,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const eviction = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: pod.name, namespace: pod.namespace },
      deleteOptions: { preconditions: { uid }, ...(grace !== undefined && { gracePeriodSeconds: grace }) },
    };
    const about = { verb: 'create', reference: pod, subresource: 'eviction' };
    const request = { method: 'POST' as const, path: `${pathOf(pod)}/eviction`, ...json(eviction) };
    try {
      await callFor(z.looseObject({ kind: z.string() }), about, request, signal);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      const refused = error instanceof ApiError ? budgetWords(error) : undefined;
      if (refused === undefined) throw error;
      return refused;
    }
    return undefined;
  }

  return { evict };
}

function referenceOf(type: ResourceType, { metadata: { namespace = '', name } }: AnyManifest): ObjectReference {
  return { type, namespace, name };
}

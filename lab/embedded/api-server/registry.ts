import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import type { Admission } from './admission.ts';
import { withDefaults } from './defaults.ts';
import { afterUpdate, apply } from './managed-fields.ts';
import { isRecord, type JsonRecord, type KubeObject, kubeObject, recordOf, timestamp } from './objects.ts';
import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch } from './patch.ts';
import { apiVersionOf, namespaces, pods, type Resource } from './resources.ts';
import { scaleOf, withScale } from './scale.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  invalid,
  notFound,
  outdated,
  type StatusError,
  success,
} from './status.ts';
import type { Storage } from './storage.ts';
import { validate } from './validation.ts';

export interface Key {
  readonly resource: Resource;
  /** Empty for objects without a namespace. */
  readonly namespace: string;
  readonly name: string;
}

export interface WriteOptions {
  /** Field manager. */
  readonly manager: string;
  readonly subresource?: Subresource;
  readonly dryRun?: boolean;
}

export type Subresource = 'status' | 'scale';

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface PatchOptions extends WriteOptions {
  /** Server-side apply only: takes over fields of other managers. */
  readonly force?: boolean;
  /** Called before a server-side apply creates the object; throws if that is not allowed. */
  readonly mayCreate?: () => void;
}

export const deleteOptions = z.looseObject({
  gracePeriodSeconds: z.number().optional(),
  propagationPolicy: z.enum(['Orphan', 'Background', 'Foreground']).optional(),
  preconditions: z.looseObject({ uid: z.string().optional(), resourceVersion: z.string().optional() }).optional(),
});
export type DeleteOptions = z.infer<typeof deleteOptions>;

export type Registry = ReturnType<typeof createRegistry>;

/** The server's operations on objects, below HTTP. Controllers in the same process use it as well. */
export function createRegistry(
  storage: Storage,
  clock: { now(): number },
  random: () => number,
  admission: Pick<Admission, 'admit'>,
) {
  function get({ resource, namespace, name }: Key): KubeObject {
    const object = storage.get(resource, namespace, name);
    if (object === undefined) throw notFound(resource, name);
    return object;
  }

  /** The object, or its form in a subresource. */
  function read(key: Key, subresource?: Subresource): JsonRecord {
    return subresource === 'scale' ? scaleOf(get(key)) : get(key);
  }

  function create(resource: Resource, namespace: string, body: unknown, options: WriteOptions): KubeObject {
    const object = parseObject(resource, namespace, body);
    const { generateName } = object.metadata;
    const name = object.metadata.name || (generateName === undefined ? '' : generateName + suffix(random));
    return insert({ resource, namespace, name }, object, options, (next) =>
      afterUpdate(resource, undefined, next, { ...options, time: timestamp(clock.now()) }),
    );
  }

  function insert(
    key: Key,
    object: KubeObject,
    options: WriteOptions,
    managedFieldsOf: (next: KubeObject) => KubeObject['metadata']['managedFields'],
  ): KubeObject {
    const { resource, namespace, name } = key;
    if (storage.get(resource, namespace, name)) throw alreadyExists(resource, name);
    if (namespace !== '' && !storage.get(namespaces, '', namespace)) throw notFound(namespaces, namespace);
    const { resourceVersion: _, generation: __, deletionTimestamp: ___, ...given } = object.metadata;
    const metadata = {
      ...given,
      name,
      ...(namespace !== '' && { namespace }),
      uid: randomUUID(),
      creationTimestamp: timestamp(clock.now()),
      ...(resource.generation && { generation: 1 }),
    };
    const { status, ...rest } = object;
    const kept = resource.status || status === undefined ? {} : { status };
    const complete = withDefaults(resource, {
      ...rest,
      ...kept,
      apiVersion: object.apiVersion,
      kind: object.kind,
      metadata,
    });
    const managedFields = managedFieldsOf(complete);
    const admitted = admission.admit(resource, complete, options.dryRun ?? false);
    validate(resource, admitted, undefined);
    const stored = { ...admitted, metadata: { ...admitted.metadata, managedFields } };
    return options.dryRun ? stored : storage.put(resource, stored);
  }

  function update(key: Key, body: unknown, options: WriteOptions): JsonRecord {
    const { resource, namespace, name } = key;
    if (options.subresource === 'scale') return scaleOf(replace(key, get(key), withScale(get(key), body), options));
    const object = parseObject(resource, namespace, body);
    if (object.metadata.name !== name) throw nameMismatch(object.metadata.name, name);
    const current = storage.get(resource, namespace, name);
    if (current === undefined) {
      if (!resource.createOnUpdate) throw notFound(resource, name);
      return create(resource, namespace, body, options);
    }
    if (object.metadata.resourceVersion === undefined && !resource.unconditionalUpdate) {
      const message = 'Invalid value: 0: must be specified for an update';
      const cause = { reason: 'FieldValueInvalid', message, field: 'metadata.resourceVersion' };
      throw invalid(resource.plural, resource.group, name, [cause]);
    }
    return replace(key, current, object, options);
  }

  /** Applies `change` to the stored object: controllers write this way, as nothing can come between in one process. */
  function modify(key: Key, change: (current: KubeObject) => KubeObject, options: WriteOptions): KubeObject {
    const current = get(key);
    return replace(key, current, change(current), options);
  }

  function patch(
    key: Key,
    type: PatchType,
    body: unknown,
    options: PatchOptions,
  ): { object: JsonRecord; created: boolean } {
    if (type === 'apply') return applyPatch(key, body, options);
    const current = read(key, options.subresource);
    const patched = patchedWith(current, type, body);
    if (options.subresource === 'scale') {
      return { object: update(key, patched, options), created: false };
    }
    const object = parseObject(key.resource, key.namespace, patched);
    if (object.metadata.name !== key.name) throw nameMismatch(object.metadata.name, key.name);
    return { object: replace(key, get(key), object, options), created: false };
  }

  function applyPatch(key: Key, body: unknown, options: PatchOptions): { object: JsonRecord; created: boolean } {
    const { resource, namespace, name } = key;
    if (recordOf(recordOf(body).metadata).managedFields !== undefined) {
      throw badRequest('metadata.managedFields must be nil');
    }
    const config = parseObject(resource, namespace, body);
    if (config.metadata.name !== '' && config.metadata.name !== name) throw nameMismatch(config.metadata.name, name);
    const current = storage.get(resource, namespace, name);
    const writer = { ...options, time: timestamp(clock.now()) };
    const { object, managedFields } = apply(resource, current, config, writer, options.force ?? false);
    const merged = parseObject(resource, namespace, { ...object, metadata: { ...recordOf(object.metadata), name } });
    if (current !== undefined) return { object: replace(key, current, merged, options, managedFields), created: false };
    options.mayCreate?.();
    return { object: insert(key, merged, options, () => managedFields), created: true };
  }

  function replace(
    key: Key,
    current: KubeObject,
    proposed: KubeObject,
    options: WriteOptions,
    appliedFields?: KubeObject['metadata']['managedFields'],
  ): KubeObject {
    const { resource, name } = key;
    const { uid, resourceVersion } = proposed.metadata;
    if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion) {
      throw outdated(resource, name);
    }
    if (uid !== undefined && uid !== current.metadata.uid) throw uidMismatch(key, uid, current);
    const asked = settled(resource, current, proposed, options.subresource);
    const managedFields =
      appliedFields ?? afterUpdate(resource, current, asked, { ...options, time: timestamp(clock.now()) });
    const next = options.subresource
      ? asked
      : settled(resource, current, admission.admit(resource, asked, options.dryRun ?? false), undefined);
    validate(resource, next, current);
    const stored = { ...next, metadata: { ...next.metadata, managedFields } };
    if (isSame(current, stored)) return current;
    if (options.dryRun) return stored;
    const finalized = next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0;
    if (finalized && resource !== pods) {
      storage.remove(resource, stored);
      return stored;
    }
    return storage.put(resource, stored);
  }

  /** Marks the object as being deleted while finalizers or a running pod hold it, else removes it. */
  function remove(key: Key, options: DeleteOptions & { readonly dryRun?: boolean }): JsonRecord {
    const { resource, name } = key;
    const current = get(key);
    const { uid = '', resourceVersion = '', finalizers = [] } = current.metadata;
    const { preconditions = {}, propagationPolicy, gracePeriodSeconds } = options;
    if (preconditions.uid !== undefined && preconditions.uid !== uid) {
      throw preconditionFailed(key, 'UID', preconditions.uid, uid, 'deleted and then recreated');
    }
    if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
      throw preconditionFailed(key, 'ResourceVersion', preconditions.resourceVersion, resourceVersion, 'modified');
    }
    if (options.dryRun) return success(resource, name, uid);
    const held = [...finalizers];
    if (propagationPolicy === 'Foreground') held.push('foregroundDeletion');
    if (propagationPolicy === 'Orphan') held.push('orphan');
    const grace = resource === pods ? graceOf(current, gracePeriodSeconds) : 0;
    if (held.length === 0 && grace === 0) {
      storage.remove(resource, current);
      return success(resource, name, uid);
    }
    if (current.metadata.deletionTimestamp !== undefined) return current;
    const metadata = {
      ...current.metadata,
      deletionTimestamp: timestamp(clock.now()),
      deletionGracePeriodSeconds: grace,
      ...(held.length > 0 && { finalizers: [...new Set(held)] }),
      ...(resource.generation && { generation: (current.metadata.generation ?? 0) + 1 }),
    };
    return storage.put(resource, { ...current, metadata });
  }

  return { get, read, create, update, modify, patch, remove };
}

/**
 * The stored form of `proposed` after a write to `subresource` (none: the object itself); fields of other subresources keep
 * their values.
 */
function settled(
  resource: Resource,
  current: KubeObject,
  proposed: KubeObject,
  subresource: Subresource | undefined,
): KubeObject {
  const { uid, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds, namespace, name } =
    current.metadata;
  if (subresource === 'status') return { ...current, status: proposed.status };
  const metadata = {
    ...proposed.metadata,
    name,
    ...(namespace !== undefined && { namespace }),
    uid,
    creationTimestamp,
    generation,
    resourceVersion: current.metadata.resourceVersion,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  };
  const { status, ...rest } = proposed;
  const kept = resource.status ? current.status : status;
  const next = withDefaults(resource, {
    ...rest,
    apiVersion: proposed.apiVersion,
    kind: proposed.kind,
    metadata: withoutUndefined(metadata),
    ...(kept !== undefined && { status: kept }),
  });
  if (!resource.generation || isDeepStrictEqual(content(resource, current), content(resource, next))) return next;
  return { ...next, metadata: { ...next.metadata, generation: (generation ?? 0) + 1 } };
}

/** The content whose changes `metadata.generation` counts. */
function content(resource: Resource, object: KubeObject): JsonRecord {
  const { metadata: _, status, ...rest } = object;
  return resource.status ? rest : { ...rest, status };
}

function isSame(current: KubeObject, next: KubeObject): boolean {
  const timeless = (object: KubeObject) => ({
    ...object,
    metadata: {
      ...object.metadata,
      managedFields: (object.metadata.managedFields ?? []).map(({ time: _, ...entry }) => entry),
    },
  });
  return isDeepStrictEqual(timeless(current), timeless(next));
}

function withoutUndefined(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  const present: JsonRecord = Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined));
  return { ...present, name: metadata.name };
}

function patchedWith(current: JsonRecord, type: PatchType, body: unknown): unknown {
  if (type === 'json') return applyJsonPatch(current, body);
  if (type === 'merge') return applyMergePatch(current, body);
  return applyStrategicMergePatch(current, body);
}

/** The body as an object of this resource. */
function parseObject(resource: Resource, namespace: string, body: unknown): KubeObject {
  const record = recordOf(resource.custom ? body : withoutNulls(body));
  const metadata = recordOf(withoutNulls(record.metadata));
  const apiVersion = apiVersionOf(resource);
  const parsed = kubeObject.safeParse({ apiVersion, kind: resource.kind, ...record, metadata });
  if (!parsed.success) {
    const where = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
    throw badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: json: cannot unmarshal ${where}`,
    );
  }
  const object = parsed.data;
  if (object.kind !== resource.kind || object.apiVersion !== apiVersion) {
    throw badRequest(
      `${object.kind} in version "${object.apiVersion}" cannot be handled as a ${resource.kind}: unknown conversion`,
    );
  }
  if (object.metadata.namespace !== undefined && object.metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return object;
}

/** To Go types, a null field is an absent one. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  const fields = Object.entries(value).filter(([, part]) => part !== null);
  return Object.fromEntries(fields.map(([field, part]) => [field, withoutNulls(part)]));
}

function graceOf(pod: KubeObject, asked: number | undefined): number {
  const spec = recordOf(pod.spec);
  if (spec.nodeName === undefined) return 0;
  if (asked !== undefined) return asked;
  return typeof spec.terminationGracePeriodSeconds === 'number' ? spec.terminationGracePeriodSeconds : 30;
}

function nameMismatch(given: string, name: string): StatusError {
  return badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
}

function uidMismatch({ resource, name }: Key, given: string, current: KubeObject): StatusError {
  const why = `Precondition failed: UID in precondition: ${given}, UID in object meta: ${current.metadata.uid}`;
  return conflict(resource, name, why);
}

function preconditionFailed(key: Key, what: string, given: string, actual: string, how: string): StatusError {
  const why = `the ${what} in the precondition (${given}) does not match the ${what} in record (${actual}). The object might have been ${how}`;
  return conflict(key.resource, key.name, why);
}

const alphanumerics = 'bcdfghjklmnpqrstvwxz2456789';

/** Five characters, as the server appends to `generateName`. */
export function suffix(random: () => number): string {
  return Array.from({ length: 5 }, () => alphanumerics[Math.floor(random() * alphanumerics.length)]).join('');
}

import * as z from 'zod';
import type { LeftObject } from '../../canary/ports.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import { ApiError } from '../../cluster/errors.ts';
import { applyOwn, findOwn, type OwnObject, ownLabels } from '../../cluster/ownership.ts';
import { readObject, readPart } from '../../cluster/read-object.ts';
import { describe, type ObjectReference } from '../../cluster/resources.ts';
import type { KubernetesObject, PatchOperation } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';
import { canaryName } from '../canary-workload.ts';
import {
  type ConfigContent,
  type ConfigKind,
  type ConfigManifest,
  configReferences,
  configType,
  contentHash,
  contentOf,
  sameContent,
} from '../config-copies.ts';
import type { PodTemplate } from '../workload.ts';

/** A ConfigMap or Secret whose content changes with the release. The content itself stays in objects of that kind. */
export const configChange = z.object({
  kind: z.enum(['ConfigMap', 'Secret']),
  name: z.string(),
  /** Represents the change in the pod template's checksum. */
  fingerprint: z.string(),
});
export type ConfigChange = z.infer<typeof configChange>;

/** A change with both contents, which must not leave the process. */
export interface FoundChange {
  readonly change: ConfigChange;
  readonly before: ConfigContent;
  readonly after: ConfigContent;
}

/** The rollout whose config it is. */
interface Scope {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly rollout: string;
}

/**
 * The objects that hold the content: the original for the stable arm, the copy for the canary, and the backup of the old
 * content.
 */
interface Places {
  readonly original: ObjectReference;
  readonly copy: ObjectReference;
  readonly backup: ObjectReference;
}

export function placesOf({ kind, name }: Pick<ConfigChange, 'kind' | 'name'>, namespace: string): Places {
  const at = (objectName: string) => ({ type: configType(kind), namespace, name: objectName });
  return { original: at(name), copy: at(canaryName(name)), backup: at(`sluice-${name}`) };
}

interface WantedConfig {
  readonly manifests: readonly ConfigManifest[];
  /** The template of the pods that use the config. */
  readonly template: PodTemplate;
  /** The workload, for errors. */
  readonly about: string;
}

/**
 * Which of the given ConfigMaps and Secrets differ from those in the cluster.
 *
 * @throws SluiceError `invalid-input` for one that the template does not refer to, `not-found`, or `unsupported` for one that
 *   can't be changed
 */
export async function inspectConfig(
  { client, namespace }: Pick<Scope, 'client' | 'namespace'>,
  { manifests, template, about }: WantedConfig,
  signal: AbortSignal,
): Promise<FoundChange[]> {
  const references = configReferences(template);
  const changes = manifests.map(async (manifest): Promise<FoundChange[]> => {
    const { kind, metadata } = manifest;
    const { name } = metadata;
    if (!references.has(`${kind}/${name}`)) {
      throw new SluiceError('invalid-input', {
        about: `input "config" (${kind} ${name})`,
        problem: `is not used by ${about}.`,
        next: `Leave it out; the pod template refers to ${[...references].join(', ') || 'no ConfigMap and no Secret'}.`,
      });
    }
    const { original } = placesOf({ kind, name }, namespace);
    const found = await client.find(original, signal);
    if (!found) {
      throw new SluiceError('not-found', {
        about: describe(original),
        problem: 'does not exist, so there is no old content that a rollback could give back.',
        next: 'Create it in a step before this one.',
      });
    }
    const [before, after] = [contentOf(found), contentOf(manifest)];
    if (sameContent(before, after)) return [];
    if (readObject(found, immutable).immutable) {
      throw new SluiceError('unsupported', {
        about: describe(original),
        problem: 'is immutable.',
        next: 'Give the new content a new name and refer to that in the pod template.',
      });
    }
    const version = kind === 'Secret' ? (found.metadata.resourceVersion ?? '') : contentHash(after);
    return [{ change: { kind, name, fingerprint: `${kind}/${name}/${version}` }, before, after }];
  });
  return (await Promise.all(changes)).flat();
}

const immutable = z.looseObject({ immutable: z.boolean().optional() });

/** Writes the canary's copies with the new content, and backups of the old content for a rollback. Idempotent. */
export async function prepareConfig(
  { client, namespace, rollout }: Scope,
  changes: readonly ConfigChange[],
  manifests: readonly ConfigManifest[],
  signal: AbortSignal,
): Promise<void> {
  for (const change of changes) {
    const manifest = manifests.find(({ kind, metadata }) => kind === change.kind && metadata.name === change.name);
    if (!manifest) continue;
    const { original, copy, backup } = placesOf(change, namespace);
    const { kind } = change;
    const found = await client.get(original, signal);
    const [before, after] = [contentOf(found), contentOf(manifest)];
    // Once the promotion has begun, the original has the new content, which must not be backed up as the old one.
    if (!sameContent(before, after)) {
      await applyOwn(client, configObject(backup, { kind, content: before, like: found }, rollout), rollout, signal);
    }
    await applyOwn(client, configObject(copy, { kind, content: after, like: found }, rollout), rollout, signal);
  }
}

interface CopiedConfig {
  readonly kind: ConfigKind;
  readonly content: ConfigContent;
  /** The original: a Secret's `type` can't be changed, so copies get the same. */
  readonly like: KubernetesObject;
}

function configObject(
  place: ObjectReference,
  { kind, content: { data, binaryData }, like }: CopiedConfig,
  rollout: string,
): OwnObject {
  const { type } = readPart(like, z.looseObject({ type: z.string().optional() }), `${kind} ${like.metadata.name}`);
  return {
    type: place.type,
    manifest: {
      apiVersion: 'v1',
      kind,
      metadata: { name: place.name, namespace: place.namespace, labels: ownLabels(rollout) },
      ...(kind === 'Secret' && type !== undefined && { type }),
      data,
      ...(kind === 'ConfigMap' && { binaryData }),
    },
  };
}

/**
 * Writes the canary's content to the originals. Idempotent. Takes the API server's answer as what was written.
 *
 * @throws SluiceError `conflict` if somebody else has changed one since the release began
 */
export async function promoteConfig(
  scope: Scope,
  changes: readonly ConfigChange[],
  signal: AbortSignal,
): Promise<void> {
  for (const change of changes) {
    const { original, copy, backup } = placesOf(change, scope.namespace);
    const { before, after } = await keptContents(scope, change, signal);
    if (!after || !before) throw lost(after ? backup : copy);
    const { content, written } = await exchange(scope.client, original, { from: before, to: after }, signal);
    if (!written && !holds(content, after)) {
      throw new SluiceError('conflict', {
        about: describe(original),
        problem: 'was changed by somebody else since the release began.',
        next: 'Run again with the content that is wanted.',
      });
    }
  }
}

/**
 * Restores the old content of the originals if the promotion had begun. Keeps what somebody else has written since.
 *
 * @returns the originals that still have the new content
 */
export async function undoConfig(
  scope: Scope,
  changes: readonly ConfigChange[],
  signal: AbortSignal,
): Promise<LeftObject[]> {
  const left: LeftObject[] = [];
  for (const change of changes) {
    const { before, after } = await keptContents(scope, change, signal);
    // Without both copies nothing was promoted: they exist before the originals change, and are deleted after these are
    // restored.
    if (!after || !before) continue;
    const { original } = placesOf(change, scope.namespace);
    const { content } = await exchange(scope.client, original, { from: after, to: before }, signal);
    if (isForm(content, after, before)) {
      left.push({ object: describe(original), shows: 'it has the new content' });
    }
  }
  return left;
}

/** Whether a content has all entries of another one; admission or a controller may have added more. */
function holds(content: ConfigContent, wanted: ConfigContent): boolean {
  const covers = (all: Readonly<Record<string, string>>, some: Readonly<Record<string, string>>) =>
    Object.entries(some).every(([key, value]) => all[key] === value);
  return covers(content.data, wanted.data) && covers(content.binaryData, wanted.binaryData);
}

/** The old and the new content, from the copies that `prepareConfig` has made. */
async function keptContents({ client, namespace, rollout }: Scope, change: ConfigChange, signal: AbortSignal) {
  const { copy, backup } = placesOf(change, namespace);
  const [after, before] = await Promise.all([copy, backup].map((place) => findOwn(client, place, rollout, signal)));
  return { before: before && contentOf(before), after: after && contentOf(after) };
}

/** Replaces a content by another if the object still has it, and returns the content that the object has in the end. */
async function exchange(
  client: KubernetesClient,
  reference: ObjectReference,
  { from, to }: { readonly from: ConfigContent; readonly to: ConfigContent },
  signal: AbortSignal,
): Promise<{ readonly content: ConfigContent; readonly written: boolean }> {
  const found = await client.get(reference, signal);
  const current = contentOf(found);
  if (!isForm(current, from, to)) return { content: current, written: false };
  try {
    const wanted = {
      data: exchanged(current.data, from.data, to.data),
      binaryData: exchanged(current.binaryData, from.binaryData, to.binaryData),
    };
    return {
      content: contentOf(await client.patchJson(reference, replaceContent(found, wanted), signal)),
      written: true,
    };
  } catch (error) {
    // Written by somebody else between the two requests, or by Sluice itself if the answer to its first attempt was lost.
    if (!(error instanceof ApiError && error.code === 'conflict')) throw error;
    return { content: contentOf(await client.get(reference, signal)), written: false };
  }
}

/** Whether the content is the one to replace, perhaps with entries that admission or a controller has added. */
function isForm(current: ConfigContent, from: ConfigContent, to: ConfigContent): boolean {
  if (sameContent(current, from)) return true;
  return holds(current, from) && (holds(from, to) || !holds(current, to));
}

/** Keeps entries that are in neither content: a controller maintains them. */
function exchanged(
  current: Readonly<Record<string, string>>,
  from: Readonly<Record<string, string>>,
  to: Readonly<Record<string, string>>,
): Record<string, string> {
  const added = Object.entries(current).filter(([key]) => !Object.hasOwn(from, key) && !Object.hasOwn(to, key));
  return { ...Object.fromEntries(added), ...to };
}

function replaceContent(found: KubernetesObject, { data, binaryData }: ConfigContent): PatchOperation[] {
  const binary: PatchOperation[] =
    found.kind === 'ConfigMap' ? [{ op: 'add', path: '/binaryData', value: binaryData }] : [];
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: found.metadata.resourceVersion },
    { op: 'add', path: '/data', value: data },
    ...binary,
  ];
}

function lost(place: ObjectReference): SluiceError {
  return new SluiceError('conflict', {
    about: describe(place),
    problem: 'was deleted by somebody else during the release.',
    next: 'Run again: the release starts over.',
  });
}

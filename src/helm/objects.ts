import { comparable, planChanges } from '../apply/changes.ts';
import type { ManifestText } from '../apply/documents.ts';
import { waitLines } from '../apply/events.ts';
import {
  type DeployObject,
  identityOf,
  parseManifests,
  readManifests,
  resolveRendered,
  unservedObjects,
  type WrittenObject,
  withoutControlledFields,
} from '../apply/objects.ts';
import { waitUntilRolledOut } from '../apply/wait.ts';
import type { KubernetesClient } from '../cluster/client.ts';
import { describe, type ObjectReference, resources } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import type { Clock } from '../core/clock.ts';
import { inParallel } from '../core/parallel.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import type { ReleaseObjects, WantedRelease, WatchedChange } from './ports.ts';
import type { Release } from './release.ts';
import { remainsOf, removeRelease } from './remove.ts';

export interface ReleaseObjectsOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly release: string;
  readonly namespace: string;
  /** The namespace is created with the release if it is missing. */
  readonly createNamespace: boolean;
  /** Milliseconds for workloads to get ready. */
  readonly timeout: number;
  /** Waits for Jobs, too. */
  readonly jobs: boolean;
  readonly forceConflicts: boolean;
  /** Takes what the workloads wait for, line by line. */
  readonly tell: (text: string) => void;
}

/** Field manager of what Helm applies. */
const HELM = 'helm';

/** The objects of a release in the cluster, by the manifests that Helm renders. */
export function createReleaseObjects(options: ReleaseObjectsOptions): ReleaseObjects {
  const { client, clock, release, namespace } = options;

  async function located(manifest: string, signal: AbortSignal, definitions = '') {
    const place = { namespace, definitions: read(definitions) };
    return resolveRendered(client, read(manifest), place, signal);
  }

  async function recorded(manifest: string, signal: AbortSignal) {
    const { objects: written, problems } = readRecord(manifest);
    const { objects, unknown } = await resolveRendered(client, written, { namespace, definitions: [] }, signal);
    return { objects, unknown: [...problems, ...unknown] };
  }

  async function resolved(manifest: string, signal: AbortSignal): Promise<DeployObject[]> {
    return (await recorded(manifest, signal)).objects;
  }

  async function changes(
    { manifest, apply_method: method, definitions = '' }: WantedRelease,
    previous: Release | undefined,
    signal: AbortSignal,
  ): Promise<readonly PlannedWrite[]> {
    const [{ objects: wanted, unknown }, { objects: kinds }, { objects: former, unknown: gone }] = await Promise.all([
      located(manifest, signal, definitions),
      located(definitions, signal),
      recorded(previous?.manifest ?? '', signal),
    ]);
    for (const problem of unknown) options.tell(problem);
    for (const problem of gone) options.tell(`Of the revision before, this is not looked at: ${problem}`);
    const alongside = [...(await ownNamespace(signal)), ...(await missingOf(client, kinds, signal))];
    // Only server-side apply reports conflicts; where Helm writes patches, it overwrites.
    const isServerSide = method === 'ssa';
    const asked = { force: options.forceConflicts || !isServerSide, fieldManager: HELM, alongside };
    const by = isServerSide ? 'apply' : 'patch';
    const all = [...alongside, ...wanted.map(asHelmWritesIt).map((object) => ruled(object, asked.force))];
    const planned = await planChanges(client, all, { ...asked, by }, signal);
    for (const { object, unchecked } of planned) {
      if (unchecked !== undefined)
        options.tell(`${describe(object.reference)} is checked when it is written: ${unchecked}`);
    }
    const kept = new Set(wanted.map(({ reference }) => identityOf(reference)));
    const dropped = former.filter((object) => !kept.has(identityOf(object.reference)) && isDeleted(object));
    return [...planned.flatMap(({ write }) => write ?? []), ...(await deletionsOf(client, dropped, signal))];
  }

  /**
   * Where Helm overwrites the rules of an aggregated ClusterRole, the controller writes them again, so they are no change.
   */
  function ruled(object: DeployObject, isForced: boolean): DeployObject {
    const rest = withoutControlledFields(object);
    if (!isForced || rest.manifest.rules === object.manifest.rules) return object;
    options.tell(
      `${describe(object.reference)}: Helm empties its rules until their controller has written them again. Leave "rules" out of ${object.source}.`,
    );
    return rest;
  }

  /** The namespace that is created with the release: the API server cannot check objects in it before. */
  async function ownNamespace(signal: AbortSignal): Promise<DeployObject[]> {
    if (!options.createNamespace) return [];
    const reference = { type: resources.namespace, namespace: '', name: namespace };
    if (await client.find(reference, signal)) return [];
    const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    return [{ reference, manifest, source: 'create-namespace' }];
  }

  /** Adds the marks by which Helm knows its objects: https://helm.sh/docs/topics/charts_tips_and_tricks/ */
  function asHelmWritesIt(object: DeployObject): DeployObject {
    const { metadata } = object.manifest;
    const labels = { ...texts(metadata.labels), 'app.kubernetes.io/managed-by': 'Helm' };
    const annotations = {
      ...texts(metadata.annotations),
      'meta.helm.sh/release-name': release,
      'meta.helm.sh/release-namespace': namespace,
    };
    return { ...object, manifest: { ...object.manifest, metadata: { ...metadata, labels, annotations } } };
  }

  return {
    changes,
    unserved: (manifest, signal) => unservedObjects(client, readRecord(manifest).objects, signal),
    async remains(manifest, signal) {
      const { objects, unknown } = await recorded(manifest, signal);
      return remainsOf(client, { objects: objects.filter(isDeleted), unknown }, signal);
    },
    async remove(manifest, signal) {
      const objects = (await resolved(manifest, signal)).filter(isDeleted);
      await removeRelease({ client, clock, release, namespace }, objects, signal);
    },
    names: async (manifest, signal) => (await resolved(manifest, signal)).map(({ reference }) => describe(reference)),
    async watch(manifest, change, signal) {
      const workloads = (await resolved(manifest, signal))
        .map(({ reference }) => reference)
        .filter(({ type }) => (type.kind === 'Job' ? options.jobs : workloadKinds.has(type.kind)));
      const objects = change && (await seenWritten(client, workloads, change, signal));
      await waitUntilRolledOut(
        {
          client,
          references: workloads,
          clock,
          deadline: clock.now() + options.timeout,
          ...(objects && { written: objects }),
          emit: (event) => {
            for (const { text } of waitLines(event)) options.tell(text);
          },
        },
        signal,
      );
    },
  };
}

/** Helm leaves a CRD that exists already as it is. */
async function missingOf(
  client: KubernetesClient,
  definitions: readonly DeployObject[],
  signal: AbortSignal,
): Promise<DeployObject[]> {
  const found = await inParallel(definitions, ({ reference }) => client.find(reference, signal));
  return definitions.filter((_, index) => found[index] === undefined);
}

async function deletionsOf(
  client: KubernetesClient,
  objects: readonly DeployObject[],
  signal: AbortSignal,
): Promise<PlannedWrite[]> {
  const found = await inParallel(objects, ({ reference }) => client.find(reference, signal));
  return objects.flatMap(({ reference }, index) => {
    const object = found[index];
    if (!object) return [];
    return [{ object: describe(reference), action: 'delete' as const, before: comparable(object), after: undefined }];
  });
}

/**
 * Workloads that are watched because they tell why they are not ready. For other kinds, Helm's own waiting is enough.
 */
const workloadKinds = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Pod', 'PersistentVolumeClaim']);

/** Lets a change begin, and gives its workloads once they are written. */
async function seenWritten(
  client: KubernetesClient,
  workloads: readonly ObjectReference[],
  { writes, mayBegin, applied }: WatchedChange,
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  const changing = workloads.filter(
    (workload) => writes === undefined || writes.some(({ object }) => object === describe(workload)),
  );
  const found = await Promise.all(changing.map((workload) => client.find(workload, signal)));
  mayBegin();
  const seen = await Promise.all(
    changing.map((workload, index) =>
      written(client, workload, { before: generationOf(found[index]), applied }, signal),
    ),
  );
  return seen.filter((object) => object !== undefined);
}

/**
 * The object as soon as its generation differs from the one before; undefined once the change is applied without that.
 */
async function written(
  client: KubernetesClient,
  { type, namespace, name }: ObjectReference,
  { before, applied }: { readonly before: string; readonly applied: AbortSignal },
  signal: AbortSignal,
): Promise<KubernetesObject | undefined> {
  const until = AbortSignal.any([applied, signal]);
  for await (const { type: what, object } of client.watch(
    type,
    namespace,
    { fieldSelector: `metadata.name=${name}` },
    until,
  )) {
    if (what !== 'DELETED' && generationOf(object) !== before) return object;
  }
  signal.throwIfAborted();
  return undefined;
}

/** The API server counts the changes of a spec; a new object of the same name has another UID and starts again. */
function generationOf(object: KubernetesObject | undefined): string {
  return object ? `${object.metadata.uid} ${object.metadata.generation}` : '';
}

/** Helm keeps objects with `helm.sh/resource-policy: keep`. */
function isDeleted({ manifest: { metadata } }: DeployObject): boolean {
  return texts(metadata.annotations)['helm.sh/resource-policy'] !== 'keep';
}

function read(manifest: string): WrittenObject[] {
  return parseManifests(textsOf(manifest));
}

/**
 * Reads a manifest that Helm has recorded, and reports unreadable parts instead of failing: the record cannot be corrected
 * here.
 */
function readRecord(manifest: string) {
  return readManifests(textsOf(manifest));
}

function textsOf(manifest: string): ManifestText[] {
  return [{ name: 'chart', text: manifest, isRendered: true }];
}

function texts(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

import type { Clock, PlannedWrite } from '../canary/ports.ts';
import { comparable, planChanges } from '../deploy/changes.ts';
import { waitLines } from '../deploy/events.ts';
import { type DeployObject, identityOf, parseManifests, resolveObjects } from '../deploy/objects.ts';
import { waitUntilRolledOut } from '../deploy/wait.ts';
import type { KubernetesClient, KubernetesObject } from '../kubernetes/client.ts';
import { describe, type ObjectReference, resources } from '../kubernetes/resources.ts';
import type { Release } from './cli.ts';
import type { ReleaseObjects, WatchedChange } from './ports.ts';

export interface ReleaseObjectsOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly release: string;
  readonly namespace: string;
  /** The namespace is made with the release where it is missing. */
  readonly createNamespace: boolean;
  /** Milliseconds for workloads to get ready. */
  readonly timeout: number;
  /** Jobs are waited for, too. */
  readonly jobs: boolean;
  readonly forceConflicts: boolean;
  readonly serverSide: 'auto' | 'true' | 'false';
  /** Takes what the workloads wait for, a line at a time. */
  readonly tell: (text: string) => void;
}

/** Field manager of what Helm applies. */
const HELM = 'helm';

/** The objects of a release, by the manifests that Helm renders, in the cluster. */
export function createReleaseObjects(options: ReleaseObjectsOptions): ReleaseObjects {
  const { client, clock, release, namespace } = options;

  async function resolved(manifest: string, signal: AbortSignal): Promise<DeployObject[]> {
    return resolveObjects(client, parseManifests([{ name: 'chart', text: manifest }]), namespace, signal);
  }

  async function changes(
    manifest: string,
    previous: Release | undefined,
    signal: AbortSignal,
  ): Promise<readonly PlannedWrite[]> {
    const [wanted, former] = await Promise.all([
      resolved(manifest, signal),
      resolved(previous?.manifest ?? '', signal),
    ]);
    const objects = [...(await ownNamespace(signal)), ...wanted.map(asHelmWritesIt)];
    // Only server-side apply knows conflicts; what Helm wrote by patches, it goes on to overwrite.
    const isServerSide =
      options.serverSide === 'auto' ? previous?.apply_method === 'ssa' : options.serverSide === 'true';
    const force = options.forceConflicts || !isServerSide;
    const planned = await planChanges(client, objects, { force, fieldManager: HELM }, signal);
    const kept = new Set(wanted.map(({ reference }) => identityOf(reference)));
    const gone = former.filter((object) => !kept.has(identityOf(object.reference)) && !staysForever(object));
    return [...planned.flatMap(({ write }) => write ?? []), ...(await deletions(gone, signal))];
  }

  /** A namespace that is made with the release: what goes into it can't be checked by the API server before. */
  async function ownNamespace(signal: AbortSignal): Promise<DeployObject[]> {
    if (!options.createNamespace) return [];
    const reference = { type: resources.namespace, namespace: '', name: namespace };
    if (await client.find(reference, signal)) return [];
    const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    return [{ reference, manifest, source: 'create-namespace' }];
  }

  async function deletions(objects: readonly DeployObject[], signal: AbortSignal): Promise<PlannedWrite[]> {
    const found = await Promise.all(objects.map(({ reference }) => client.find(reference, signal)));
    return objects.flatMap(({ reference }, index) => {
      const object = found[index];
      if (!object) return [];
      return [{ object: describe(reference), action: 'delete' as const, before: comparable(object), after: undefined }];
    });
  }

  /** With the marks by which Helm knows its objects: https://helm.sh/docs/topics/charts_tips_and_tricks/ */
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
    names: async (manifest, signal) => (await resolved(manifest, signal)).map(({ reference }) => describe(reference)),
    async watch(manifest, change, signal) {
      const workloads = (await resolved(manifest, signal))
        .map(({ reference }) => reference)
        .filter(({ type }) => (type.kind === 'Job' ? options.jobs : workloadKinds.has(type.kind)));
      if (change) await seenWritten(client, workloads, change, signal);
      await waitUntilRolledOut(
        {
          client,
          references: workloads,
          clock,
          deadline: clock.now() + options.timeout,
          emit: (event) => {
            for (const { text } of waitLines(event)) options.tell(text);
          },
        },
        signal,
      );
    },
  };
}

/** What is worth to be watched: its pods tell why it is not ready. For other kinds, Helm's own waiting is enough. */
const workloadKinds = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Pod', 'PersistentVolumeClaim']);

/** Lets a change begin, and resolves when the workloads that it writes are written. */
async function seenWritten(
  client: KubernetesClient,
  workloads: readonly ObjectReference[],
  { writes, mayBegin, applied }: WatchedChange,
  signal: AbortSignal,
): Promise<void> {
  const changing = workloads.filter(
    (workload) => writes === undefined || writes.some(({ object }) => object === describe(workload)),
  );
  const found = await Promise.all(changing.map((workload) => client.find(workload, signal)));
  mayBegin();
  await Promise.all(
    changing.map((workload, index) => written(client, workload, generationOf(found[index]), applied, signal)),
  );
}

/** Resolves when an object has another generation than before, or when all is written that will be. */
async function written(
  client: KubernetesClient,
  { type, namespace, name }: ObjectReference,
  before: string,
  applied: AbortSignal,
  signal: AbortSignal,
): Promise<void> {
  const until = AbortSignal.any([applied, signal]);
  for await (const { type: what, object } of client.watch(
    type,
    namespace,
    { fieldSelector: `metadata.name=${name}` },
    until,
  )) {
    if (what !== 'DELETED' && generationOf(object) !== before) return;
  }
  signal.throwIfAborted();
}

/** The API server counts the changes of what is asked for; another object of the same name begins anew. */
function generationOf(object: KubernetesObject | undefined): string {
  return object ? `${object.metadata.uid} ${object.metadata.generation}` : '';
}

/** `helm.sh/resource-policy: keep`: Helm never deletes it. */
function staysForever({ manifest: { metadata } }: DeployObject): boolean {
  const policy = texts(metadata.annotations)['helm.sh/resource-policy'];
  return policy === 'keep';
}

function texts(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

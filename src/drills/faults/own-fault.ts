import type { KubernetesClient } from '../../cluster/client.ts';
import { retryOnConflict } from '../../cluster/conflicts.ts';
import { isOwn, ownLabels } from '../../cluster/ownership.ts';
import { describe, type ObjectReference } from '../../cluster/resources.ts';
import type { AnyManifest, KubernetesObject } from '../../cluster/schema.ts';
import type { Clock } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import { RUN_ANNOTATION } from './world.ts';

/** The drill and the run that an object has to be of. */
export interface FaultOwner {
  readonly drill: string;
  readonly run: string;
}

type Texts = Readonly<Record<string, string>>;

/** Labels and annotations of a fault that is an object of its own, beside those that its manifest has. */
export function ownMarks({ drill, run }: FaultOwner, labels: Texts, annotations: Texts) {
  return {
    labels: { ...labels, ...ownLabels(drill) },
    annotations: { ...annotations, [RUN_ANNOTATION]: run },
  };
}

/**
 * The fault as it is now, if it is there.
 *
 * @throws SluiceError `conflict` for an object that is not of this drill and run: it is left alone
 */
export async function findFault(
  client: Pick<KubernetesClient, 'find'>,
  reference: ObjectReference,
  owner: FaultOwner,
  signal: AbortSignal,
): Promise<KubernetesObject | undefined> {
  const found = await client.find(reference, signal);
  if (!found) return undefined;
  if (isOwn(found, owner.drill) && found.metadata.annotations?.[RUN_ANNOTATION] === owner.run) return found;
  throw new SluiceError('conflict', {
    about: describe(reference),
    problem: 'was not made by this drill, so it is left as it is.',
    next: 'Find out whose it is, and delete it by hand if nobody needs it.',
  });
}

/** A fault to be created. */
export interface NewFault {
  readonly reference: ObjectReference;
  readonly manifest: AnyManifest;
  readonly owner: FaultOwner;
}

/** Creates a fault, unless it is there already. Can be repeated. */
export async function createFault(
  client: Pick<KubernetesClient, 'find' | 'apply'>,
  { reference, manifest, owner }: NewFault,
  signal: AbortSignal,
): Promise<void> {
  const found = await findFault(client, reference, owner, signal);
  if (!found) await client.apply(reference.type, manifest, signal, { strict: true });
}

/** Milliseconds between two looks at an object that ends. */
const PAUSE = 500;
/** Milliseconds that an object has to go once its finalizer is gone. */
const LAST_PATIENCE = 10_000;

export interface Ending {
  readonly client: Pick<KubernetesClient, 'find' | 'remove' | 'patchJson'>;
  readonly clock: Clock;
  /** The finalizer that is taken away when it stays. */
  readonly finalizer: string;
  /** The most milliseconds to wait, from the object as it is. */
  readonly patience: (object: KubernetesObject) => number;
}

/**
 * Deletes an object and waits until it is gone. A finalizer that stays is taken away.
 *
 * @returns the object as it was before its finalizer was taken away; undefined where it went by itself
 * @throws SluiceError `timed-out` for an object that stays nevertheless
 */
export async function endObject(
  ending: Ending,
  reference: ObjectReference,
  uid: string | undefined,
  signal: AbortSignal,
): Promise<KubernetesObject | undefined> {
  const { client, clock } = ending;
  await client.remove(reference, signal, uid);
  const start = clock.now();
  let released: KubernetesObject | undefined;
  let patience = 0;
  while (true) {
    const found = await client.find(reference, signal);
    if (!found || (uid !== undefined && found.metadata.uid !== uid)) return released;
    const waited = clock.now() - start;
    if (released === undefined && waited >= ending.patience(found)) {
      released = found;
      patience = waited + LAST_PATIENCE;
      await release(ending, reference, uid, signal);
      continue;
    }
    if (released !== undefined && waited >= patience) throw stuck(reference, found);
    await clock.sleep(PAUSE, signal);
  }
}

/** Takes away this finalizer alone. */
async function release(
  { client, finalizer }: Ending,
  reference: ObjectReference,
  uid: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  await retryOnConflict(async () => {
    const found = await client.find(reference, signal);
    if (!found || (uid !== undefined && found.metadata.uid !== uid)) return;
    const before = finalizersOf(found);
    if (!before.includes(finalizer)) return;
    const after = before.filter((name) => name !== finalizer);
    const path = '/metadata/finalizers';
    const operations = [
      { op: 'test' as const, path, value: before },
      { op: 'replace' as const, path, value: after },
    ];
    await client.patchJson(reference, operations, signal);
  });
}

function finalizersOf({ metadata }: KubernetesObject): readonly string[] {
  const { finalizers } = metadata;
  return Array.isArray(finalizers) ? finalizers.filter((name) => typeof name === 'string') : [];
}

function stuck(reference: ObjectReference, object: KubernetesObject): SluiceError {
  return new SluiceError('timed-out', {
    about: describe(reference),
    problem: `is being deleted, but does not go: ${finalizersOf(object).slice(0, 5).join(', ') || 'nothing says why'}.`,
    next: 'See that the controller which has put these finalizers there is running, or take them away by hand.',
  });
}

import { createHash } from 'node:crypto';
import { isSluiceError, messageOf, SluiceError } from '../canary/errors.ts';
import type { Clock, Permission } from '../canary/ports.ts';
import { stringifyJson } from '../json.ts';
import { ApiError, type KubernetesClient, type KubernetesObject } from '../kubernetes/client.ts';
import type { Claim } from '../kubernetes/lease.ts';
import { checkPermissions, permissionTo } from '../kubernetes/permissions.ts';
import { describe, type ObjectReference, resources } from '../kubernetes/resources.ts';
import { comparable, inParallel, type ObjectChange, planChanges } from './changes.ts';
import type { DeployEvent, PlannedObject } from './events.ts';
import {
  type DeployVerdict,
  INVENTORY_LABEL,
  type Inventory,
  type InventoryStore,
  type Snapshot,
} from './inventory.ts';
import { inApplyOrder, inDeleteOrder } from './kind-order.ts';
import { type DeployObject, identityOf, withoutControlledFields } from './objects.ts';
import { servedNow } from './served-kinds.ts';
import { undoChanges } from './undo.ts';
import { waitedFor, waitPermissions, waitUntilRolledOut } from './wait.ts';

export interface DeployOptions {
  /** Of this run: the same in `main` and in `post`. */
  readonly id: string;
  readonly startedBy: string;
  /** Of the inventory. */
  readonly name: string;
  readonly namespace: string;
  readonly createNamespace: boolean;
  readonly prune: boolean;
  /** Kinds that are pruned though the objects hold what can't be made again. */
  readonly pruneKinds: readonly string[];
  readonly force: boolean;
  readonly wait: boolean;
  readonly undoOnFailure: boolean;
  /** Milliseconds for applying and getting ready; and for an undo as much again. */
  readonly timeout: number;
  readonly maxRestarts: number;
  readonly dryRun: boolean;
}

export interface DeployWorld {
  readonly client: KubernetesClient;
  readonly store: InventoryStore;
  readonly clock: Clock;
  readonly emit: (event: DeployEvent) => void;
  /** Keeps two runs of one name apart. Throws `locked` with the holder. */
  readonly claim: (signal: AbortSignal) => Promise<Claim>;
}

/** Milliseconds for what comes after the last wait. */
const LAST_ACTS = 120_000;

/** What is lost with these can't be made again: they are pruned only where they are named. */
export const preciousKinds = [
  'Namespace',
  'PersistentVolumeClaim',
  'PersistentVolume',
  'CustomResourceDefinition',
] as const;
const precious = new Set<string>(preciousKinds);

/** The objects as they are applied: with the label that says whose they are. */
function labelled(objects: readonly DeployObject[], name: string): DeployObject[] {
  return objects.map((object) => {
    const { metadata } = object.manifest;
    const labels = isRecord(metadata.labels) ? metadata.labels : {};
    const marked = { ...metadata, labels: { ...labels, [INVENTORY_LABEL]: name } };
    return { ...object, manifest: { ...object.manifest, metadata: marked } };
  });
}

/** `sha256:…` over all that the manifests say, in whatever order and form they say it. */
export function digestOf(objects: readonly DeployObject[]): string {
  const texts = objects.map(
    ({ reference, manifest }) => `${identityOf(reference)} ${sortedJson(comparable(manifest))}`,
  );
  return `sha256:${createHash('sha256').update(texts.toSorted().join('\n')).digest('hex')}`;
}

function sortedJson(value: unknown): string {
  return stringifyJson(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([field, part]) => [field, sorted(part)]));
}

/** The rights that a deployment of these objects takes. */
export function deployPermissions(
  objects: readonly DeployObject[],
  { wait, undoOnFailure, createNamespace }: DeployOptions,
  store: Pick<InventoryStore, 'permissions'>,
): Permission[] {
  const references = objects.map(({ reference }) => reference);
  return [
    ...store.permissions,
    ...references.flatMap(({ type, namespace: own }) => [
      permissionTo(['get', 'create', 'patch'], type, own),
      ...(undoOnFailure ? [permissionTo(['update', 'delete'], type, own)] : []),
    ]),
    ...(wait ? waitPermissions(references) : []),
    ...(createNamespace ? [permissionTo(['get', 'create'], resources.namespace, '')] : []),
  ];
}

/**
 * Makes the cluster hold these objects, waits until they are ready, deletes what no manifest holds any more; or goes back to
 * how it was.
 *
 * @throws SluiceError for what is refused before the first write
 */
export async function deploy(
  world: DeployWorld,
  options: DeployOptions,
  given: readonly DeployObject[],
  cancelled: AbortSignal,
): Promise<DeployVerdict | undefined> {
  const { clock, emit } = world;
  const { name, namespace, startedBy: by } = options;
  const objects = inApplyOrder(labelled(given.map(withoutControlledFields), name));
  const digest = digestOf(given);
  emit({ type: 'started', at: clock.now(), name, namespace, by, digest });
  const hasNamespace = await namespaceExists(world, options, cancelled);
  if (options.dryRun) {
    await plan(world, options, objects, hasNamespace, cancelled);
    return undefined;
  }
  if (!hasNamespace) await createNamespace(world, options, cancelled);
  const claim = await claimIn(world, options, cancelled);
  try {
    const signal = AbortSignal.any([cancelled, claim.lost]);
    const planned = await plan(world, options, objects, true, signal);
    const work = { ...planned, objects, digest, startedAt: clock.now() };
    if (isNothingToDo(work)) return await seeUnchanged(world, options, work, signal);
    return await carryOut(world, options, work, signal, claim.lost);
  } finally {
    await claim.release();
  }
}

/**
 * Concludes what this run was stopped in, whatever stopped it: undoes it, or finishes it where it was beyond that.
 *
 * @returns undefined where it has left nothing
 */
export async function conclude(
  world: DeployWorld,
  options: DeployOptions,
  signal: AbortSignal,
): Promise<DeployVerdict | undefined> {
  const { store, clock, emit } = world;
  const seen = await store.load(signal);
  if (!isUnfinished(seen) || seen.id !== options.id) return undefined;
  const claim = await world.claim(signal);
  try {
    const left = await store.load(signal);
    if (!isUnfinished(left) || left.id !== options.id) return undefined;
    emit({ type: 'resumed', at: clock.now(), by: left.startedBy, since: left.startedAt });
    if (left.phase === 'pruning') {
      await prune(world, options, left, signal);
      return await end(
        world,
        { ...left, objects: without(left.objects, left.prune ?? []) },
        'deployed',
        'It was finished after it had been stopped while it pruned.',
        '',
        signal,
      );
    }
    return await fail(world, options, left, stopped(left), signal);
  } finally {
    await claim.release();
  }
}

function stopped({ phase }: Inventory): SluiceError {
  return new SluiceError('cancelled', {
    about: 'this run',
    problem: `was stopped while it was ${phase}.`,
    next: 'Run the workflow again to deploy.',
  });
}

interface Plan {
  readonly left: Inventory | undefined;
  readonly changes: readonly ObjectChange[];
  /** Of the precious kinds, what this inventory has made: only that is ever pruned of them. */
  readonly created: readonly ObjectReference[];
  readonly prunable: readonly ObjectReference[];
  /** Of the inventory, no longer in the manifests, and to stay. */
  readonly kept: readonly ObjectReference[];
}

interface Work extends Plan {
  readonly objects: readonly DeployObject[];
  readonly digest: string;
  readonly startedAt: number;
}

async function namespaceExists(
  { client }: DeployWorld,
  { namespace, createNamespace: mayCreate }: DeployOptions,
  signal: AbortSignal,
): Promise<boolean> {
  // Who may not create it need not have the right to read it: that it is missing shows by itself.
  if (!mayCreate) return true;
  return (await client.find({ type: resources.namespace, namespace: '', name: namespace }, signal)) !== undefined;
}

/** @throws SluiceError `not-found` for a namespace that is missing */
async function claimIn({ claim }: DeployWorld, { namespace }: DeployOptions, signal: AbortSignal): Promise<Claim> {
  try {
    return await claim(signal);
  } catch (error) {
    if (!isSluiceError(error, 'not-found')) throw error;
    throw new SluiceError('not-found', {
      about: `Namespace ${namespace}`,
      problem: 'does not exist.',
      next: 'Set "create-namespace: true", or check its name. Nothing was changed.',
      cause: error,
    });
  }
}

async function createNamespace({ client }: DeployWorld, { namespace }: DeployOptions, signal: AbortSignal) {
  try {
    await client.create(resources.namespace, namespaceObject(namespace).manifest, signal);
  } catch (error) {
    // Somebody else was as fast.
    if (!isSluiceError(error, 'conflict')) throw error;
  }
}

function namespaceObject(name: string): DeployObject {
  const reference = { type: resources.namespace, namespace: '', name };
  return {
    reference,
    manifest: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    source: 'create-namespace',
  };
}

/** What is to be done, as the API server and the inventory say. Writes nothing. */
async function plan(
  { client, store, clock, emit }: DeployWorld,
  options: DeployOptions,
  objects: readonly DeployObject[],
  hasNamespace: boolean,
  signal: AbortSignal,
): Promise<Plan> {
  const left = await store.load(signal);
  if (isUnfinished(left)) emit({ type: 'resumed', at: clock.now(), by: left.startedBy, since: left.startedAt });
  const alongside = hasNamespace ? [] : [namespaceObject(options.namespace)];
  const changes = await planChanges(client, objects, { force: options.force, alongside }, signal);
  refuseForeign(changes, options.name);
  const created = createdBy(left, changes, options.name);
  const present = objects.map(({ reference }) => reference);
  const { served, gone } = await servedNow(client, without(left?.objects ?? [], present), signal);
  if (gone.length > 0) emit({ type: 'unserved', at: clock.now(), objects: gone.map(describe) });
  const own = await inParallel(without(served, present), async (reference) => {
    const found = await client.find(reference, signal);
    return found?.metadata.labels?.[INVENTORY_LABEL] === options.name ? [{ reference, found }] : [];
  });
  const stays = (reference: ObjectReference) => {
    const { kind } = reference.type;
    if (!options.prune) return true;
    return precious.has(kind) && !(options.pruneKinds.includes(kind) && includes(created, reference));
  };
  const prunable = own.flat().filter(({ reference }) => !stays(reference));
  const deletions = prunable.map(({ reference: { type, namespace } }) => permissionTo(['delete'], type, namespace));
  await checkPermissions(client, deletions, signal);
  const kept = own.flat().flatMap(({ reference }) => (stays(reference) ? [reference] : []));
  emit({
    type: 'planned',
    at: clock.now(),
    objects: [
      ...changes.map(
        ({ object, action, write, unchecked }): PlannedObject => ({
          object: describe(object.reference),
          action,
          write,
          ...(unchecked !== undefined && { unchecked }),
        }),
      ),
      ...prunable.map(({ reference, found }): PlannedObject => {
        const object = describe(reference);
        return {
          object,
          action: 'prune',
          write: { object, action: 'delete', before: comparable(found), after: undefined },
        };
      }),
      ...kept.map((reference): PlannedObject => ({ object: describe(reference), action: 'keep', write: undefined })),
    ],
  });
  return { left, changes, created, prunable: prunable.map(({ reference }) => reference), kept };
}

/**
 * Of the precious kinds, what this inventory has made, or makes now. What was there before it, and only got its label, holds what
 * others have put there; an inventory of an earlier version says nothing, and then nothing counts as made by it.
 */
function createdBy(
  left: Inventory | undefined,
  changes: readonly ObjectChange[],
  name: string,
): readonly ObjectReference[] {
  const adopted = changes.filter(({ found }) => found && found.metadata.labels?.[INVENTORY_LABEL] !== name);
  const made = changes.filter(({ object, found }) => !found && precious.has(object.reference.type.kind));
  const before = without(
    left?.created ?? [],
    adopted.map(({ object }) => object.reference),
  );
  return union(
    before,
    made.map(({ object }) => object.reference),
  );
}

/** Two inventories that both hold an object would prune it from each other. */
function refuseForeign(changes: readonly ObjectChange[], name: string): void {
  const foreign = changes.flatMap(({ object, found }) => {
    const owner = found?.metadata.labels?.[INVENTORY_LABEL];
    return owner === undefined || owner === name ? [] : [`${describe(object.reference)} (of "${owner}")`];
  });
  if (foreign.length === 0) return;
  throw new SluiceError('conflict', {
    about: 'manifests',
    problem: `hold what was deployed under another name: ${foreign.join(', ')}.`,
    next: `Deploy it under that "name", or take the label ${INVENTORY_LABEL} off it first. Nothing was changed.`,
  });
}

function isUnfinished(left: Inventory | undefined): left is Inventory {
  return left !== undefined && left.phase !== 'ended';
}

function isNothingToDo({ left, changes, prunable }: Work): boolean {
  return !isUnfinished(left) && prunable.length === 0 && changes.every(({ needed }) => !needed);
}

/** Nothing to write; what is there may still be on its way. */
async function seeUnchanged(
  world: DeployWorld,
  options: DeployOptions,
  work: Work,
  signal: AbortSignal,
): Promise<DeployVerdict> {
  const inventory = inventoryOf(options, work, 'ended');
  try {
    await waitFor(
      world,
      options,
      work.objects.map(({ reference }) => reference),
      signal,
    );
  } catch (error) {
    return await end(
      world,
      inventory,
      'failed',
      `Nothing was to be changed, but: ${reasonOf(error)}`,
      nextOf(error),
      signal,
    );
  }
  return await end(
    world,
    inventory,
    'unchanged',
    `All ${work.objects.length} objects are as the manifests say.`,
    '',
    signal,
  );
}

async function carryOut(
  world: DeployWorld,
  options: DeployOptions,
  work: Work,
  signal: AbortSignal,
  lost: AbortSignal,
): Promise<DeployVerdict> {
  const { store, clock } = world;
  const { left, objects, changes, prunable, kept } = work;
  const present = objects.map(({ reference }) => reference);
  // Record, then act: all that may be touched, beside all that was there.
  const applying = { ...inventoryOf(options, work, 'applying'), objects: union(left?.objects ?? [], present) };
  if (options.undoOnFailure) await store.saveSnapshot(await snapshotOf(world, work, signal), signal);
  await store.save(applying, signal);
  try {
    const written = await apply(world, options, changes, signal);
    await waitFor(world, options, present, signal, written);
  } catch (error) {
    // Whoever has taken over decides now.
    if (lost.aborted) throw lost.reason;
    return await fail(world, options, applying, error, AbortSignal.timeout(options.timeout + LAST_ACTS));
  }
  // All is ready: what is left is done whatever else is asked.
  const rest = AbortSignal.any([lost, AbortSignal.timeout(LAST_ACTS)]);
  const pruning: Inventory = { ...applying, phase: 'pruning', prune: [...prunable] };
  if (prunable.length > 0) {
    await store.save(pruning, rest);
    await prune(world, options, pruning, rest);
  }
  const done = { ...inventoryOf(options, work, 'ended'), objects: union(present, kept) };
  return await end(world, done, 'deployed', summaryOf(work, clock.now()), '', rest);
}

function inventoryOf({ id, startedBy }: DeployOptions, work: Work, phase: Inventory['phase']): Inventory {
  const { digest, objects, kept, startedAt, created } = work;
  const references = objects.map(({ reference }) => reference);
  return {
    schema: 1,
    id,
    startedBy,
    startedAt,
    phase,
    digest,
    objects: union(references, kept),
    created: [...created],
  };
}

/** How it was before the first of the runs that have not come to their end. */
async function snapshotOf({ store }: DeployWorld, { left, changes }: Work, signal: AbortSignal): Promise<Snapshot> {
  const isHalf = left?.phase === 'applying' || left?.phase === 'undoing';
  const older = isHalf ? await store.loadSnapshot(signal) : undefined;
  const known = new Set(older?.entries.map(({ reference }) => identityOf(reference)));
  const entries = changes
    .filter(({ needed, object }) => needed && !known.has(identityOf(object.reference)))
    .map(({ object, found }) => ({
      reference: object.reference,
      ...(found && { found }),
      leavesReplicas: leavesReplicas(object),
    }));
  return {
    former: older?.former ?? { digest: left?.digest ?? '', objects: left?.objects ?? [] },
    entries: [...(older?.entries ?? []), ...entries],
  };
}

function leavesReplicas({ manifest }: DeployObject): boolean {
  return isRecord(manifest.spec) && manifest.spec.replicas === undefined;
}

/** Milliseconds in which the API server has to notice what was applied before an object that needs it. */
const NOTICE = 15_000;
const RETRY = 500;

/** Applies an object. One that could not be checked before is tried again: the API server reads what it needs from a cache. */
async function applyOne(
  { client, clock }: Pick<DeployWorld, 'client' | 'clock'>,
  { force }: DeployOptions,
  { object: { reference, manifest }, unchecked }: ObjectChange,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  const end = clock.now() + (unchecked === undefined ? 0 : NOTICE);
  for (;;) {
    try {
      return await client.apply(reference.type, manifest, signal, { force, strict: true });
    } catch (error) {
      if (!(error instanceof ApiError) || clock.now() >= end) throw error;
      await clock.sleep(RETRY, signal);
    }
  }
}

/** Applies what has to be, kind by kind; a definition is served before the next kind is applied. Gives it as it was written. */
async function apply(
  world: DeployWorld,
  options: DeployOptions,
  changes: readonly ObjectChange[],
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  const { client, clock, emit } = world;
  const written: KubernetesObject[] = [];
  const kinds = Map.groupBy(
    changes.filter(({ needed }) => needed),
    ({ object }) => object.reference.type.kind,
  );
  for (const [kind, ofKind] of kinds) {
    await inParallel(ofKind, async (change) => {
      const { reference } = change.object;
      const { action } = change;
      written.push(await applyOne(world, options, change, signal));
      const done = action === 'create' ? 'create' : 'update';
      emit({ type: 'applied', at: clock.now(), object: describe(reference), action: done });
    });
    if (kind !== 'CustomResourceDefinition') continue;
    const references = ofKind.map(({ object }) => object.reference);
    await waitUntilRolledOut(
      { client, references, clock, deadline: clock.now() + options.timeout, emit: () => undefined },
      signal,
    );
  }
  return written;
}

async function waitFor(
  { client, clock, emit }: DeployWorld,
  { wait, timeout, maxRestarts }: DeployOptions,
  all: readonly ObjectReference[],
  signal: AbortSignal,
  written: readonly KubernetesObject[] = [],
): Promise<void> {
  const references = waitedFor(all);
  if (!wait || references.length === 0) return;
  const deadline = clock.now() + timeout;
  emit({ type: 'waiting', at: clock.now(), objects: references.length, deadline });
  await waitUntilRolledOut({ client, references, clock, deadline, maxRestarts, emit, written }, signal);
}

/** Deletes what is to go, where it still is the inventory's. */
async function prune(
  { client, clock, emit }: DeployWorld,
  { name }: DeployOptions,
  { prune: references = [] }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  for (const { reference } of inDeleteOrder(references.map((reference) => ({ reference })))) {
    const found = await client.find(reference, signal);
    if (found?.metadata.labels?.[INVENTORY_LABEL] !== name) continue;
    await client.remove(reference, signal, found.metadata.uid);
    emit({ type: 'pruned', at: clock.now(), object: describe(reference) });
  }
}

/** After a failure: goes back to how it was, or leaves it as it is. What can't be undone now is left to the next run. */
async function fail(
  world: DeployWorld,
  options: DeployOptions,
  left: Inventory,
  cause: unknown,
  signal: AbortSignal,
): Promise<DeployVerdict> {
  const { client, store, clock, emit } = world;
  const reason = reasonOf(cause);
  const snapshot = options.undoOnFailure ? await store.loadSnapshot(signal) : undefined;
  if (!snapshot) return await end(world, left, 'failed', `${reason} What was applied stays.`, nextOf(cause), signal);
  // What did not get ready was told with all that is known of it.
  emit({ type: 'undoing', at: clock.now(), reason: isSluiceError(cause, 'not-ready') ? '' : reason });
  try {
    await store.save({ ...left, phase: 'undoing' }, signal);
    const { name, namespace } = options;
    const restored = await undoChanges(
      {
        client,
        snapshot,
        name,
        namespace,
        restored: (reference, how) => emit({ type: 'restored', at: clock.now(), object: describe(reference), how }),
      },
      signal,
    );
    await waitFor(world, options, restored, signal);
  } catch (error) {
    const problem = `${reason} It could not be undone: ${reasonOf(error)}`;
    emit({
      type: 'ended',
      at: clock.now(),
      verdict: 'failed',
      reason: problem,
      next: `${nextOf(error)} The next run begins where this one stopped.`,
    });
    return 'failed';
  }
  const { digest, objects } = snapshot.former;
  return await end(
    world,
    { ...left, digest, objects },
    'undone',
    `${reason} All is as it was before.`,
    nextOf(cause),
    signal,
  );
}

/** The last words: the record first, so that whoever reads them finds it. */
async function end(
  { store, clock, emit }: DeployWorld,
  inventory: Inventory,
  verdict: DeployVerdict,
  reason: string,
  next: string,
  signal: AbortSignal,
): Promise<DeployVerdict> {
  const { prune: _, ...rest } = inventory;
  await store.save({ ...rest, phase: 'ended', verdict, reason }, signal);
  await store.removeSnapshot(signal);
  emit({ type: 'ended', at: clock.now(), verdict, reason, next });
  return verdict;
}

function summaryOf({ changes, prunable, startedAt }: Work, now: number): string {
  const count = (action: ObjectChange['action']) => changes.filter((change) => change.action === action).length;
  const parts = [
    [count('create'), 'created'],
    [count('update'), 'changed'],
    [count('unchanged'), 'unchanged'],
    [prunable.length, 'pruned'],
  ] as const;
  const said = parts.flatMap(([number, word]) => (number > 0 ? [`${number} ${word}`] : []));
  return `${said.join(', ')} in ${Math.round((now - startedAt) / 1_000)} s.`;
}

function reasonOf(error: unknown): string {
  return isSluiceError(error) ? `${error.about}: ${error.problem}` : messageOf(error);
}

function nextOf(error: unknown): string {
  return isSluiceError(error) ? error.next : 'Please report it with this log.';
}

function union(some: readonly ObjectReference[], others: readonly ObjectReference[]): ObjectReference[] {
  return [...new Map([...some, ...others].map((reference) => [identityOf(reference), reference])).values()];
}

function without(some: readonly ObjectReference[], others: readonly ObjectReference[]): ObjectReference[] {
  const left = new Set(others.map(identityOf));
  return some.filter((reference) => !left.has(identityOf(reference)));
}

function includes(references: readonly ObjectReference[], wanted: ObjectReference): boolean {
  return references.some((reference) => identityOf(reference) === identityOf(wanted));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

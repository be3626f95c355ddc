import { describe, type ObjectReference } from '../../../cluster/resources.ts';
import type { KubernetesObject } from '../../../cluster/schema.ts';
import { SluiceError } from '../../../core/errors.ts';
import type { Json } from '../../../core/json.ts';
import { endObject, findFault } from '../own-fault.ts';
import type { FaultWorld } from '../world.ts';
import { childrenOf, type Family, familyOf } from './children.ts';
import { failureOf, podOf, statusOf, wasInjected } from './effect.ts';
import { chaosKind, chaosKinds, schedules } from './kinds/index.ts';
import { type ChaosMark, type MarkedPod, readMark, referenceOf } from './mark.ts';
import { cleanRules } from './pod-rules.ts';

/** What ends a fault once it has been recovered. */
const FINALIZER = 'chaos-mesh/records';

/** Milliseconds for a fault that no pod has, but that Chaos Mesh wants to inject once more before it lets it go. */
const PATIENCE_FAILED = 5_000;
/** Milliseconds for a fault that pods may have. */
const PATIENCE = 45_000;
/** Milliseconds between two looks for faults that a Schedule or a Workflow has made. */
const PAUSE = 500;

/** What it takes to remove a fault by its mark alone. */
export interface RemovalWorld extends Pick<FaultWorld, 'client' | 'clock' | 'drill'> {
  /** Is told what had to be ended by force. */
  readonly tell?: (message: string) => void;
}

/**
 * Removes a fault of Chaos Mesh and what it has left, and waits until that is seen. Works by the mark alone. Can be repeated.
 *
 * @throws SluiceError `conflict` for an object that is not of this drill; `failed` for pods that may still have the fault
 */
export async function removeChaosMesh(world: RemovalWorld, value: Json, signal: AbortSignal): Promise<void> {
  const mark = readMark(value);
  const reference = referenceOf(mark);
  const found = await findFault(world.client, reference, { drill: world.drill, run: mark.run }, signal);
  const doubts: string[] = [];
  const family = found && !chaosKind(mark.kind) ? await familyOf(world.client, found, signal) : undefined;
  if (family) doubts.push(...(await removeChildren(world, family, reference, signal)));
  if (found) doubts.push(...(await endFault(world, reference, found, signal)));
  // One that Chaos Mesh has made meanwhile.
  if (family) doubts.push(...(await endChildren(world, family, signal)).doubts);
  const source = `${mark.namespace}/${mark.name}`;
  doubts.push(...(await cleanPods(world, mark.kind, { source, pods: [...mark.pods, ...mark.targets] }, signal)));
  if (doubts.length > 0) throw notCertain(mark, doubts);
}

/** @returns what is not certain afterwards */
async function endFault(
  world: RemovalWorld,
  reference: ObjectReference,
  found: KubernetesObject,
  signal: AbortSignal,
): Promise<string[]> {
  const ending = { client: world.client, clock: world.clock, finalizer: FINALIZER, patience: patienceFor };
  const released = await endObject(ending, reference, found.metadata.uid, signal);
  if (!released) return [];
  const had = [...new Set((statusOf(released)?.records ?? []).filter(isInPod).map(podOf))];
  world.tell?.(
    `${describe(reference)} did not end by itself${had.length === 0 ? ', as it could not be injected' : ''}: its finalizer ${FINALIZER} was taken away.`,
  );
  // What the fault was in the network of a pod is seen by the rules of the pod, which are cleaned next.
  if (chaosKind(reference.type.kind)?.rules !== undefined) return [];
  return had.map((pod) => `pod ${pod} may still have the fault`);
}

/** A fault that no pod has is only waited for in vain. */
function patienceFor(object: KubernetesObject): number {
  const records = statusOf(object)?.records ?? [];
  const isInVain = records.length > 0 && records.every((record) => !isInPod(record)) && records.some(failureOf);
  return isInVain ? PATIENCE_FAILED : PATIENCE;
}

function isInPod(record: Parameters<typeof wasInjected>[0]): boolean {
  const { injectedCount, recoveredCount = 0, phase } = record;
  if (phase === 'Not Injected' || !wasInjected(record)) return false;
  return injectedCount === undefined || phase.startsWith('Injected') || injectedCount > recoveredCount;
}

/** The most rounds in which faults of a Schedule or a Workflow are ended while it is there. */
const MOST_ROUNDS = 5;

/** Stops a Schedule or a Workflow, and ends what it has made. */
async function removeChildren(
  world: RemovalWorld,
  family: Family,
  reference: ObjectReference,
  signal: AbortSignal,
): Promise<string[]> {
  const stop =
    reference.type.kind === schedules.kind ? 'experiment.chaos-mesh.org/pause' : 'workflow.chaos-mesh.org/abort';
  await world.client.patchMerge(reference, { metadata: { annotations: { [stop]: 'true' } } }, signal);
  const doubts: string[] = [];
  // Chaos Mesh may be making one at this moment.
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const ended = await endChildren(world, family, signal);
    doubts.push(...ended.doubts);
    if (ended.count === 0) break;
    await world.clock.sleep(PAUSE, signal);
  }
  return doubts;
}

async function endChildren(world: RemovalWorld, family: Family, signal: AbortSignal) {
  const kinds = chaosKinds.map(({ kind }) => kind);
  const children = await childrenOf(world.client, family, kinds, signal);
  const doubts: string[] = [];
  for (const { reference, object } of children) {
    const pods = hitBy(object);
    doubts.push(...(await endFault(world, reference, object, signal)));
    const source = `${reference.namespace}/${reference.name}`;
    doubts.push(...(await cleanPods(world, reference.type.kind, { source, pods }, signal)));
  }
  return { count: children.length, doubts };
}

/** The pods that a fault names in its records. Others may have had rules in them before. */
function hitBy(object: KubernetesObject): MarkedPod[] {
  const names = new Set((statusOf(object)?.records ?? []).map(podOf));
  return [...names].flatMap((id) => {
    const [namespace = '', name = ''] = id.split('/');
    return namespace === '' || name === '' ? [] : [{ namespace, name, uid: '', hadRules: true }];
  });
}

async function cleanPods(
  world: RemovalWorld,
  kind: string,
  { source, pods }: { readonly source: string; readonly pods: readonly MarkedPod[] },
  signal: AbortSignal,
): Promise<string[]> {
  const rules = chaosKind(kind)?.rules;
  if (!rules) return [];
  const doubts = await Promise.all(pods.map((pod) => cleanRules(world, rules, { source, pod }, signal)));
  return doubts.flatMap((doubt) => doubt ?? []);
}

const MOST_NAMED = 10;

function notCertain(mark: ChaosMark, doubts: readonly string[]): SluiceError {
  const rest = doubts.length > MOST_NAMED ? `; and ${doubts.length - MOST_NAMED} more` : '';
  return new SluiceError('failed', {
    about: describe(referenceOf(mark)),
    problem: `was deleted, but it is not certain that its pods are free of it: ${doubts.slice(0, MOST_NAMED).join('; ')}${rest}.`,
    next: 'See that the controller and the daemon of Chaos Mesh are running, and delete these pods if they do not behave as before: new ones are free of it.',
  });
}

import * as z from 'zod';
import { permissionTo } from '../../cluster/permissions.ts';
import { isReady, isTerminating } from '../../cluster/pods.ts';
import { readPart } from '../../cluster/read-object.ts';
import { resources } from '../../cluster/resources.ts';
import { isSluiceError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import { inParallel } from '../../core/parallel.ts';
import { podsInSlices } from '../../workloads/endpoints.ts';
import type { Aim, Effect, Fault } from '../ports.ts';
import { claimBudgets, refuseOverBudget } from './budgets.ts';
import {
  choosePods,
  confirmMarked,
  type FaultPod,
  hitPod,
  listPods,
  markedPod,
  markPod,
  type PodTarget,
} from './choose-pods.ts';
import type { FaultWorld } from './world.ts';

export interface PodKill {
  /** The fault in its short form. */
  readonly text: string;
  readonly target: PodTarget;
  /** Seconds that the pods get to end; their own by default. 0 kills them as a lost node does. */
  readonly grace?: number | undefined;
  /** Kills pods that a PodDisruptionBudget protects as well. */
  readonly ignoreBudgets?: boolean;
}

const mark = z.strictObject({
  kind: z.literal('pod-kill'),
  pods: z.array(markedPod),
  /** The uids of all pods that were there: a pod of the selector that is none of them is a replacement. */
  known: z.array(z.string()),
});

/** Deletes pods, and lets their controllers replace them. */
export function podKillFault(settings: PodKill, world: FaultWorld): Fault {
  const { text, target, grace, ignoreBudgets = false } = settings;
  const { client } = world;
  const { namespace } = target;

  async function aim(signal: AbortSignal): Promise<Aim> {
    const { pods, candidates } = await choosePods(world, target, {}, signal);
    if (!ignoreBudgets) refuseOverBudget(await claimBudgets(world, namespace, pods, signal));
    return {
      pods: pods.map(hitPod),
      candidates: candidates.length,
      writes: pods.map(({ metadata: { name } }) => `delete Pod ${namespace}/${name}`),
      warnings: tellLosses(pods, candidates),
      mark: {
        kind: 'pod-kill',
        pods: pods.map((pod) => ({ ...markPod(pod) })),
        known: candidates.flatMap(({ metadata: { uid } }) => uid ?? []),
      },
    };
  }

  async function inject(given: Json, signal: AbortSignal): Promise<void> {
    const there = await confirmMarked(world, target, readMark(given).pods, signal);
    await inParallel(there, async ({ name, uid }) => {
      try {
        await client.remove({ type: resources.pod, namespace, name }, signal, uid, grace);
      } catch (error) {
        // The pod ended by itself, and another one has its name now: that one is none of the chosen.
        if (!isSluiceError(error, 'conflict')) throw error;
      }
    });
  }

  async function effect(given: Json, signal: AbortSignal): Promise<Effect> {
    const { pods, known } = readMark(given);
    const matching = await listPods(world, target, signal);
    const left = await findMarked(world, namespace, pods, signal);
    const serving = left.some(isTerminating) ? await stillServing(left, signal) : [];
    const alive = left.filter((pod) => !isTerminating(pod) || serving.includes(pod));
    if (alive.length > 0) {
      const words = alive.map(({ metadata: { name } }) => name).join(', ');
      return { felt: 'not-felt', evidence: `${alive.length} of ${pods.length} pods still get requests: ${words}` };
    }
    const ending = left.length === 0 ? '' : `, ${left.length} of them are ending and get no requests`;
    return {
      felt: 'felt',
      evidence: `${pods.length} of ${pods.length} pods are gone${ending}; ${tellReplacements(matching, known)}`,
    };
  }

  async function stillServing(left: readonly FaultPod[], signal: AbortSignal) {
    const slices = await client.list(resources.endpointSlice, namespace, {}, signal);
    const found = new Set(podsInSlices(slices, left).map(({ metadata }) => metadata.uid));
    return left.filter(({ metadata }) => found.has(metadata.uid));
  }

  return {
    kind: 'pod-kill',
    text,
    lasts: 0,
    endedBy: 'cluster',
    permissions: [
      permissionTo(['get', 'list', 'delete'], resources.pod, namespace),
      permissionTo(['list'], resources.endpointSlice, namespace),
      ...(ignoreBudgets ? [] : [permissionTo(['list'], resources.podDisruptionBudget, namespace)]),
    ],
    aim,
    inject,
    effect,
    remove: (given, signal) => removePodKill(world, given, signal),
  };
}

/** There is nothing to remove: the pods' controllers replace them. What is no mark of this fault is refused. */
export async function removePodKill(_: FaultWorld, given: Json, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  readMark(given);
}

function readMark(given: Json): z.infer<typeof mark> {
  return readPart(
    given,
    mark,
    'the mark of a pod-kill in the record of the drill',
    'Find out who has written the record.',
  );
}

function tellLosses(pods: readonly FaultPod[], candidates: readonly FaultPod[]): string[] {
  const alone = pods.filter(({ metadata }) => !metadata.ownerReferences?.some(({ controller }) => controller));
  const ready = candidates.filter(isReady);
  const names = alone.map(({ metadata: { name } }) => name).join(', ');
  return [
    ...(alone.length === 0 ? [] : [`Nothing makes these pods again, as no controller owns them: ${names}`]),
    ...(ready.length > 0 && ready.every((pod) => pods.includes(pod)) ? ['No ready pod of the selector is left'] : []),
  ];
}

/** How many pods have come since, and when the last of them got ready. */
function tellReplacements(matching: readonly FaultPod[], known: readonly string[]): string {
  const fresh = matching.filter(({ metadata: { uid = '' } }) => !known.includes(uid));
  const ready = fresh.filter(isReady);
  if (fresh.length === 0) return 'no new pod has come yet';
  const times = ready.flatMap(({ status }) => {
    const at = Date.parse(status.conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '');
    return Number.isNaN(at) ? [] : [at];
  });
  const since =
    times.length === 0 ? '' : `, the last since ${new Date(Math.max(...times)).toISOString().slice(11, 19)}Z`;
  return `${ready.length} of ${fresh.length} new pods are ready${since}`;
}

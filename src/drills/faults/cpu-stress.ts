import { createHash } from 'node:crypto';
import * as z from 'zod';
import { isOwn, ownLabels } from '../../cluster/ownership.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import { readPart } from '../../cluster/read-object.ts';
import { resources } from '../../cluster/resources.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import { inParallel } from '../../core/parallel.ts';
import { excerpt } from '../../core/text.ts';
import type { Aim, Effect, Fault } from '../ports.ts';
import {
  choosePods,
  confirmMarked,
  type FaultPod,
  hitPod,
  markedPod,
  markPod,
  notOfDrill,
  type PodTarget,
  readPod,
} from './choose-pods.ts';
import { CONTAINER, readBurnt, stressPod } from './stress-pod.ts';
import { type FaultWorld, RUN_ANNOTATION } from './world.ts';

export interface CpuStress {
  /** The fault in its short form. */
  readonly text: string;
  readonly lasts: number;
  readonly target: PodTarget;
  /** How many processes burn CPU on the node of each pod. */
  readonly workers: number;
  /** An image with a POSIX shell as `sh`. */
  readonly image: string;
}

const mark = z.strictObject({
  kind: z.literal('cpu-stress'),
  run: z.string(),
  namespace: z.string(),
  pods: z.array(markedPod.extend({ stress: z.string() })),
});
type Mark = z.infer<typeof mark>;

/** Milliseconds until it is looked again whether deleted pods are gone, and for how long at most. */
const LOOK_AGAIN = 500;
const GONE_WITHIN = 60_000;

/** Processor time, in seconds, from which it is proven that a pod burns CPU. */
const PROOF = 1;

/** Burns CPU on the nodes of pods, by a pod of our own beside each. */
export function cpuStressFault(settings: CpuStress, world: FaultWorld): Fault {
  const { text, lasts, target, workers, image } = settings;
  const { client, drill, run } = world;
  const { namespace } = target;

  async function aim(signal: AbortSignal): Promise<Aim> {
    const { pods, candidates } = await choosePods(world, target, { node: true }, signal);
    const marked = pods.map((pod) => ({ ...markPod(pod), stress: stressName(run, pod.metadata.uid ?? '') }));
    return {
      pods: pods.map(hitPod),
      candidates: candidates.length,
      writes: marked.map(({ stress, node }) => `create Pod ${namespace}/${stress} on Node ${node}`),
      warnings: [`Everything on these nodes has less CPU: ${[...new Set(marked.map(({ node }) => node))].join(', ')}`],
      mark: { kind: 'cpu-stress', run, namespace, pods: marked },
    };
  }

  async function inject(given: Json, signal: AbortSignal): Promise<void> {
    const marked = readMark(given);
    const there = await confirmMarked(world, target, marked.pods, signal);
    await inParallel(there, async ({ uid, node }) => {
      const name = stressName(marked.run, uid);
      const metadata = {
        name,
        namespace,
        labels: ownLabels(drill),
        annotations: { [RUN_ANNOTATION]: marked.run },
      };
      try {
        await client.create(resources.pod, stressPod(metadata, { node, workers, image, lasts }), signal);
      } catch (error) {
        const found = await client.find({ type: resources.pod, namespace, name }, signal);
        if (!isSluiceError(error, 'conflict') || !found || !isOwn(found, drill)) throw error;
      }
    });
  }

  async function effect(given: Json, signal: AbortSignal): Promise<Effect> {
    const { pods } = readMark(given);
    const found = await inParallel(pods, ({ stress: name }) =>
      client.find({ type: resources.pod, namespace, name }, signal),
    );
    const own = found.flatMap((pod) => (pod && isOwn(pod, drill) ? [readPod(pod)] : []));
    const running = own.filter(({ status }) => status.phase === 'Running');
    if (running.length < pods.length) {
      const why = own.flatMap(whyNotRunning)[0];
      const reason = why === undefined ? '' : `: ${why}`;
      return { felt: 'not-felt', evidence: `${running.length} of ${pods.length} stress pods run${reason}` };
    }
    const burnt = await inParallel(running, ({ metadata: { name } }) => burntBy(name, signal));
    const known = burnt.filter((seconds) => seconds !== undefined);
    if (known.length < burnt.length)
      return {
        felt: 'unknown',
        evidence: `${running.length} stress pods run, and have not told yet what they have burnt`,
      };
    const least = Math.min(...known);
    const told = `${running.length} of ${pods.length} stress pods run, and each has burnt ${least.toFixed(1)} s of processor time or more`;
    return { felt: least >= PROOF ? 'felt' : 'unknown', evidence: told };
  }

  /** Seconds of processor time, from what the pod's own processes say. */
  async function burntBy(name: string, signal: AbortSignal): Promise<number | undefined> {
    try {
      const pod = { type: resources.pod, namespace, name };
      const lines = Math.max(20, workers * 4);
      return readBurnt(await client.log(pod, { container: CONTAINER, previous: false, lines }, signal));
    } catch (error) {
      signal.throwIfAborted();
      if (isSluiceError(error)) return undefined;
      throw error;
    }
  }

  return {
    kind: 'cpu-stress',
    text,
    lasts,
    endedBy: 'cluster',
    permissions: [
      permissionTo(['get', 'list', 'create', 'delete'], resources.pod, namespace),
      { apiGroup: '', resource: 'pods', subresource: 'log', verbs: ['get'], namespace },
    ],
    aim,
    inject,
    effect,
    remove: (given, signal) => removeCpuStress(world, given, signal),
  };
}

/**
 * Deletes the stress pods of a run, and waits until they are gone.
 *
 * @throws SluiceError `conflict` for a pod that this drill has not made, after all others are deleted; `not-confirmed` where one stays
 */
export async function removeCpuStress(world: FaultWorld, given: Json, signal: AbortSignal): Promise<void> {
  const { client, clock } = world;
  const { run, namespace, pods } = readMark(given);
  const look = async () => {
    const found = await inParallel(pods, ({ stress: name }) =>
      client.find({ type: resources.pod, namespace, name }, signal),
    );
    return found.flatMap((pod) => pod ?? []);
  };
  const isOurs = (pod: Awaited<ReturnType<typeof look>>[number]) =>
    isOwn(pod, world.drill) && pod.metadata.annotations?.[RUN_ANNOTATION] === run;
  const end = clock.now() + GONE_WITHIN;
  for (;;) {
    const found = await look();
    const own = found.filter(isOurs);
    const ending = own.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    await inParallel(
      own.filter((pod) => !ending.includes(pod)),
      ({ metadata: { name, uid } }) => client.remove({ type: resources.pod, namespace, name }, signal, uid),
    );
    const [other] = found.filter((pod) => !isOurs(pod));
    if (own.length === 0 && other)
      throw notOfDrill(`Pod ${namespace}/${other.metadata.name}`, 'was not made by this run');
    if (own.length === 0) return;
    if (clock.now() + LOOK_AGAIN > end)
      throw stuck(
        namespace,
        own.map(({ metadata: { name } }) => name),
      );
    await clock.sleep(LOOK_AGAIN, signal);
  }
}

function readMark(given: Json): Mark {
  return readPart(
    given,
    mark,
    'the mark of a cpu-stress in the record of the drill',
    'Find out who has written the record.',
  );
}

/** The same name for the same pod in each attempt of a run. */
function stressName(run: string, uid: string): string {
  return `sluice-stress-${createHash('sha256').update(`${run} ${uid}`).digest('hex').slice(0, 12)}`;
}

function whyNotRunning({ metadata, status }: FaultPod): string[] {
  if (status.phase === 'Running') return [];
  const waiting = status.containerStatuses.map(({ state }) => state.waiting ?? state.terminated).find((state) => state);
  const why = [status.reason, status.message, waiting?.reason, waiting?.message].filter((text) => text);
  return [excerpt(`${metadata.name} is ${status.phase} ${why.join(': ')}`.trimEnd(), 200)];
}

function stuck(namespace: string, names: readonly string[]): SluiceError {
  return new SluiceError('not-confirmed', {
    about: `Pod ${namespace}/${names[0]}`,
    problem: `${names.length} stress pods are deleted, and have not gone within 60s.`,
    next: `Look at their node; kubectl delete pod -n ${namespace} ${names.join(' ')} --grace-period=0 --force takes them off the record.`,
  });
}

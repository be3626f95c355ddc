import * as z from 'zod';
import { retryOnConflict } from '../../cluster/conflicts.ts';
import { type GitOpsSetting, refuseGitOps } from '../../cluster/gitops.ts';
import { relinquishFields } from '../../cluster/managed-fields.ts';
import { permissionsToNamed, permissionTo } from '../../cluster/permissions.ts';
import { readObject, readPart } from '../../cluster/read-object.ts';
import { describe, resources } from '../../cluster/resources.ts';
import { selectorText } from '../../cluster/selectors.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import { nearest } from '../../core/nearest.ts';
import { excerpt } from '../../core/text.ts';
import { podsInSlices } from '../../workloads/endpoints.ts';
import { autoscaler, isOperated } from '../../workloads/scaling.ts';
import { ownerOf, referenceTo, type Workload, type WorkloadKind, workload } from '../../workloads/workload.ts';
import type { Aim, Effect, Fault } from '../ports.ts';
import { changedBy, changerOf, isChangedBy, unchanged } from './annotations.ts';
import { hitPod, listPods, notOfDrill, refuseNamespace, whyNot } from './choose-pods.ts';
import type { FaultWorld } from './world.ts';

export interface ScaleToZero {
  /** The fault in its short form. */
  readonly text: string;
  readonly lasts: number;
  readonly namespace: string;
  readonly workload: { readonly kind: WorkloadKind; readonly name: string };
  /** Number of pods while the fault lasts. */
  readonly to: number;
  readonly gitops: GitOpsSetting;
}

/** The number of pods to go back to, on the workload itself: a mark that says another one is not believed. */
const REPLICAS_ANNOTATION = 'sluice.dev/replicas';

const mark = z.strictObject({
  kind: z.literal('scale-to-zero'),
  run: z.string(),
  namespace: z.string(),
  workload: z.strictObject({ kind: z.enum(['Deployment', 'StatefulSet']), name: z.string() }),
  from: z.int().positive(),
  to: z.int().nonnegative(),
});
type Mark = z.infer<typeof mark>;

const replicasField = {
  what: 'the number of pods',
  path: ['spec', 'replicas'],
  appliedWith: ['spec', 'replicas'],
  pointers: ['/spec/replicas'],
  jq: ['.spec.replicas'],
};

/** Scales a workload down, and back up to what it had. */
export function scaleToZeroFault(settings: ScaleToZero, world: FaultWorld): Fault {
  const { client } = world;
  const { text, lasts, namespace, to } = settings;
  const reference = referenceTo(settings.workload, namespace);
  const about = describe(reference);

  async function aim(signal: AbortSignal): Promise<Aim> {
    refuseNamespace(namespace);
    const object = await client.find(reference, signal);
    if (object === undefined) throw await missing(settings, world, signal);
    const found = readObject(object, workload);
    refuseWorkload(settings, found);
    const warnings = await readAutoscaler(settings, world, signal);
    const pods = (await podsOf(found, signal)).filter((pod) => whyNot(pod, {}) === undefined);
    const { replicas: from } = found.spec;
    const given: Mark = { kind: 'scale-to-zero', run: world.run, namespace, workload: settings.workload, from, to };
    return {
      pods: pods.map(hitPod),
      candidates: pods.length,
      writes: [`scale ${about} from ${from} to ${to}`],
      warnings: [
        ...warnings,
        ...(to === 0 ? [] : [`The workload's controller chooses which ${from - to} of the ${pods.length} pods go`]),
      ],
      mark: given,
    };
  }

  function podsOf({ spec }: Workload, signal: AbortSignal) {
    return listPods(world, { namespace, selector: selectorText(spec.selector) }, signal);
  }

  async function inject(given: Json, signal: AbortSignal): Promise<void> {
    const { from, ...marked } = readMark(given);
    if (marked.namespace !== namespace || marked.to !== to || marked.workload.name !== settings.workload.name)
      throw notOfDrill(
        `${marked.workload.kind} ${marked.namespace}/${excerpt(marked.workload.name, 80)}`,
        'is not what the fault scales',
      );
    await retryOnConflict(async () => {
      const object = await client.get(reference, signal);
      if (isChangedBy(object, { drill: world.drill, run: marked.run })) return;
      const { replicas } = readObject(object, workload).spec;
      if (replicas !== from || changerOf(object) !== undefined)
        throw changed(about, `has ${replicas} pods now, and had ${from}`);
      const annotations = { ...changedBy({ drill: world.drill, run: marked.run }), [REPLICAS_ANNOTATION]: `${from}` };
      const { resourceVersion } = object.metadata;
      await client.patchMerge(
        reference,
        { metadata: { resourceVersion, annotations }, spec: { replicas: to } },
        signal,
      );
    });
  }

  async function effect(given: Json, signal: AbortSignal): Promise<Effect> {
    const { from } = readMark(given);
    const found = readObject(await client.get(reference, signal), workload);
    if (found.spec.replicas !== to)
      return { felt: 'not-felt', evidence: `${about} is to have ${found.spec.replicas} pods` };
    if (found.status.observedGeneration < (found.metadata.generation ?? 0))
      return { felt: 'unknown', evidence: `the controller has not seen yet that ${about} is scaled down` };
    const slices = await client.list(resources.endpointSlice, namespace, {}, signal);
    const serving = podsInSlices(slices, await podsOf(found, signal)).length;
    const state = `${about} has ${found.status.replicas} pods, of ${from} before, and ${serving} get requests`;
    return { felt: found.status.replicas <= to && serving <= to ? 'felt' : 'not-felt', evidence: state };
  }

  return {
    kind: 'scale-to-zero',
    text,
    lasts,
    endedBy: 'sluice',
    permissions: [
      permissionTo(['list'], reference.type, namespace),
      ...permissionsToNamed(['get', 'patch'], reference),
      permissionTo(['list'], resources.horizontalPodAutoscaler, namespace),
      permissionTo(['list'], resources.pod, namespace),
      permissionTo(['list'], resources.endpointSlice, namespace),
    ],
    aim,
    inject,
    effect,
    remove: (given, signal) => removeScaleToZero(world, given, signal),
  };
}

/**
 * Scales the workload back, if it is still as this drill left it. The drill itself waits until the pods are available.
 *
 * @throws SluiceError `foreign-edit` where somebody else has scaled it meanwhile, whose number stays; `conflict` for a workload that
 *   this drill has not scaled
 */
export async function removeScaleToZero(
  { client, drill }: FaultWorld,
  given: Json,
  signal: AbortSignal,
): Promise<void> {
  const { run, namespace, from, to, ...marked } = readMark(given);
  const reference = referenceTo(marked.workload, namespace);
  const about = describe({ ...reference, name: excerpt(reference.name, 80) });
  let others: number | undefined;
  const isRemoved = await retryOnConflict(async () => {
    const object = await client.find(reference, signal);
    if (object === undefined) return false;
    const { replicas } = readObject(object, workload).spec;
    if (!isChangedBy(object, { drill, run })) {
      // Removed already, or never injected.
      if (replicas > to && changerOf(object) === undefined) return false;
      throw notOfDrill(about, `has ${replicas} pods and was not scaled by this run`);
    }
    if (object.metadata.annotations?.[REPLICAS_ANNOTATION] !== `${from}`)
      throw notOfDrill(about, `had not ${from} pods before`);
    others = replicas === to ? undefined : replicas;
    const annotations = { ...unchanged, [REPLICAS_ANNOTATION]: null };
    const { resourceVersion } = object.metadata;
    const spec = others === undefined ? { spec: { replicas: from } } : {};
    await client.patchMerge(reference, { metadata: { resourceVersion, annotations }, ...spec }, signal);
    return true;
  });
  if (isRemoved) await relinquishFields(client, reference, signal);
  if (others === undefined) return;
  throw new SluiceError('foreign-edit', {
    about,
    problem: `was scaled to ${others} by somebody else during the drill, which had scaled it from ${from} to ${to}: it stays as it is.`,
    next: `If that is not meant: kubectl scale ${reference.type.kind.toLowerCase()}/${excerpt(reference.name, 80)} -n ${excerpt(namespace, 80)} --replicas=${from}`,
  });
}

function readMark(given: Json): Mark {
  return readPart(
    given,
    mark,
    'the mark of a scale-to-zero in the record of the drill',
    'Find out who has written the record.',
  );
}

function changed(about: string, problem: string): SluiceError {
  return new SluiceError('foreign-edit', {
    about,
    problem: `${problem}: nothing is scaled.`,
    next: 'Run the drill again.',
  });
}

function refuseWorkload({ namespace, to, gitops, ...settings }: ScaleToZero, found: Workload): void {
  const reference = referenceTo(settings.workload, namespace);
  const refuse = (problem: string, next: string) => {
    throw new SluiceError('unsupported', { about: describe(reference), problem, next });
  };
  const owner = ownerOf(found);
  if (owner !== undefined)
    refuse(
      `belongs to ${owner}, whose controller sets back what others change.`,
      'Kill its pods, or drain their node.',
    );
  const changer = changerOf(found);
  if (changer !== undefined)
    refuse(
      `is still scaled down by ${changer}.`,
      'Let that drill end, or run it again: it puts back what it has left.',
    );
  if (found.spec.replicas <= to)
    refuse(
      `has ${found.spec.replicas} pods, and is to be scaled down to ${to}.`,
      'Scale it up first, or hit another one.',
    );
  if (gitops !== 'ignore-rule-present') refuseGitOps(found, reference, replicasField);
}

/** What an autoscaler does meanwhile. */
async function readAutoscaler(settings: ScaleToZero, { client }: FaultWorld, signal: AbortSignal): Promise<string[]> {
  const { namespace, to } = settings;
  const all = await client.list(resources.horizontalPodAutoscaler, namespace, {}, signal);
  const own = all
    .map((object) => readObject(object, autoscaler))
    .find(
      ({
        spec: {
          scaleTargetRef: { kind, name },
        },
      }) => kind === settings.workload.kind && name === settings.workload.name,
    );
  if (own === undefined) return [];
  const about = `HorizontalPodAutoscaler ${namespace}/${own.metadata.name}`;
  const refuse = (problem: string, next: string) => {
    throw new SluiceError('unsupported', { about, problem, next });
  };
  if (isOperated(own))
    refuse(
      'has an operator that scales up from zero pods by itself.',
      'Pause it for the drill, or kill the pods instead.',
    );
  if (to > 0)
    refuse(
      `would scale the workload up again from ${to} pods.`,
      'Scale to zero, which disables it, or kill the pods instead.',
    );
  return [`${about} is disabled while its workload has no pods, and goes on once it is scaled back`];
}

async function missing({ namespace, ...settings }: ScaleToZero, { client }: FaultWorld, signal: AbortSignal) {
  const reference = referenceTo(settings.workload, namespace);
  const others = (await client.list(reference.type, namespace, {}, signal)).map(({ metadata }) => metadata.name);
  const similar = nearest(reference.name, others);
  const shown = others.slice(0, 10).join(', ') + (others.length > 10 ? ', …' : '');
  return new SluiceError('not-found', {
    about: describe(reference),
    problem: 'does not exist.',
    next:
      similar !== undefined
        ? `Perhaps ${similar} is meant.`
        : `Those of namespace ${namespace} are: ${shown || 'none'}.`,
  });
}

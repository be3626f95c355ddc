import type { KubernetesClient } from '../../../cluster/client.ts';
import { permissionTo } from '../../../cluster/permissions.ts';
import { describe, type ObjectReference, type ResourceType, resources } from '../../../cluster/resources.ts';
import type { AnyManifest } from '../../../cluster/schema.ts';
import { SluiceError } from '../../../core/errors.ts';
import { asJson, type Json } from '../../../core/json.ts';
import type { Permission } from '../../../core/permission.ts';
import type { Aim, Effect, Fault, HitPod } from '../../ports.ts';
import { createFault, findFault, ownMarks } from '../own-fault.ts';
import { childrenOf, familyOf } from './children.ts';
import { effectOf, failureInEvents, statusOf } from './effect.ts';
import { CHAOS_MESH, type PodRules } from './kinds/chaos-kind.ts';
import { chaosKinds, schedules, typeOf, workflowNodes } from './kinds/index.ts';
import { type ChaosMark, freshName, type MarkedPod, readMark, referenceOf } from './mark.ts';
import { rulesOf } from './pod-rules.ts';
import { removeChaosMesh } from './remove.ts';
import type { ChaosWorld } from './target.ts';

/** What a fault would hit, and how it is written then. */
export interface Shot {
  /** The pods that have to be hit; or, where Chaos Mesh chooses, all that it may choose from. */
  readonly pods: readonly HitPod[];
  /** The pods of the other side, where they are changed as well. */
  readonly targets: readonly HitPod[];
  readonly candidates: number;
  readonly warnings: readonly string[];
  readonly spec: { readonly [field: string]: Json };
}

/** A fault of Chaos Mesh, from a short form or a manifest. */
export interface ChaosPlan {
  /** `network-delay`, `chaos-mesh`. */
  readonly kind: string;
  readonly text: string;
  readonly lasts: number;
  readonly endedBy: 'cluster' | 'sluice';
  readonly type: ResourceType;
  readonly namespace: string;
  /** The beginning of its name. */
  readonly base: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Where its pods are. */
  readonly namespaces: readonly string[];
  /** Kinds of the faults that it makes; empty for a single one, whose pods are chosen before. */
  readonly makes: readonly string[];
  readonly rules: PodRules | undefined;
  readonly permissions: readonly Permission[];
  shoot(signal: AbortSignal): Promise<Shot>;
}

export function createChaosFault(plan: ChaosPlan, world: ChaosWorld): Fault {
  const { client } = world;
  const owner = { drill: world.drill, run: world.run };

  function manifestOf(mark: ChaosMark): AnyManifest {
    const { kind, namespace, name, spec } = mark;
    return {
      apiVersion: CHAOS_MESH,
      kind,
      metadata: { name, namespace, ...ownMarks(owner, mark.labels, mark.annotations) },
      spec,
    };
  }

  async function mark(shot: Shot, signal: AbortSignal): Promise<ChaosMark> {
    const isChosen = plan.makes.length === 0;
    return {
      schema: 1,
      tool: 'chaos-mesh',
      run: world.run,
      kind: plan.type.kind,
      namespace: plan.namespace,
      name: freshName(plan.base, Math.random),
      labels: plan.labels,
      annotations: plan.annotations,
      spec: shot.spec,
      pods: isChosen ? await marked(client, plan.rules, shot.pods, signal) : [],
      targets: await marked(client, plan.rules, shot.targets, signal),
    };
  }

  return {
    kind: plan.kind,
    text: plan.text,
    lasts: plan.lasts,
    endedBy: plan.endedBy,
    permissions: permissionsOf(plan),
    async aim(signal): Promise<Aim> {
      await requireKind(client, plan.type, signal);
      const shot = await plan.shoot(signal);
      const read = await mark(shot, signal);
      const reference = referenceOf(read);
      await tryOut(client, reference, manifestOf(read), signal);
      const pods = [...new Map([...shot.pods, ...shot.targets].map((pod) => [pod.uid, pod])).values()];
      return {
        pods: pods.toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1)),
        candidates: shot.candidates,
        writes: [`create ${describe(reference)}`],
        warnings: shot.warnings,
        mark: asJson(read),
      };
    },
    async inject(value, signal) {
      const read = readMark(value);
      const reference = referenceOf(read);
      if (read.run !== world.run || reference.type.kind !== plan.type.kind || read.namespace !== plan.namespace) {
        throw otherFault(reference);
      }
      await createFault(client, { reference, manifest: manifestOf(read), owner }, signal);
    },
    effect: (value, signal) => effectNow(world, readMark(value), plan.makes, signal),
    remove: (value, signal) => removeChaosMesh(world, value, signal),
  };
}

async function effectNow(
  { client, drill }: ChaosWorld,
  mark: ChaosMark,
  makes: readonly string[],
  signal: AbortSignal,
): Promise<Effect> {
  const reference = referenceOf(mark);
  const found = await findFault(client, reference, { drill, run: mark.run }, signal);
  if (!found) return { felt: 'unknown', evidence: `${describe(reference)} is not there` };
  if (makes.length > 0) {
    const children = await childrenOf(client, await familyOf(client, found, signal), makes, signal);
    const effects = children.map(({ object }) => effectOf(object, undefined));
    const best = ['felt', 'not-felt', 'unknown'].flatMap(
      (felt) => effects.find((effect) => effect.felt === felt) ?? [],
    );
    const what =
      mark.kind === schedules.kind ? 'its schedule has not begun a fault yet' : 'no step with a fault runs now';
    return best[0] ?? { felt: 'unknown', evidence: what };
  }
  const pods = mark.pods.map(({ namespace, name }) => `${namespace}/${name}`);
  const effect = effectOf(found, pods);
  const isSelected = statusOf(found)?.isTrue('Selected') ?? false;
  if (effect.felt !== 'unknown' || isSelected) return effect;
  return (await failureInEvents(client, reference, found.metadata.uid, signal)) ?? effect;
}

/** The pods, and whether Chaos Mesh has rules for them already. */
function marked(
  client: Pick<KubernetesClient, 'find'>,
  rules: PodRules | undefined,
  pods: readonly HitPod[],
  signal: AbortSignal,
): Promise<MarkedPod[]> {
  return Promise.all(
    pods.map(async ({ namespace, name, uid }) => ({
      namespace,
      name,
      uid,
      hadRules: rules !== undefined && (await client.find(rulesOf(rules, { namespace, name }), signal)) !== undefined,
    })),
  );
}

async function requireKind(
  client: Pick<KubernetesClient, 'kindsIn'>,
  { kind }: ResourceType,
  signal: AbortSignal,
): Promise<void> {
  const served = await client.kindsIn(CHAOS_MESH, signal);
  if (served.some(({ type }) => type.kind === kind)) return;
  throw new SluiceError('unsupported', {
    about: `${kind} of ${CHAOS_MESH}`,
    problem:
      served.length === 0 ? 'Chaos Mesh is not installed in this cluster.' : 'this Chaos Mesh does not have the kind.',
    next: 'Install Chaos Mesh (https://chaos-mesh.org/docs/production-installation-using-helm/), or use a fault of another kind.',
  });
}

/** Lets the API server and the webhooks of Chaos Mesh check the fault, which writes nothing. */
async function tryOut(
  client: Pick<KubernetesClient, 'apply'>,
  reference: ObjectReference,
  manifest: AnyManifest,
  signal: AbortSignal,
): Promise<void> {
  await client.apply(reference.type, manifest, signal, { dryRun: true, strict: true });
}

function permissionsOf(plan: ChaosPlan): Permission[] {
  const { type, namespace, namespaces, makes, rules } = plan;
  const kinds = chaosKinds.filter(({ kind }) => makes.includes(kind));
  return [
    permissionTo(['get', 'create', 'patch', 'delete'], type, namespace),
    { ...permissionTo(['list'], resources.event, namespace), optional: true },
    ...namespaces.flatMap((place) => [
      permissionTo(['list'], resources.pod, place),
      // Chaos Mesh asks whether whoever makes a fault may do so where its pods are.
      permissionTo(['create'], type, place),
      ...[rules, ...kinds.map((kind) => kind.rules)].flatMap((one) =>
        one === undefined ? [] : [permissionTo(['get', 'patch', 'delete'], typeOf(one), place)],
      ),
    ]),
    ...kinds.map((kind) => permissionTo(['get', 'list', 'patch', 'delete'], typeOf(kind), namespace)),
    ...(makes.length > 0 && type.kind !== schedules.kind ? [permissionTo(['list'], workflowNodes, namespace)] : []),
    ...plan.permissions,
  ];
}

function otherFault(reference: ObjectReference): SluiceError {
  return new SluiceError('conflict', {
    about: describe(reference),
    problem: 'is not the fault that this drill has aimed, though its record names it: nothing is created.',
    next: 'Find out who has changed the record.',
  });
}

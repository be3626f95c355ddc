import { permissionTo } from '../../../cluster/permissions.ts';
import { formatDuration } from '../../../core/duration.ts';
import { SluiceError } from '../../../core/errors.ts';
import type { Json } from '../../../core/json.ts';
import type { Permission } from '../../../core/permission.ts';
import { excerpt } from '../../../core/text.ts';
import type { Fault, HitPod } from '../../ports.ts';
import { type Bounds, boundedDuration, forbidden, namespacesOf } from './bounds.ts';
import { createChaosFault, type Shot } from './fault.ts';
import type { ChaosSpec } from './kinds/chaos-kind.ts';
import { typeOf } from './kinds/index.ts';
import type { Selection } from './kinds/selection.ts';
import type { WrittenFault, WrittenMaker } from './manifests.ts';
import { type Candidate, candidatesOf, chosenOf, nodes } from './pods.ts';
import { readShortForm, type WrittenForm } from './short-forms.ts';
import type { ChaosWorld, PodTarget } from './target.ts';

/** A short form with its pods and its duration. */
export interface ShortFault {
  readonly written: WrittenForm;
  /** The whole short form, for the log. */
  readonly text: string;
  readonly target: PodTarget;
  /** Milliseconds; undefined where it was not said. */
  readonly lasts: number | undefined;
}

/**
 * A fault of Chaos Mesh from its short form.
 *
 * @throws SluiceError `invalid-input` for a form that can't be, which names what is allowed
 */
export function shortChaosFault(short: ShortFault, bounds: Bounds, world: ChaosWorld): Fault {
  const { chaos, spec, opposite } = readShortForm(short.written);
  const { namespace } = short.target;
  const bounded = boundedDuration({ duration: short.lasts, isOneShot: spec.isOneShot }, bounds, {
    field: 'its duration',
    how: 'Write "for 60s", or give the drill a "max-duration"',
  });
  const problem = forbidden(namespace, bounds) ?? ('problem' in bounded ? bounded.problem : undefined);
  if (problem !== undefined || 'problem' in bounded) throw refused(short.text, problem ?? '');
  const type = typeOf(chaos);
  return createChaosFault(
    {
      kind: short.written.kind,
      text: short.text,
      lasts: bounded.lasts,
      endedBy: 'cluster',
      type,
      namespace,
      base: `sluice-${short.written.kind}`,
      labels: {},
      annotations: {},
      namespaces: [namespace],
      makes: [],
      rules: chaos.rules,
      permissions: [],
      async shoot(signal): Promise<Shot> {
        const { pods, candidates } = await world.choose(short.target, signal);
        const all: PodTarget = { namespace, selector: opposite ?? '', mode: { kind: 'all' } };
        const others = opposite === undefined ? [] : (await world.choose(all, signal)).pods;
        return {
          pods,
          targets: spec.target?.isHit ? others : [],
          candidates,
          warnings: spec.warnings,
          spec: pinned(spec, pods, opposite === undefined ? undefined : others, bounded.lasts),
        };
      },
    },
    world,
  );
}

/** A single fault of a manifest: its pods are chosen here as Chaos Mesh would, so that they are known before. */
export function manifestChaosFault(fault: WrittenFault, world: ChaosWorld): Fault {
  const { chaos, spec, lasts } = fault;
  const sides = [spec.selection, ...(spec.target ? [spec.target] : [])];
  return createChaosFault(
    {
      ...planOf(fault, sides),
      type: typeOf(chaos),
      endedBy: 'cluster',
      makes: [],
      rules: chaos.rules,
      async shoot(signal): Promise<Shot> {
        const candidates = await requirePods(world, { fault, selection: spec.selection }, signal);
        const pods = chosenOf(candidates, spec.selection, world.random);
        const { target } = spec;
        const others =
          target && chosenOf(await requirePods(world, { fault, selection: target }, signal), target, world.random);
        if (chaos.kind === 'NetworkChaos')
          refuseHostNetwork(fault, [...pods, ...(target?.isHit ? (others ?? []) : [])]);
        const given = spec.duration === undefined && lasts > 0;
        return {
          pods: pods.map(hit),
          targets: target?.isHit ? (others ?? []).map(hit) : [],
          candidates: candidates.length,
          warnings: [
            ...(given
              ? [`The manifest has no duration, so it gets the limit of the drill, ${formatDuration(lasts)}.`]
              : []),
            ...spec.warnings,
          ],
          spec: pinned(spec, pods, others, lasts),
        };
      },
    },
    world,
  );
}

/** A Schedule or a Workflow. Chaos Mesh chooses the pods, so all that it may choose from count as hit. */
export function makerChaosFault(written: WrittenMaker, world: ChaosWorld): Fault {
  const { maker, type, namespace } = written;
  const sides = maker.faults.flatMap(({ spec }) => [spec.selection, ...(spec.target?.isHit ? [spec.target] : [])]);
  const all = maker.faults.flatMap(({ spec }) => [spec.selection, ...(spec.target ? [spec.target] : [])]);
  return createChaosFault(
    {
      ...planOf(written, all),
      type,
      endedBy: type.kind === 'Schedule' ? 'sluice' : 'cluster',
      makes: [...new Set(maker.faults.map(({ chaos }) => chaos.kind))],
      rules: undefined,
      async shoot(signal): Promise<Shot> {
        const lists = await Promise.all(sides.map((side) => candidatesOf(world.client, side, namespace, signal)));
        const pods = [...new Map(lists.flat().map((pod) => [pod.uid, hit(pod)])).values()];
        if (pods.length === 0) throw noPods(written);
        return { pods, targets: [], candidates: pods.length, warnings: maker.warnings, spec: maker.spec };
      },
    },
    world,
  );
}

function planOf(written: WrittenFault | WrittenMaker, sides: readonly Selection[]) {
  const { kind, namespace, name, labels, annotations, lasts, source } = written;
  return {
    kind: 'manifest',
    text: `${kind} ${name} of ${source}`,
    lasts,
    namespace,
    base: name,
    labels,
    annotations,
    namespaces: [...new Set(sides.flatMap((side) => namespacesOf(side, namespace)))],
    permissions: nodePermissions(sides),
  };
}

/** The `spec` that hits exactly these pods. */
function pinned(
  spec: ChaosSpec,
  pods: readonly HitPod[],
  others: readonly HitPod[] | undefined,
  lasts: number,
): { readonly [field: string]: Json } {
  return {
    ...spec.parameters,
    ...exactly(pods),
    ...(others !== undefined && { target: exactly(others) }),
    ...(lasts > 0 && { duration: formatDuration(Math.round(lasts)) }),
  };
}

function exactly(pods: readonly HitPod[]) {
  const byNamespace = Map.groupBy(pods, ({ namespace }) => namespace);
  const names = [...byNamespace].map(([namespace, all]) => [namespace, all.map(({ name }) => name)] as const);
  return { mode: 'all', selector: { namespaces: [...byNamespace.keys()], pods: Object.fromEntries(names) } };
}

function hit({ namespace, name, uid, node }: Candidate): HitPod {
  return { namespace, name, uid, node };
}

interface Side {
  readonly fault: WrittenFault;
  readonly selection: Selection;
}

async function requirePods(world: ChaosWorld, { fault, selection }: Side, signal: AbortSignal): Promise<Candidate[]> {
  const found = await candidatesOf(world.client, selection, fault.namespace, signal);
  if (found.length === 0) throw noPods(fault);
  return found;
}

function nodePermissions(sides: readonly Selection[]): Permission[] {
  const needed = sides.some(({ selector }) => selector.nodeSelectors !== undefined);
  return needed ? [permissionTo(['list'], nodes, '')] : [];
}

function noPods({ kind, name, source }: WrittenFault | WrittenMaker): SluiceError {
  return new SluiceError('not-found', {
    about: `${kind} ${excerpt(name, 80)} of ${excerpt(source, 200)}`,
    problem: 'selects no pod that runs now.',
    next: 'Compare its "selector" with the labels of the pods: kubectl get pods --show-labels. Labels of nodes belong into "nodeSelectors".',
  });
}

function refuseHostNetwork({ kind, name, source }: WrittenFault, pods: readonly Candidate[]): void {
  const found = pods.find(({ isOnHostNetwork }) => isOnHostNetwork);
  if (!found) return;
  throw new SluiceError('unsupported', {
    about: `${kind} ${excerpt(name, 80)} of ${excerpt(source, 200)}`,
    problem: `selects pod ${found.namespace}/${found.name}, which has the network of its node: the fault would hit the whole node.`,
    next: 'Select pods without "hostNetwork".',
  });
}

function refused(text: string, problem: string): SluiceError {
  return new SluiceError('invalid-input', {
    about: `fault "${excerpt(text, 200)}"`,
    problem: `${problem}.`,
    next: 'Correct it and run again. Nothing was injected.',
  });
}

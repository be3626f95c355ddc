import * as z from 'zod';
import type { KubernetesClient } from '../../cluster/client.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import { describe, type ObjectReference, type ResourceType, resources } from '../../cluster/resources.ts';
import type { AnyManifest, KubernetesObject } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';
import { asJson, type Json, tryShape } from '../../core/json.ts';
import { excerpt, trimEndOf } from '../../core/text.ts';
import type { Aim, Effect, Fault, HitPod } from '../ports.ts';
import { type EngineSpec, LITMUS } from './litmus-engine.ts';
import { createFault, endObject, findFault, ownMarks } from './own-fault.ts';
import type { FaultWorld } from './world.ts';

const engines: ResourceType = { apiVersion: LITMUS, kind: 'ChaosEngine', plural: 'chaosengines' };
const results: ResourceType = { apiVersion: LITMUS, kind: 'ChaosResult', plural: 'chaosresults' };
const FINALIZER = 'chaosengine.litmuschaos.io/finalizer';
/** Milliseconds that Litmus has to stop its experiments and to clean up. */
const PATIENCE = 60_000;

/** A ChaosEngine, from a manifest. */
export interface WrittenLitmus {
  readonly source: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly engine: EngineSpec;
}

const texts = z.record(z.string(), z.string());
const mark = z.strictObject({
  schema: z.literal(1),
  tool: z.literal('litmus'),
  run: z.string().min(1),
  namespace: z.string().min(1),
  name: z.string().regex(/-[0-9a-f]{8}$/),
  labels: texts,
  annotations: texts,
  spec: z.record(z.string(), z.json()),
});
type LitmusMark = z.infer<typeof mark>;

export interface LitmusWorld extends FaultWorld {
  /** The pods that a label selector matches in a namespace, without those that end or have ended. */
  pods(namespace: string, selector: string, signal: AbortSignal): Promise<readonly HitPod[]>;
  /** Is told what had to be ended by force. */
  readonly tell?: (message: string) => void;
}

/** Hands a ChaosEngine through to Litmus. It chooses the pods, so all that it may choose from count as hit. */
export function litmusFault(written: WrittenLitmus, world: LitmusWorld): Fault {
  const { engine, namespace, source, name } = written;
  const { client } = world;
  const owner = { drill: world.drill, run: world.run };
  const manifestOf = (read: LitmusMark): AnyManifest => ({
    apiVersion: LITMUS,
    kind: engines.kind,
    metadata: { name: read.name, namespace: read.namespace, ...ownMarks(owner, read.labels, read.annotations) },
    spec: read.spec,
  });

  return {
    kind: 'manifest',
    text: `ChaosEngine ${name} of ${source}`,
    lasts: engine.lasts,
    endedBy: 'cluster',
    permissions: [
      permissionTo(['get', 'create', 'patch', 'delete'], engines, namespace),
      permissionTo(['list', 'delete'], results, namespace),
      permissionTo(['list'], resources.pod, engine.target.namespace),
    ],
    async aim(signal): Promise<Aim> {
      await requireLitmus(client, signal);
      const pods = await world.pods(engine.target.namespace, engine.target.selector, signal);
      if (pods.length === 0) throw noPods(written);
      const read: LitmusMark = {
        schema: 1,
        tool: 'litmus',
        run: world.run,
        namespace,
        name: freshName(name, Math.random),
        labels: written.labels,
        annotations: written.annotations,
        spec: asRecord(engine.spec),
      };
      const reference = referenceOf(read);
      await client.apply(engines, manifestOf(read), signal, { dryRun: true, strict: true });
      return {
        pods,
        candidates: pods.length,
        writes: [`create ${describe(reference)}`],
        warnings: [`Litmus chooses the pods of ${engine.experiments.join(', ')}, and runs pods of its own for that.`],
        mark: asJson(read),
      };
    },
    async inject(value, signal) {
      const read = readMark(value);
      if (read.run !== world.run || read.namespace !== namespace) throw wrongMark();
      await createFault(client, { reference: referenceOf(read), manifest: manifestOf(read), owner }, signal);
    },
    async effect(value, signal) {
      const read = readMark(value);
      const reference = referenceOf(read);
      const found = await findFault(client, reference, { drill: world.drill, run: read.run }, signal);
      if (!found) return { felt: 'unknown', evidence: `${describe(reference)} is not there` };
      return effectOfResults(await resultsOf(client, found, signal));
    },
    remove: (value, signal) => removeLitmus(world, value, signal),
  };
}

type RemovalWorld = Pick<FaultWorld, 'client' | 'clock' | 'drill'> & Pick<LitmusWorld, 'tell'>;

/**
 * Stops a ChaosEngine, deletes it with its results, and waits until it is gone. Works by the mark alone. Can be repeated.
 *
 * @throws SluiceError `conflict` for an object that is not of this drill; `failed` for pods that may still have the fault
 */
export async function removeLitmus(world: RemovalWorld, value: Json, signal: AbortSignal): Promise<void> {
  const { client, clock, drill, tell } = world;
  const read = readMark(value);
  const reference = referenceOf(read);
  const found = await findFault(client, reference, { drill, run: read.run }, signal);
  if (!found) return;
  await client.patchMerge(reference, { spec: { engineState: 'stop' } }, signal);
  const ending = { client, clock, finalizer: FINALIZER, patience: () => PATIENCE };
  const released = await endObject(ending, reference, found.metadata.uid, signal);
  if (released) tell?.(`${describe(reference)} did not end by itself: its finalizer ${FINALIZER} was taken away.`);
  const left = await resultsOf(client, found, signal);
  const doubts = left.flatMap(({ history }) => targetsIn(history, ['injected']));
  for (const { object } of left) {
    await client.remove(
      { type: results, namespace: read.namespace, name: object.metadata.name },
      signal,
      object.metadata.uid,
    );
  }
  if (doubts.length > 0) throw notReverted(reference, doubts);
}

const target = z.looseObject({ name: z.string(), chaosStatus: z.string().default('') });
const history = z.looseObject({ targets: z.array(target).nullish() });
const experimentStatus = z.looseObject({
  verdict: z.string().default(''),
  errorOutput: z.looseObject({ reason: z.string().default('') }).nullish(),
});
const result = z.looseObject({
  spec: z.looseObject({ experiment: z.string().default('') }).nullish(),
  status: z.looseObject({ experimentStatus: experimentStatus.nullish(), history: history.nullish() }).nullish(),
});

interface Result {
  readonly object: KubernetesObject;
  readonly experiment: string;
  readonly verdict: string;
  readonly reason: string;
  readonly history: z.infer<typeof history> | null | undefined;
}

/** The results of an engine, as long as its identity is known. */
async function resultsOf(
  client: Pick<KubernetesClient, 'list'>,
  { metadata: { namespace, uid = '' } }: KubernetesObject,
  signal: AbortSignal,
): Promise<Result[]> {
  const found = await client.list(results, namespace, { labelSelector: `chaosUID=${uid}` }, signal);
  return found.flatMap((object) => {
    const read = tryShape(result, object);
    if (!read) return [];
    const { verdict = '', errorOutput } = read.status?.experimentStatus ?? {};
    return {
      object,
      experiment: excerpt(read.spec?.experiment ?? '', 60),
      verdict: verdict.trim(),
      reason: excerpt(errorOutput?.reason ?? '', 200),
      history: read.status?.history,
    };
  });
}

function targetsIn(of: Result['history'], states: readonly string[]): string[] {
  const targets = (of?.targets ?? []).filter(({ chaosStatus }) => states.includes(chaosStatus));
  return targets.map(({ name }) => `pod ${excerpt(name, 80)}`);
}

function effectOfResults(all: readonly Result[]): Effect {
  for (const { experiment, history, verdict } of all) {
    // A pod that is only deleted stays `targeted`, also when the experiment has passed.
    const states = verdict === 'Pass' ? ['injected', 'reverted', 'targeted'] : ['injected', 'reverted'];
    const hit = targetsIn(history, states);
    if (hit.length > 0) return { felt: 'felt', evidence: `${experiment} has hit ${hit.slice(0, 3).join(', ')}` };
  }
  const failed = all.find(({ verdict }) => verdict === 'Error');
  if (failed) {
    return { felt: 'not-felt', evidence: `${failed.experiment} ended with an error: ${failed.reason || 'no reason'}` };
  }
  const [first] = all;
  if (!first) return { felt: 'unknown', evidence: 'Litmus has no result yet' };
  return {
    felt: 'unknown',
    evidence: `the verdict of ${first.experiment} is ${excerpt(first.verdict || 'empty', 30)}, and it names no pod that was hit`,
  };
}

function referenceOf({ namespace, name }: LitmusMark): ObjectReference {
  return { type: engines, namespace, name };
}

function readMark(value: Json): LitmusMark {
  const read = mark.safeParse(value);
  if (read.success) return read.data;
  throw wrongMark();
}

function freshName(base: string, random: () => number): string {
  const digits = Array.from({ length: 8 }, () => Math.min(15, Math.floor(random() * 16)).toString(16)).join('');
  return `${trimEndOf(base.slice(0, 30), '-.')}-${digits}`;
}

const record = z.record(z.string(), z.json());
function asRecord(spec: EngineSpec['spec']) {
  return record.parse(spec);
}

async function requireLitmus(client: Pick<KubernetesClient, 'kindsIn'>, signal: AbortSignal): Promise<void> {
  const served = await client.kindsIn(LITMUS, signal);
  if (served.some(({ type }) => type.kind === engines.kind)) return;
  throw new SluiceError('unsupported', {
    about: `ChaosEngine of ${LITMUS}`,
    problem: 'Litmus is not installed in this cluster.',
    next: 'Install it (https://docs.litmuschaos.io), or use a fault of another kind.',
  });
}

function wrongMark(): SluiceError {
  return new SluiceError('unsupported', {
    about: 'the record of a fault of Litmus',
    problem: 'does not have the form that Sluice writes, so nothing that it names is touched.',
    next: 'Find out who has changed it. Look for faults that are left with kubectl get chaosengines -A -l app.kubernetes.io/managed-by=sluice.',
  });
}

function noPods({ name, source, engine }: WrittenLitmus): SluiceError {
  return new SluiceError('not-found', {
    about: `ChaosEngine ${excerpt(name, 80)} of ${excerpt(source, 200)}`,
    problem: `no pod in namespace ${engine.target.namespace} has ${excerpt(engine.target.selector, 200)}.`,
    next: 'Compare "appinfo" with the labels of the pods: kubectl get pods --show-labels.',
  });
}

function notReverted(reference: ObjectReference, pods: readonly string[]): SluiceError {
  return new SluiceError('failed', {
    about: describe(reference),
    problem: `was deleted, but Litmus does not say that these are free of it: ${pods.slice(0, 10).join(', ')}.`,
    next: 'Delete them if they do not behave as before: new ones are free of it.',
  });
}

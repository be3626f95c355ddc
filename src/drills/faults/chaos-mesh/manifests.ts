import * as z from 'zod';
import { readManifests, type WrittenObject } from '../../../apply/objects.ts';
import type { ResourceType } from '../../../cluster/resources.ts';
import { SluiceError } from '../../../core/errors.ts';
import { excerpt } from '../../../core/text.ts';
import { type EngineSpec, LITMUS, readEngine } from '../litmus-engine.ts';
import { type Bounds, boundedDuration, forbidden, inManifest, isOfKubernetes, placeProblems } from './bounds.ts';
import { CHAOS_MESH, type ChaosKind, type ChaosSpec } from './kinds/chaos-kind.ts';
import { objectName, quoted } from './kinds/fields.ts';
import { chaosKind, schedules, takenKinds, workflows } from './kinds/index.ts';
import { type FaultMaker, readSchedule } from './schedule.ts';
import { readWorkflow } from './workflow.ts';

interface Written {
  /** `chaos.yaml, document 2` */
  readonly source: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly lasts: number;
}

/** A single fault of Chaos Mesh. */
export interface WrittenFault extends Written {
  readonly tool: 'chaos-mesh';
  readonly chaos: ChaosKind;
  readonly spec: ChaosSpec;
}

/** A Schedule or a Workflow. */
export interface WrittenMaker extends Written {
  readonly tool: 'chaos-mesh-maker';
  readonly type: ResourceType;
  readonly maker: FaultMaker;
}

interface WrittenEngine extends Written {
  readonly tool: 'litmus';
  readonly engine: EngineSpec;
}

export type FaultManifest = WrittenFault | WrittenMaker | WrittenEngine;

export interface ManifestOptions extends Bounds {
  /** For errors: the name of the file. */
  readonly name: string;
}

/** Chaos Mesh injects nothing as long as it is `true`. */
const PAUSE = 'experiment.chaos-mesh.org/pause';
const ownAnnotation = /^(?:kubectl\.kubernetes\.io\/|meta\.helm\.sh\/|helm\.sh\/|sluice\.dev\/)/;

const metadata = z.looseObject({ name: z.string(), namespace: z.string().optional() });

/**
 * The faults in a text with manifests of Chaos Mesh and Litmus.
 *
 * @throws SluiceError `invalid-input`, one for everything that is wrong, with document, field and what is right
 */
export function readFaultManifests(text: string, options: ManifestOptions): FaultManifest[] {
  const { objects, problems } = readManifests([{ name: options.name, text }]);
  const faults: FaultManifest[] = [];
  for (const object of objects) {
    const read = readObject(object, options);
    if (Array.isArray(read)) problems.push(...read.map((problem) => `${placeOf(object)}: ${problem}.`));
    else faults.push(read);
  }
  if (problems.length > 0 && text.includes('{{')) {
    problems.push('The text has "{{": a template has to be rendered first, for example by helm template.');
  }
  if (problems.length === 0 && faults.length === 0) problems.push(`${options.name}: holds no fault.`);
  if (problems.length > 0) throw wrongFaults(options.name, problems);
  return faults;
}

function placeOf({ source, manifest }: WrittenObject): string {
  return `${source}: ${excerpt(manifest.kind, 60)} ${excerpt(manifest.metadata.name, 80)}`;
}

/** The fault, or what is wrong with it. */
function readObject({ manifest, source }: WrittenObject, options: ManifestOptions): FaultManifest | string[] {
  const { apiVersion, kind, spec } = manifest;
  const problems = [...kindProblems(apiVersion, kind), ...placeOfProblems(manifest.metadata)];
  const { annotations, labels, name, namespace = options.namespace } = manifest.metadata;
  const texts = annotations ?? {};
  if (texts[PAUSE] === 'true') {
    problems.push(`has the annotation ${PAUSE}: "true", so Chaos Mesh would not inject it; take it away`);
  }
  if (problems.length > 0) return problems;
  const kept = Object.entries(texts).filter(([key]) => !ownAnnotation.test(key) && key !== PAUSE);
  const written = { source, kind, namespace, name, labels: labels ?? {}, annotations: Object.fromEntries(kept) };
  if (apiVersion === LITMUS) {
    const { engine, problems } = readEngine(spec, options.maxDuration);
    const place = engine && forbidden(engine.target.namespace, options);
    if (!engine || place !== undefined)
      return [...problems, ...(place === undefined ? [] : [`spec.appinfo: ${place}`])];
    return { ...written, tool: 'litmus', engine, lasts: engine.lasts };
  }
  if (kind === schedules.kind || kind === workflows.kind) {
    const type = kind === schedules.kind ? schedules : workflows;
    const { maker, problems } = (type === schedules ? readSchedule : readWorkflow)(spec, namespace, options);
    return maker ? { ...written, tool: 'chaos-mesh-maker', type, maker, lasts: maker.lasts } : [...problems];
  }
  return readSingle(spec, written, options);
}

function readSingle(
  value: unknown,
  written: Omit<Written, 'lasts'>,
  options: ManifestOptions,
): FaultManifest | string[] {
  const chaos = chaosKind(written.kind);
  const { spec, problems } = chaos?.read(value, 'spec') ?? { problems: [] };
  if (!chaos || !spec) return [...problems];
  const bounded = boundedDuration(spec, options, inManifest('spec'));
  const wrong = placeProblems(spec, written.namespace, options, 'spec');
  if ('problem' in bounded) return [...wrong, bounded.problem];
  return wrong.length > 0 ? wrong : { ...written, tool: 'chaos-mesh', chaos, spec, lasts: bounded.lasts };
}

function kindProblems(apiVersion: string, kind: string): string[] {
  const list = `${takenKinds.join(', ')} of ${CHAOS_MESH} and ChaosEngine of ${LITMUS}`;
  if (apiVersion === LITMUS) {
    return kind === 'ChaosEngine'
      ? []
      : ['is no fault: of Litmus, a ChaosEngine is taken, and the rest has to be installed before'];
  }
  if (apiVersion.startsWith('pingcap.com/')) {
    return [`is of ${excerpt(apiVersion, 60)}, the group of the first releases: write "apiVersion: ${CHAOS_MESH}"`];
  }
  if (apiVersion !== CHAOS_MESH) return [`is of ${excerpt(apiVersion, 60)}, which is no fault. Faults are ${list}`];
  if (takenKinds.includes(kind)) return [];
  const meant = takenKinds.find((taken) => taken.toLowerCase() === kind.toLowerCase());
  return [
    meant
      ? `has a kind of before Chaos Mesh 2: write "kind: ${meant}"`
      : `is of a kind that a drill does not take. Faults are ${list}`,
  ];
}

function placeOfProblems(value: unknown): string[] {
  const read = metadata.safeParse(value);
  if (!read.success) return [];
  const { name, namespace } = read.data;
  const wrong = [
    ['metadata.name', name],
    ['metadata.namespace', namespace],
  ].flatMap(([field, text]) => {
    if (text === undefined || objectName.safeParse(text).success) return [];
    const why = text.includes('$') ? 'still has a variable of a shell in it' : 'is no name of Kubernetes';
    return [`${field} ${quoted(text)} ${why}`];
  });
  if (namespace !== undefined && isOfKubernetes(namespace)) {
    wrong.push(`metadata.namespace: namespace ${namespace} belongs to Kubernetes, and no fault is written there`);
  }
  return wrong;
}

const MOST_PROBLEMS = 20;

function wrongFaults(name: string, problems: readonly string[]): SluiceError {
  const rest = problems.length - MOST_PROBLEMS;
  const lines = rest > 0 ? [...problems.slice(0, MOST_PROBLEMS), `${rest} more`] : problems;
  return new SluiceError('invalid-input', {
    about: excerpt(name, 200),
    problem: `${problems.length === 1 ? 'one thing' : `${problems.length} things`} can't be right:\n${lines.map((line) => `- ${line}`).join('\n')}\n`,
    next: 'Correct them and run again. Nothing was injected.',
  });
}

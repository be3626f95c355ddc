import * as z from 'zod';
import { asJson, isRecord, type Json } from '../../../../core/json.ts';
import { duration, fields } from './fields.ts';
import { parseGoDuration } from './go-duration.ts';
import { problemsOf } from './problems.ts';
import { type Selection, selection } from './selection.ts';

/** The group and version of all kinds of Chaos Mesh. */
export const CHAOS_MESH = 'chaos-mesh.org/v1alpha1';

/** The object in which Chaos Mesh keeps, for each pod, what several faults do to it. */
export interface PodRules {
  readonly kind: string;
  readonly plural: string;
  /** Lists of its `spec` whose items name the fault as `source`. */
  readonly lists: readonly string[];
}

/** A fault as it was written, without its place and its pods. */
export interface ChaosSpec {
  /** All fields of `spec` but those of the pods and the duration, with every default written out. */
  readonly parameters: { readonly [field: string]: Json };
  readonly selection: Selection;
  /** The other side of a network fault. */
  readonly target: (Selection & { readonly isHit: boolean }) | undefined;
  /** Milliseconds; undefined for one that lasts until it is deleted. */
  readonly duration: number | undefined;
  /** It happens once, and has no duration. */
  readonly isOneShot: boolean;
  readonly warnings: readonly string[];
}

/** What a kind says about parameters that were read. */
export interface Traits {
  readonly isOneShot?: boolean;
  /** The pods of `target` are changed as well. */
  readonly hitsTarget?: boolean;
  readonly warnings?: readonly string[];
  /** What can't be, one sentence each without a full stop; begins with the name of a field. */
  readonly problems?: readonly string[];
}

export interface ChaosKind {
  readonly kind: string;
  readonly plural: string;
  /** Its field in a Schedule or in a template of a Workflow: `networkChaos`. */
  readonly field: string;
  readonly rules: PodRules | undefined;
  /** @param root where the value stands: `spec` */
  read(value: unknown, root: string): { readonly spec?: ChaosSpec; readonly problems: readonly string[] };
}

interface Definition<Shape extends z.ZodRawShape> {
  readonly kind: string;
  readonly plural: string;
  readonly field: string;
  readonly rules?: PodRules;
  /** All fields of `spec` but `selector`, `mode`, `value`, `duration` and the target's. */
  readonly parameters: Shape;
  /** `target` are pods. */
  readonly hasTarget?: boolean;
  traits(parameters: z.infer<z.ZodObject<Shape>>, hasTarget: boolean): Traits;
}

const timed = fields({ duration: duration.nullish() });
const common = ['selector', 'mode', 'value', 'duration'];

export function defineChaosKind<Shape extends z.ZodRawShape>(definition: Definition<Shape>): ChaosKind {
  const { kind, plural, field, rules, hasTarget = false } = definition;
  const schema = fields(definition.parameters);
  const known = [...Object.keys(definition.parameters), ...common, ...(hasTarget ? ['target'] : [])];

  return {
    kind,
    plural,
    field,
    rules,
    read(value, root) {
      if (!isRecord(value)) return { problems: [`${root} is missing`] };
      const { selector, mode, value: amount, duration: lasts, ...rest } = value;
      const { target, ...others } = rest;
      const parameters = schema.safeParse(hasTarget ? others : rest);
      const pods = selection.safeParse({ selector, mode, value: amount });
      const opposite = hasTarget && target !== undefined && target !== null ? selection.safeParse(target) : undefined;
      const time = timed.safeParse({ duration: lasts === '' ? undefined : lasts });
      const traits = parameters.success ? definition.traits(parameters.data, opposite !== undefined) : {};
      const problems = [
        ...(parameters.error ? problemsOf(parameters.error, root, known) : []),
        ...(pods.error ? problemsOf(pods.error, root, known) : []),
        ...(opposite?.error ? problemsOf(opposite.error, `${root}.target`) : []),
        ...(time.error ? problemsOf(time.error, root) : []),
        ...(traits.problems ?? []).map((problem) => `${root}.${problem}`),
      ];
      const length = parseGoDuration(time.data?.duration || 'none');
      if (length !== undefined && length < 1) problems.push(`${root}.duration is less than 1ms`);
      if (problems.length > 0 || !parameters.success || !pods.success) return { problems };
      const spec = {
        parameters: recordOf(parameters.data),
        selection: pods.data,
        target: opposite?.data && { ...opposite.data, isHit: traits.hitsTarget ?? false },
        duration: length,
        isOneShot: traits.isOneShot ?? false,
        warnings: traits.warnings ?? [],
      };
      return { spec, problems };
    },
  };
}

const record = z.record(z.string(), z.unknown());

/** As JSON, without fields that are unset. */
export function recordOf(value: unknown): { readonly [field: string]: Json } {
  return Object.fromEntries(Object.entries(record.parse(value)).flatMap(([field, part]) => set(field, part)));
}

function set(field: string, part: unknown): [string, Json][] {
  return part === undefined ? [] : [[field, asJson(part)]];
}

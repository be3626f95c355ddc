import * as z from 'zod';
import type { ObjectReference, ResourceType } from '../../../cluster/resources.ts';
import { SluiceError } from '../../../core/errors.ts';
import type { Json } from '../../../core/json.ts';
import { trimEndOf } from '../../../core/text.ts';
import { isOfKubernetes } from './bounds.ts';
import { chaosKinds, schedules, typeOf, workflows } from './kinds/index.ts';

/** Every fault's name ends so: nobody guesses it, and no two faults have the same. */
const suffix = /-[0-9a-f]{8}$/;
const name = z.string().min(1).max(253);
const json: z.ZodType<Json> = z.lazy(() => z.json());
const texts = z.record(z.string(), z.string());

const markedPod = z.strictObject({
  namespace: name,
  name,
  uid: z.string(),
  /** The pod had rules of Chaos Mesh before this fault. */
  hadRules: z.boolean(),
});
export type MarkedPod = z.infer<typeof markedPod>;

const mark = z.strictObject({
  schema: z.literal(1),
  tool: z.literal('chaos-mesh'),
  run: z.string().min(1),
  kind: z.enum([...chaosKinds, schedules, workflows].map(({ kind }) => kind)),
  namespace: name,
  name: name.regex(suffix),
  labels: texts,
  annotations: texts,
  spec: z.record(z.string(), json),
  /** The pods that have to be hit; empty where Chaos Mesh chooses them. */
  pods: z.array(markedPod).max(10_000),
  /** The pods of the other side, where they are changed as well. */
  targets: z.array(markedPod).max(10_000),
});
export type ChaosMark = z.infer<typeof mark>;

/** @throws SluiceError `unsupported` for a mark that was not written by a fault of Chaos Mesh */
export function readMark(value: Json): ChaosMark {
  const read = mark.safeParse(value);
  if (read.success && !isOfKubernetes(read.data.namespace)) return read.data;
  throw new SluiceError('unsupported', {
    about: 'the record of a fault of Chaos Mesh',
    problem: 'does not have the form that Sluice writes, so nothing that it names is touched.',
    next: 'Find out who has changed it. Look for faults that are left with kubectl get podchaos,networkchaos,schedules,workflows -A -l app.kubernetes.io/managed-by=sluice.',
  });
}

function markedType(kind: string): ResourceType {
  const single = chaosKinds.find((one) => one.kind === kind);
  return single ? typeOf(single) : kind === schedules.kind ? schedules : workflows;
}

export function referenceOf({ kind, namespace, name }: ChaosMark): ObjectReference {
  return { type: markedType(kind), namespace, name };
}

/** A name of at most 60 characters, as Chaos Mesh writes it into labels of 63. */
export function freshName(base: string, random: () => number): string {
  const digits = Array.from({ length: 8 }, () => Math.min(15, Math.floor(random() * 16)).toString(16)).join('');
  return `${trimEndOf(base.slice(0, 45), '-.')}-${digits}`;
}

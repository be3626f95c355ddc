import * as z from 'zod';
import { anyText, fields, listOf, objectName, oneOf, podName, quoted, texts } from './fields.ts';

const modes = ['one', 'all', 'fixed', 'fixed-percent', 'random-max-percent'] as const;

/** Fields of pods by which the API server and Chaos Mesh select. */
const selectableFields = [
  'metadata.name',
  'metadata.namespace',
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.serviceAccountName',
  'status.phase',
  'status.podIP',
  'status.nominatedNodeName',
] as const;

const phase = anyText.refine((text) => /^!?(?:Pending|Running|Succeeded|Failed|Unknown)$/.test(text.trim()), {
  error: ({ input }) =>
    `${quoted(input)} is none of Pending, Running, Succeeded, Failed, Unknown, or one of them with "!" before it`,
});

const expression = fields({
  key: anyText,
  operator: oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: listOf(anyText)
    .nullish()
    .transform((values) => values ?? undefined),
}).superRefine(({ operator, values = [] }, context) => {
  const needs = operator === 'In' || operator === 'NotIn';
  if (needs === values.length > 0) return;
  const message = needs ? `needs "values" with the operator ${operator}` : `takes no "values" with ${operator}`;
  context.addIssue({ code: 'custom', message });
});

/** An empty field means unset, as for Chaos Mesh. */
function unlessEmpty<S extends z.ZodType>(schema: S) {
  return schema.nullish().transform((value) => (isEmpty(value) ? undefined : (value ?? undefined)));
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

const byPods = 'pods';
const besidePods = [
  'labelSelectors',
  'expressionSelectors',
  'annotationSelectors',
  'fieldSelectors',
  'nodes',
  'nodeSelectors',
  'podPhaseSelectors',
] as const;

/** Which pods: https://chaos-mesh.org/docs/define-chaos-experiment-scope/ */
const podSelector = fields({
  namespaces: unlessEmpty(listOf(objectName)),
  labelSelectors: unlessEmpty(texts),
  expressionSelectors: unlessEmpty(listOf(expression)),
  annotationSelectors: unlessEmpty(texts),
  fieldSelectors: unlessEmpty(z.partialRecord(oneOf(selectableFields), anyText)),
  nodes: unlessEmpty(listOf(objectName)),
  nodeSelectors: unlessEmpty(texts),
  podPhaseSelectors: unlessEmpty(listOf(phase)),
  pods: unlessEmpty(z.record(objectName, listOf(podName))),
}).superRefine((selector, context) => {
  const others = besidePods.filter((field) => selector[field] !== undefined);
  if (selector[byPods] !== undefined && others.length > 0) {
    const message = `has "pods" and ${others.map((field) => `"${field}"`).join(', ')}: Chaos Mesh looks at "pods" alone then. Leave out one or the other`;
    context.addIssue({ code: 'custom', message });
  }
  if (Object.values(selector).every((value) => value === undefined)) {
    const message =
      'is empty, so it would select every pod. Say which by "labelSelectors", or name the "namespaces" if all of their pods are meant';
    context.addIssue({ code: 'custom', message });
  }
});
/** Which pods, and how many of them. */
const shape = {
  selector: podSelector,
  mode: oneOf(modes),
  value: z
    .union([z.string(), z.number()])
    .nullish()
    .transform((value) => (value === '' ? undefined : (value ?? undefined))),
};

interface Amount {
  readonly mode: (typeof modes)[number];
  readonly value?: string | number | undefined;
}

/** Why `value` does not go with `mode`; undefined if it does. */
function wrongAmount({ mode, value }: Amount): string | undefined {
  if (mode === 'one' || mode === 'all') {
    return value === undefined ? undefined : `${quoted(value)} has no meaning with "mode: ${mode}": leave it out`;
  }
  const unit = mode === 'fixed' ? 'the number of pods' : 'a number of per cent from 1 to 100';
  if (value === undefined) return `is missing: "mode: ${mode}" needs ${unit}, such as "${mode === 'fixed' ? 2 : 50}"`;
  if (typeof value === 'number') return `is ${value}, but has to be a text: write "${value}" in quotes`;
  if (value.trim().endsWith('%'))
    return `${quoted(value)} has a per cent sign: write "${value.split('%', 1)[0]?.trim().slice(0, 9)}"`;
  const most = mode === 'fixed' ? 1_000_000 : 100;
  const isRight = /^\d{1,7}$/.test(value) && Number(value) >= 1 && Number(value) <= most;
  return isRight ? undefined : `${quoted(value)} is not ${unit}`;
}

export const selection = fields(shape).superRefine((read, context) => {
  const message = wrongAmount(read);
  if (message !== undefined) context.addIssue({ code: 'custom', message, path: ['value'] });
});
export type Selection = z.infer<typeof selection>;

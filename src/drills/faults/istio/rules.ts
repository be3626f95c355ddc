import { createHash } from 'node:crypto';
import * as z from 'zod';
import { readObject, readPart } from '../../../cluster/read-object.ts';
import { describe, resources } from '../../../cluster/resources.ts';
import type { KubernetesObject, PatchOperation } from '../../../cluster/schema.ts';
import { type Json, jsonSchema, sortedJson } from '../../../core/json.ts';
import { canonicalHost } from '../../../routes/objects/istio-hosts.ts';
import { FAULT_ANNOTATION } from './mark.ts';

const rawRule = z.record(z.string(), jsonSchema);
type RawRule = z.infer<typeof rawRule>;

const virtualService = z.looseObject({
  spec: z.looseObject({ http: z.array(rawRule).default([]), tls: jsonSchema.optional(), tcp: jsonSchema.optional() }),
});

/** One condition of a rule's match. */
export const condition = z.record(z.string(), jsonSchema);
const ruleShape = z.looseObject({
  name: z.string().optional(),
  match: z.array(condition).default([]),
  route: z.array(z.looseObject({ destination: z.looseObject({ host: z.string() }) })).default([]),
  delegate: jsonSchema.optional(),
});

/** An http rule of a VirtualService. */
export interface HttpRule {
  readonly index: number;
  readonly name: string | null;
  /** Alternatives of conditions; empty for all requests. */
  readonly match: readonly Readonly<Record<string, Json>>[];
  /** Hosts that it leads to, in canonical form, sorted. Empty for one that redirects, answers itself or delegates. */
  readonly hosts: readonly string[];
  readonly delegates: boolean;
  readonly raw: RawRule;
}

/** `http[0] "primary"` */
export function describeHttpRule({ index, name }: Pick<HttpRule, 'index' | 'name'>): string {
  return name === null ? `http[${index}]` : `http[${index}] "${name}"`;
}

export function httpRules(object: KubernetesObject): HttpRule[] {
  const { namespace = '' } = object.metadata;
  return readObject(object, virtualService).spec.http.map((raw, index): HttpRule => {
    const { name = null, match, route, delegate } = readPart(raw, ruleShape, `${aboutOf(object)} http[${index}]`);
    const hosts = new Set(route.map(({ destination }) => canonicalHost(destination.host, namespace)));
    return { index, name, match, hosts: [...hosts].sort(), delegates: delegate !== undefined, raw };
  });
}

export function aboutOf({ metadata: { namespace = '', name } }: KubernetesObject): string {
  return describe({ type: resources.virtualService, namespace, name });
}

/** A short text that is the same for equal values. */
export function digest(value: unknown): string {
  return createHash('sha256').update(sortedJson(value)).digest('hex').slice(0, 20);
}

const ANNOTATION_POINTER = `/metadata/annotations/${FAULT_ANNOTATION.replaceAll('/', '~1')}`;

/** The operations that fail if rules or annotations are no longer as they were read. */
export function testsOf(object: KubernetesObject, all: readonly HttpRule[]): PatchOperation[] {
  const { annotations, resourceVersion } = object.metadata;
  const rules: PatchOperation = { op: 'test', path: '/spec/http', value: all.map(({ raw }) => raw) };
  // RFC 6902 can't test that an annotation is absent.
  if (annotations === undefined)
    return [rules, { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion }];
  const own = annotations[FAULT_ANNOTATION];
  if (own === undefined) return [rules, { op: 'test', path: '/metadata/annotations', value: annotations }];
  return [rules, { op: 'test', path: ANNOTATION_POINTER, value: own }];
}

/** Writes the annotation, or removes it without a text. */
export function annotate({ metadata: { annotations } }: KubernetesObject, text: string | undefined): PatchOperation[] {
  if (text === undefined) {
    const isAlone = Object.keys(annotations ?? {}).length === 1;
    return [{ op: 'remove', path: isAlone ? '/metadata/annotations' : ANNOTATION_POINTER }];
  }
  if (annotations === undefined)
    return [{ op: 'add', path: '/metadata/annotations', value: { [FAULT_ANNOTATION]: text } }];
  return [{ op: 'add', path: ANNOTATION_POINTER, value: text }];
}

import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { readObject, readPart } from '../../cluster/read-object.ts';
import { resources } from '../../cluster/resources.ts';
import type { KubernetesObject, PatchOperation } from '../../cluster/schema.ts';
import { jsonSchema } from '../../core/json.ts';
import { shareOf, splitShare } from './weights.ts';

const PREFIX = 'nginx.ingress.kubernetes.io/';
const CANARY = `${PREFIX}canary`;
const WEIGHT = `${PREFIX}canary-weight`;
const TOTAL = `${PREFIX}canary-weight-total`;

/** The annotations that hold a weight, as written; null if absent. */
export const weightAnnotations = z.object({ weight: z.string().nullable(), total: z.string().nullable() });
export type WeightAnnotations = Readonly<z.infer<typeof weightAnnotations>>;

const backend = z
  .object({ service: z.object({ name: z.string() }).catchall(jsonSchema).optional() })
  .catchall(jsonSchema);
const path = z.object({ path: z.string().optional(), pathType: z.string().optional(), backend }).catchall(jsonSchema);
const rule = z
  .object({
    host: z.string().optional(),
    http: z
      .object({ paths: z.array(path) })
      .catchall(jsonSchema)
      .optional(),
  })
  .catchall(jsonSchema);
const ingress = z.looseObject({
  spec: z.object({ defaultBackend: backend.optional(), rules: z.array(rule).default([]) }).catchall(jsonSchema),
});

/** An Ingress to be created, as plain JSON: it is part of the rollout record. */
export const ingressManifest = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z
    .object({ name: z.string(), namespace: z.string(), annotations: z.record(z.string(), z.string()) })
    .catchall(jsonSchema),
  spec: z.record(z.string(), jsonSchema),
});
export type IngressManifest = z.infer<typeof ingressManifest>;

/** Where an Ingress sends requests: one entry for each path, with `host` and `path` as matched. */
export function ingressPaths(object: KubernetesObject): { route: string; service: string }[] {
  const { defaultBackend, rules } = readObject(object, ingress).spec;
  const paths = rules.flatMap(({ host = '*', http }) =>
    (http?.paths ?? []).map((entry) => ({
      route: `${host}${entry.path ?? '/'}`,
      service: entry.backend.service?.name ?? '',
    })),
  );
  return defaultBackend?.service ? [...paths, { route: 'default', service: defaultBackend.service.name }] : paths;
}

const servicePort = z.looseObject({ number: z.number().optional(), name: z.string().optional() }).prefault({});

/** The ports, by number or name, of a Service to which an Ingress sends requests. */
export function portsTo(object: KubernetesObject, service: string): string[] {
  const { defaultBackend, rules } = readObject(object, ingress).spec;
  const paths = rules.flatMap(({ http }) => (http?.paths ?? []).map((entry) => entry.backend));
  return [...paths, ...(defaultBackend ? [defaultBackend] : [])].flatMap((backend) => {
    if (backend.service?.name !== service) return [];
    const { number, name } = readPart(backend.service.port, servicePort, `Ingress ${object.metadata.name}`);
    return [String(number ?? name ?? '')];
  });
}

export function isCanaryIngress(object: KubernetesObject): boolean {
  return object.metadata.annotations?.[CANARY] === 'true';
}

export function weightAnnotationsOf(object: KubernetesObject): WeightAnnotations {
  const annotations = object.metadata.annotations ?? {};
  return { weight: annotations[WEIGHT] ?? null, total: annotations[TOTAL] ?? null };
}

/** The canary's weight in per cent from the annotations; `undefined` if they are no valid weight. */
export function weightMeant({ weight, total }: WeightAnnotations): number | undefined {
  const [part, whole] = [Number(weight ?? 0), totalOf(total)];
  return Number.isInteger(part) && part >= 0 && part <= whole ? shareOf(whole - part, part) : undefined;
}

/** The annotations for a weight, based on those found: the total stays unless the weight needs a finer one. */
export function planAnnotations(found: WeightAnnotations, weight: number): WeightAnnotations {
  const total = totalOf(found.total);
  const { canary, factor } = splitShare(total, weight, false);
  return { weight: String(canary), total: factor === 1 ? found.total : String(total * factor) };
}

function totalOf(total: string | null): number {
  const number = Number(total ?? 100);
  return Number.isInteger(number) && number > 0 ? number : 100;
}

/** The JSON Patch from an Ingress' current annotations to others, guarded by `test` operations on the current ones. */
export function annotationPatch(object: KubernetesObject, target: WeightAnnotations): PatchOperation[] {
  const shown = weightAnnotationsOf(object);
  const fields = [
    { path: annotationPointer(WEIGHT), shown: shown.weight, target: target.weight },
    { path: annotationPointer(TOTAL), shown: shown.total, target: target.total },
  ];
  const writes = fields.flatMap(({ path, shown, target }): PatchOperation[] => {
    if (shown === target) return [];
    if (target === null) return [{ op: 'remove', path }];
    return [{ op: shown === null ? 'add' : 'replace', path, value: target }];
  });
  if (writes.length === 0) return [];
  // RFC 6902 can't test that an annotation is absent, so all annotations are tested instead.
  const tests: PatchOperation[] = fields.some(({ shown }) => shown === null)
    ? [{ op: 'test', path: '/metadata/annotations', value: object.metadata.annotations }]
    : fields.map(({ path, shown }) => ({ op: 'test', path, value: shown }));
  return [...tests, ...writes];
}

function annotationPointer(name: string): string {
  return `/metadata/annotations/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The fields of the weights, for the GitOps check. */
export const annotationFields = {
  path: ['metadata', 'annotations', WEIGHT],
  appliedWith: ['metadata', 'annotations', WEIGHT],
  pointers: [annotationPointer(WEIGHT), annotationPointer(TOTAL)],
  jq: [`.metadata.annotations."${WEIGHT}"`, `.metadata.annotations."${TOTAL}"`],
};

const MANAGED_BY = 'app.kubernetes.io/managed-by';

/** Whether Sluice has created a canary Ingress. */
export function isOurs(object: KubernetesObject): boolean {
  return object.metadata.labels?.[MANAGED_BY] === 'sluice';
}

/**
 * A canary Ingress beside the stable one: the same hosts, paths, class and TLS, for the paths that lead to the stable Service.
 * It copies the annotations that ingress-nginx does not inherit from the stable Ingress
 * (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary), and no labels, as GitOps
 * tools recognise by labels which objects they may delete.
 */
export function canaryIngress(
  stable: KubernetesObject,
  name: string,
  services: { readonly stable: string; readonly canary: string },
): IngressManifest {
  const { defaultBackend, rules, ...rest } = readObject(stable, ingress).spec;
  const toCanary = (to: z.infer<typeof backend> | undefined) =>
    to?.service?.name === services.stable ? { ...to, service: { ...to.service, name: services.canary } } : undefined;
  const defaultToCanary = toCanary(defaultBackend);
  const annotations = Object.entries(stable.metadata.annotations ?? {}).filter(([name]) => isNotInherited(name));
  return {
    apiVersion: resources.ingress.apiVersion,
    kind: resources.ingress.kind,
    metadata: {
      name,
      namespace: stable.metadata.namespace ?? '',
      labels: { [MANAGED_BY]: 'sluice' },
      annotations: { ...Object.fromEntries(annotations), [CANARY]: 'true' },
      // The owner reference makes the API server delete the canary Ingress with the stable one.
      ...(stable.metadata.uid !== undefined && {
        ownerReferences: [
          {
            apiVersion: resources.ingress.apiVersion,
            kind: resources.ingress.kind,
            name: stable.metadata.name,
            uid: stable.metadata.uid,
          },
        ],
      }),
    },
    spec: {
      ...rest,
      ...(defaultToCanary && { defaultBackend: defaultToCanary }),
      rules: rules.flatMap(({ http, ...rule }) => {
        const paths = (http?.paths ?? []).flatMap((entry) => {
          const backend = toCanary(entry.backend);
          return backend ? [{ ...entry, backend }] : [];
        });
        return paths.length === 0 ? [] : [{ ...rule, http: { ...http, paths } }];
      }),
    },
  };
}

function isNotInherited(annotation: string): boolean {
  if (annotation === 'kubernetes.io/ingress.class') return true;
  return ['load-balance', 'upstream-hash-by', 'affinity', 'session-cookie-'].some((start) =>
    annotation.startsWith(PREFIX + start),
  );
}

const classOfSpec = z.looseObject({ ingressClassName: z.string().optional() });

/**
 * The JSON Patch that updates Sluice's own canary Ingress, perhaps from an earlier rollout, to what it would be if created now:
 * its spec, and the annotations that ingress-nginx reads. Weights, and annotations of others, stay.
 */
export function likeStable(object: KubernetesObject, wanted: IngressManifest): PatchOperation[] {
  const shown = object.metadata.annotations ?? {};
  const target = wanted.metadata.annotations;
  const isWeight = (name: string) => name === WEIGHT || name === TOTAL;
  const stale = Object.keys(shown).filter(
    (name) => !isWeight(name) && (name.startsWith(PREFIX) || isNotInherited(name)) && !(name in target),
  );
  const fresh = Object.entries(target).filter(([name, value]) => !isWeight(name) && shown[name] !== value);
  // If the stable Ingress names no class, the API server gave the canary Ingress the default class.
  const { ingressClassName } = readPart(object.spec, classOfSpec, `Ingress ${object.metadata.name}`);
  const spec = { ...(ingressClassName !== undefined && { ingressClassName }), ...wanted.spec };
  return [
    ...(isDeepStrictEqual(object.spec, spec) ? [] : [{ op: 'replace' as const, path: '/spec', value: spec }]),
    ...stale.map((name) => ({ op: 'remove' as const, path: annotationPointer(name) })),
    ...fresh.map(([name, value]) => ({ op: 'add' as const, path: annotationPointer(name), value })),
  ];
}

/** A canary Ingress with the annotations of a weight. */
export function withWeight(manifest: IngressManifest, { weight, total }: WeightAnnotations): IngressManifest {
  const weights = { [WEIGHT]: weight ?? '0', ...(total !== null && { [TOTAL]: total }) };
  const annotations = { ...manifest.metadata.annotations, ...weights };
  return { ...manifest, metadata: { ...manifest.metadata, annotations } };
}

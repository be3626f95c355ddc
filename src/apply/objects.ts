import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { describe, type ObjectReference } from '../cluster/resources.ts';
import type { AnyManifest, ServedKind } from '../cluster/schema.ts';
import { SluiceError } from '../core/errors.ts';
import { jsonSchema } from '../core/json.ts';
import { documentsIn, type ManifestText } from './documents.ts';

/** An absent or empty value means unset: charts write `namespace:` where nobody set it. */
const unset = z
  .string()
  .nullish()
  .transform((text) => text || undefined);

/** Labels or annotations: the API server reads one without a value as an empty text. */
const texts = z.record(
  z.string(),
  z
    .string()
    .nullable()
    .transform((text) => text ?? ''),
);

/** An object as written; unknown fields are kept. */
const manifest = z
  .looseObject({
    apiVersion: z.string().min(1),
    kind: z.string().min(1),
    metadata: z
      .looseObject({
        name: z.string().min(1),
        namespace: unset,
        labels: texts.nullish(),
        annotations: texts.nullish(),
      })
      .catchall(jsonSchema),
  })
  .catchall(jsonSchema);

/** An object of a manifest, before its kind was looked up in the cluster. */
export interface WrittenObject {
  readonly manifest: z.infer<typeof manifest>;
  /** `deploy/app.yaml, document 2` */
  readonly source: string;
}

/** An object to be deployed, and its place in the cluster. */
export interface DeployObject {
  readonly reference: ObjectReference;
  /** Includes the namespace that the object goes to. */
  readonly manifest: AnyManifest;
  /** `deploy/app.yaml, document 2` */
  readonly source: string;
}

/**
 * The objects in texts of YAML or JSON, which may have several documents; a `List` gives its items. Leaves out empty documents.
 *
 * @throws SluiceError `invalid-input`, one for everything that is wrong, with file and document
 */
export function parseManifests(texts: readonly ManifestText[]): WrittenObject[] {
  const { objects, problems } = readManifests(texts);
  if (problems.length > 0) throw wrongManifests(problems);
  return objects;
}

/** As `parseManifests`, but returns problems instead of throwing: nobody can correct the record of a former deployment. */
export function readManifests(texts: readonly ManifestText[]): { objects: WrittenObject[]; problems: string[] } {
  const problems: string[] = [];
  const objects = texts.flatMap(documentsIn).flatMap(({ source, values, problem }) => {
    if (problem !== undefined) problems.push(`${source}: is no YAML that can be read: ${problem}.`);
    return values.flatMap((value, index) =>
      objectsIn(value, values.length === 1 ? source : `${source}, object ${index + 1}`, problems),
    );
  });
  return { objects, problems };
}

/**
 * Items may lack the type that their list gives.
 * https://github.com/kubernetes/apimachinery/blob/master/pkg/apis/meta/v1/unstructured/helpers.go
 */
const listObject = z.looseObject({
  apiVersion: z.string().default(''),
  kind: z.string().regex(/List$/),
  items: z
    .array(z.unknown())
    .nullable()
    .transform((items) => items ?? []),
});
const untyped = z.looseObject({ apiVersion: z.undefined().optional(), kind: z.undefined().optional() });

/** An object with `generateName` and no name: the API server names it, and only when it is created. */
export const unnamed = z.looseObject({
  metadata: z.looseObject({ name: unset.pipe(z.undefined()), generateName: z.string().min(1) }),
});

function objectsIn(value: unknown, source: string, problems: string[]): WrittenObject[] {
  const list = listObject.safeParse(value);
  if (list.success) {
    const { apiVersion, kind, items } = list.data;
    return items.flatMap((item, index) => {
      const bare = untyped.safeParse(item);
      const typed = bare.success && kind !== 'List' ? { ...bare.data, apiVersion, kind: kind.slice(0, -4) } : item;
      return objectsIn(typed, `${source}, item ${index + 1}`, problems);
    });
  }
  const parsed = manifest.safeParse(value);
  if (parsed.success) return [{ manifest: parsed.data, source }];
  if (unnamed.safeParse(value).success) {
    problems.push(
      `${source}: has "generateName" and no "name". An object that gets another name each time can't be applied; give it a name (kubectl and Helm ask for one, too).`,
    );
    return [];
  }
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the document'}: ${message}`);
  problems.push(`${source}: is no Kubernetes object (${wrong.join('; ')}).`);
  return [];
}

/** A CustomResourceDefinition among the objects, whose kinds the API server may not serve yet. */
const definition = z.looseObject({
  apiVersion: z.string().startsWith('apiextensions.k8s.io/'),
  kind: z.literal('CustomResourceDefinition'),
  spec: z.looseObject({
    group: z.string(),
    scope: z.string(),
    names: z.looseObject({ kind: z.string(), plural: z.string() }),
    versions: z.array(z.looseObject({ name: z.string() })),
  }),
});

function definedKinds(objects: readonly WrittenObject[]): ServedKind[] {
  return objects.flatMap(({ manifest }) => {
    const parsed = definition.safeParse(manifest);
    if (!parsed.success) return [];
    const { group, scope, names, versions } = parsed.data.spec;
    return versions.map(({ name }) => ({
      type: { apiVersion: `${group}/${name}`, kind: names.kind, plural: names.plural },
      namespaced: scope === 'Namespaced',
    }));
  });
}

/**
 * Finds where the cluster keeps each object: asks the API server for the kinds of each version used, one request a
 * version. A kind need not be served yet where its definition is among the objects.
 *
 * @param namespace for objects that name none
 * @throws SluiceError `invalid-input`, one for everything that is wrong: unknown kinds, the same object twice
 */
export async function resolveObjects(
  client: Pick<KubernetesClient, 'kindsIn'>,
  written: readonly WrittenObject[],
  namespace: string,
  signal: AbortSignal,
): Promise<DeployObject[]> {
  const { objects, unknown } = await located(client, written, { namespace, definitions: [] }, signal);
  const problems = [...unknown, ...repeated(objects)];
  if (problems.length > 0) throw wrongManifests(problems);
  return objects;
}

/** Where the objects of a release go. */
export interface ReleasePlace {
  /** For objects that name no namespace. */
  readonly namespace: string;
  /** Custom resource definitions that Helm installs before the release. */
  readonly definitions: readonly WrittenObject[];
}

/**
 * As `resolveObjects`, for what Helm has rendered or recorded, without rules stricter than Helm's: of an object that
 * occurs twice, the last one counts; objects of kinds that the cluster does not serve are left out and returned in
 * `unknown`.
 */
export async function resolveRendered(
  client: Pick<KubernetesClient, 'kindsIn'>,
  written: readonly WrittenObject[],
  place: ReleasePlace,
  signal: AbortSignal,
): Promise<{ readonly objects: DeployObject[]; readonly unknown: readonly string[] }> {
  const { objects, unknown } = await located(client, written, place, signal);
  return { objects: [...new Map(objects.map((object) => [identityOf(object.reference), object])).values()], unknown };
}

async function located(
  client: Pick<KubernetesClient, 'kindsIn'>,
  written: readonly WrittenObject[],
  { namespace, definitions }: ReleasePlace,
  signal: AbortSignal,
): Promise<{ readonly objects: DeployObject[]; readonly unknown: readonly string[] }> {
  const kinds = [...(await servedKinds(client, written, signal)), ...definedKinds([...definitions, ...written])];
  const unknown: string[] = [];
  const objects = written.flatMap((object) => {
    const { apiVersion, kind } = object.manifest;
    const known = kinds.find(({ type }) => type.apiVersion === apiVersion && type.kind === kind);
    if (known) return [placed(object, known, namespace)];
    unknown.push(`${object.source}: ${unknownKind(apiVersion, kind, kinds)}`);
    return [];
  });
  return { objects, unknown };
}

/** Objects of kinds that the cluster does not serve now, even if a definition is among the objects. */
export async function unservedObjects(
  client: Pick<KubernetesClient, 'kindsIn'>,
  written: readonly WrittenObject[],
  signal: AbortSignal,
): Promise<string[]> {
  const served = await servedKinds(client, written, signal);
  return written.flatMap(({ manifest: { apiVersion, kind, metadata } }) =>
    served.some(({ type }) => type.apiVersion === apiVersion && type.kind === kind)
      ? []
      : [`${kind} ${metadata.name} (${apiVersion})`],
  );
}

async function servedKinds(
  client: Pick<KubernetesClient, 'kindsIn'>,
  written: readonly WrittenObject[],
  signal: AbortSignal,
): Promise<ServedKind[]> {
  const versions = [...new Set(written.map(({ manifest }) => manifest.apiVersion))];
  return (await Promise.all(versions.map((version) => client.kindsIn(version, signal)))).flat();
}

function placed({ manifest, source }: WrittenObject, { type, namespaced }: ServedKind, fallback: string): DeployObject {
  const { namespace: own, ...metadata } = manifest.metadata;
  const namespace = namespaced ? (own ?? fallback) : '';
  return {
    reference: { type, namespace, name: metadata.name },
    manifest: { ...manifest, metadata: { ...metadata, ...(namespace !== '' && { namespace }) } },
    source,
  };
}

const aggregated = z.looseObject({ aggregationRule: z.looseObject({}) });

/**
 * A ClusterRole whose rules the controller overwrites:
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
 */
export function isAggregated(manifest: { readonly [field: string]: unknown }): boolean {
  return manifest.kind === 'ClusterRole' && aggregated.safeParse(manifest).success;
}

/** The object without the rules of an aggregated ClusterRole. */
export function withoutControlledFields(object: DeployObject): DeployObject {
  const { manifest } = object;
  if (!isAggregated(manifest)) return object;
  const { rules: _, ...rest } = manifest;
  return { ...object, manifest: rest };
}

function unknownKind(apiVersion: string, kind: string, kinds: readonly ServedKind[]): string {
  const sameVersion = kinds.some(({ type }) => type.apiVersion === apiVersion);
  const what = `the cluster does not know ${kind} of ${apiVersion}`;
  return sameVersion
    ? `${what}; check the spelling of the kind.`
    : `${what}; check apiVersion, or install what defines it (a CustomResourceDefinition may stand in the same manifests).`;
}

function repeated(objects: readonly DeployObject[]): string[] {
  const same = Map.groupBy(objects, ({ reference }) => identityOf(reference));
  return [...same.values()].flatMap(([first, ...rest]) => {
    const different = rest.filter(({ manifest }) => !isDeepStrictEqual(manifest, first?.manifest));
    return first && different.length > 0
      ? [
          `${describe(first.reference)} stands twice: in ${[first, ...different].map(({ source }) => source).join(' and in ')}.`,
        ]
      : [];
  });
}

/** Identifies an object independent of its API version. */
export function identityOf({ type, namespace, name }: ObjectReference): string {
  const group = type.apiVersion.includes('/') ? type.apiVersion.split('/')[0] : '';
  return `${group}/${type.kind}/${namespace}/${name}`;
}

function wrongManifests(problems: readonly string[]): SluiceError {
  return new SluiceError('invalid-input', {
    about: 'manifests',
    problem: `${problems.length === 1 ? 'one thing' : `${problems.length} things`} can't be right:\n${problems.map((line) => `- ${line}`).join('\n')}\n`,
    next: 'Correct them and run again. Nothing was changed.',
  });
}

import { createHash } from 'node:crypto';
import * as z from 'zod';
import { readPart } from '../cluster/read-object.ts';
import { resources } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import { SluiceError } from '../core/errors.ts';
import { readYamlDocuments } from '../core/yaml-value.ts';
import { type PodTemplate, podTemplate } from './workload.ts';

const entries = z.record(z.string(), z.string());

/** A ConfigMap or Secret with new content. */
const configManifest = z.looseObject({
  apiVersion: z.literal('v1'),
  kind: z.enum(['ConfigMap', 'Secret']),
  metadata: z.looseObject({ name: z.string().min(1), namespace: z.string().optional() }),
  data: entries.nullish(),
  /** ConfigMap only, base64. */
  binaryData: entries.nullish(),
  /** Secret only, plain text. */
  stringData: entries.nullish(),
  type: z.string().optional(),
  immutable: z.boolean().optional(),
});
export type ConfigManifest = z.infer<typeof configManifest>;
export type ConfigKind = ConfigManifest['kind'];

/** The content of a ConfigMap or Secret, in the form in which the API server stores it. */
export interface ConfigContent {
  readonly data: Readonly<Record<string, string>>;
  readonly binaryData: Readonly<Record<string, string>>;
}

/**
 * Reads manifests of ConfigMaps and Secrets, several documents in one text.
 *
 * @throws SluiceError `invalid-input`; it never quotes the text, which may hold secrets
 */
export function parseConfigManifests(text: string, namespace: string): ConfigManifest[] {
  return readYamlDocuments(text).flatMap((document, index) => {
    const about = `input "config", document ${index + 1}`;
    if ('problem' in document) {
      throw badConfig(about, `is not YAML (line ${document.line}, column ${document.column}).`);
    }
    const { value } = document;
    if (value === null || value === undefined) return [];
    const parsed = configManifest.safeParse(value);
    if (!parsed.success) {
      const places = parsed.error.issues.map(({ path }) => path.join('.') || 'the document');
      throw badConfig(
        about,
        `is no manifest of a ConfigMap or Secret: ${[...new Set(places)].join(', ')} can't be read.`,
      );
    }
    const { metadata, kind } = parsed.data;
    if ((metadata.namespace ?? namespace) !== namespace) {
      throw badConfig(
        about,
        `(${kind} ${metadata.name}) is for namespace ${metadata.namespace}, the release is in ${namespace}.`,
      );
    }
    return [parsed.data];
  });
}

function badConfig(about: string, problem: string): SluiceError {
  return new SluiceError('invalid-input', { about, problem, next: 'Give manifests of v1 ConfigMaps and Secrets.' });
}

export function configType(kind: ConfigKind) {
  return kind === 'ConfigMap' ? resources.configMap : resources.secret;
}

export function contentOf(object: ConfigManifest | KubernetesObject): ConfigContent {
  const shape = configManifest.pick({ data: true, binaryData: true, stringData: true });
  const { data, binaryData, stringData } = readPart(object, shape, `${object.kind} ${object.metadata.name}`);
  const encoded = Object.entries(stringData ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return { data: { ...data, ...Object.fromEntries(encoded) }, binaryData: binaryData ?? {} };
}

export function sameContent(a: ConfigContent, b: ConfigContent): boolean {
  return canonical(a) === canonical(b);
}

/** SHA-256 of a content. Not for Secrets: the hash of a short secret reveals it. */
export function contentHash(content: ConfigContent): string {
  return createHash('sha256').update(canonical(content)).digest('hex');
}

function canonical({ data, binaryData }: ConfigContent): string {
  const sorted = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([sorted(data), sorted(binaryData)]);
}

const referenceKinds: Readonly<Record<string, ConfigKind>> = {
  configMap: 'ConfigMap',
  configMapRef: 'ConfigMap',
  configMapKeyRef: 'ConfigMap',
  secret: 'Secret',
  secretRef: 'Secret',
  secretKeyRef: 'Secret',
};

/** The template with the ConfigMaps and Secrets in its volumes and environment renamed. */
export function renameConfig(template: PodTemplate, rename: (kind: ConfigKind, name: string) => string): PodTemplate {
  function walk(value: unknown, kind?: ConfigKind): unknown {
    if (Array.isArray(value)) return value.map((item) => walk(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const isName = kind !== undefined && (key === 'name' || key === 'secretName') && typeof item === 'string';
        return [key, isName ? rename(kind, item) : walk(item, referenceKinds[key])];
      }),
    );
  }
  const { containers, initContainers, volumes } = template.spec;
  const renamed = walk({
    containers,
    ...(initContainers && { initContainers }),
    ...(volumes !== undefined && { volumes }),
  });
  return podTemplate.parse({ ...template, spec: { ...template.spec, ...z.looseObject({}).parse(renamed) } });
}

/** The ConfigMaps and Secrets that a template's volumes and environment refer to, as `ConfigMap/name`. */
export function configReferences(template: PodTemplate): Set<string> {
  const found = new Set<string>();
  renameConfig(template, (kind, name) => {
    found.add(`${kind}/${name}`);
    return name;
  });
  return found;
}

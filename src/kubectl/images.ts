import * as z from 'zod';
import type { WrittenObject } from '../apply/objects.ts';
import { SluiceError } from '../core/errors.ts';
import { splitReference } from '../core/image-reference.ts';
import { type Json, jsonSchema } from '../core/json.ts';
import { nearest } from '../core/nearest.ts';

/** The new image for all containers whose image has this name. */
export interface ImageReplacement {
  /** The name in the manifests, without tag and digest: `shop`, `ghcr.io/acme/shop`. */
  readonly name: string;
  readonly image: string;
}

const container = z.looseObject({ image: z.string() });

/**
 * Replaces images by their names in all `containers` and `initContainers` of all objects, as kustomize's `images` does.
 *
 * @throws SluiceError `invalid-input` for a name that no container has
 */
export function replaceImages(objects: readonly WrittenObject[], images: readonly ImageReplacement[]): WrittenObject[] {
  if (images.length === 0) return [...objects];
  const found = new Set<string>();
  const replaced = objects.map(({ manifest, source }) => ({
    source,
    manifest: { ...manifest, ...mapContainers(omitIdentity(manifest), replaceIn) },
  }));
  const missing = images.filter(({ name }) => !found.has(name));
  if (missing.length > 0) throw unknownImages(missing, [...found]);
  return replaced;

  function replaceIn(given: unknown): unknown {
    const parsed = container.safeParse(given);
    if (!parsed.success) return given;
    const { name } = splitReference(parsed.data.image);
    found.add(name);
    const replacement = images.find((candidate) => candidate.name === name);
    return replacement ? { ...parsed.data, image: replacement.image } : given;
  }
}

/** Leaves out names and labels, which hold no containers. */
function omitIdentity({ apiVersion: _, kind: _kind, metadata: _metadata, ...content }: WrittenObject['manifest']) {
  return content;
}

const containerLists = new Set(['containers', 'initContainers']);

function mapContainers(content: Content, replace: (container: unknown) => unknown): Content {
  const entries = Object.entries(content).map(([key, value]) => {
    if (containerLists.has(key) && isList(value)) return [key, value.map((item) => replace(item))];
    return [key, mapValue(value, replace)];
  });
  return z.record(z.string(), jsonSchema).parse(Object.fromEntries(entries));
}

type Content = Readonly<Record<string, Json>>;

function mapValue(value: Json, replace: (container: unknown) => unknown): unknown {
  if (isList(value)) return value.map((item) => mapValue(item, replace));
  return typeof value === 'object' && value !== null ? mapContainers(value, replace) : value;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function unknownImages(missing: readonly ImageReplacement[], found: readonly string[]): SluiceError {
  const lines = missing.map(({ name }) => {
    const meant = nearest(name, found);
    return `no container has an image of the name ${name}${meant === undefined ? '' : ` (${meant} is near)`}`;
  });
  return new SluiceError('invalid-input', {
    about: 'input "images"',
    problem: `${lines.join('; ')}.`,
    next: found.length === 0 ? 'The manifests have no containers.' : `The manifests have ${found.join(', ')}.`,
  });
}

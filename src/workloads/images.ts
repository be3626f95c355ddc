import type { Versions } from '../canary/ports.ts';
import { digestOf } from '../cluster/pods.ts';
import { SluiceError } from '../core/errors.ts';
import { parseReference, splitReference } from '../core/image-reference.ts';
import { imagesOf, type PodTemplate } from './workload.ts';

/** A new image for one container. */
export interface ImageChange {
  readonly container: string;
  readonly before: string;
  readonly after: string;
}

/**
 * Reads the images input: one image for a single container, or lines of `container=image`.
 *
 * @returns container name → image; the key is empty for the image of a single container
 * @throws SluiceError `invalid-input`
 */
export function parseImages(text: string): Map<string, string> {
  const lines = text.split('\n').map((line) => line.trim());
  const images = new Map<string, string>();
  for (const line of lines.filter((candidate) => candidate !== '')) {
    const [, container = '', image = ''] = /^(?:([a-z0-9][-a-z0-9]*)\s*=)?\s*([^\s=]+)$/.exec(line) ?? [];
    if (image === '') throw badImages(`"${line}" is neither an image nor container=image.`);
    if (images.has(container)) {
      throw badImages(
        container === '' ? 'holds two images without a container.' : `names container ${container} twice.`,
      );
    }
    images.set(container, parseReference(image).text);
  }
  if (images.size > 1 && images.has('')) throw badImages(`does not say which container gets ${images.get('')}.`);
  return images;
}

/**
 * The changes that the images make in a pod template. Leaves out images that it already has.
 *
 * @param about the workload, for errors
 * @throws SluiceError `invalid-input` for an unknown container, with the names of those that exist
 */
export function imageChanges(images: ReadonlyMap<string, string>, template: PodTemplate, about: string): ImageChange[] {
  const existing = imagesOf(template);
  const ordinary = template.spec.containers.map(({ name }) => name);
  return [...images].flatMap(([given, after]) => {
    const container = given === '' && ordinary.length === 1 ? (ordinary[0] ?? '') : given;
    if (container === '') {
      throw badImages(
        `names no container, and ${about} has ${ordinary.length}.`,
        `Write one line each: ${ordinary.map((name) => `${name}=IMAGE`).join(', ')}.`,
      );
    }
    const before = existing.get(container);
    if (before === undefined) {
      throw badImages(
        `names container ${container}, which ${about} does not have.`,
        `It has ${[...existing.keys()].join(', ')}.`,
      );
    }
    return before === after ? [] : [{ container, before, after }];
  });
}

/** The template with the new images. */
export function withImages(template: PodTemplate, changes: readonly ImageChange[]): PodTemplate {
  const renew = <T extends { name: string; image?: string | undefined }>(container: T): T => {
    const change = changes.find(({ container: name }) => name === container.name);
    return change ? { ...container, image: change.after } : container;
  };
  const { containers, initContainers, ...rest } = template.spec;
  const spec = {
    ...rest,
    containers: containers.map(renew),
    ...(initContainers && { initContainers: initContainers.map(renew) }),
  };
  return { ...template, spec };
}

/** The digest that identifies a release with a single changed image, if the image names one. */
export function releaseDigest(changes: readonly ImageChange[]): string | undefined {
  const [only] = changes;
  return only && changes.length === 1 ? digestOf(only.after) : undefined;
}

/** The versions before and after, as people call them; undefined if no image changes. */
export function versionsOf(changes: readonly Pick<ImageChange, 'before' | 'after'>[]): Versions | undefined {
  const [first] = changes;
  return first && { stable: versionOf(first.before), canary: versionOf(first.after) };
}

/** The tag of an image, abbreviated if it is a commit, or the beginning of its digest if it has no tag. */
export function versionOf(image: string): string {
  const { tag, digest } = splitReference(image);
  if (tag) return /^[0-9a-f]{40}$/.test(tag) ? tag.slice(0, 7) : tag;
  return digest ? digest.slice(0, 'sha256:'.length + 7) : 'latest';
}

function badImages(
  problem: string,
  next = 'Write one image, or one line container=image for each container.',
): SluiceError {
  return new SluiceError('invalid-input', { about: 'input "image"', problem, next });
}

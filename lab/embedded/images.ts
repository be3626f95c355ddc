import { createHash } from 'node:crypto';
import type { ServiceOptions } from './service.ts';

/** The behaviour of an image's pods. By default they are healthy: no errors, a few milliseconds, ready at once. */
export interface ImageBehaviour extends Pick<ServiceOptions, 'failingPath' | 'labels'> {
  /** Sent in the `x-version` header; default the image's tag. */
  readonly version?: string;
  /** Share of requests answered with 500, 0 to 1. */
  readonly errorRate?: number;
  /**
   * The labels in `http_requests_total` of its pods: the status as a number (`codes`, the default) or a word, or `scrapes`: the
   * handler beside the number, including reads of the metrics.
   */
  readonly counts?: 'codes' | 'words' | 'scrapes';
  /** Mean milliseconds of a request; each takes between half and one and a half of it. */
  readonly latency?: number;
  /** The process exits this many milliseconds after each start, and after a change that sets this. */
  readonly crashAfter?: number;
  /** How it crashes: killed for its memory instead of exiting with 1. */
  readonly outOfMemory?: boolean;
  readonly neverReady?: boolean;
  /** Milliseconds from start to ready. */
  readonly readyAfter?: number;
  /** For an image that was really built; by default the digest follows from its name. */
  readonly digest?: string;
  /** The registry refuses the image with this message. */
  readonly pullFailure?: string;
}

export interface Image {
  /** `registry.example/checkout@sha256:…`, as in a pod's `imageID`. */
  readonly id: string;
  readonly digest: string;
  readonly version: string;
  readonly behaviour: ImageBehaviour;
}

export type Images = ReturnType<typeof createImages>;

/**
 * The images that can be pulled, by reference (`registry.example/checkout:2`). They are found by tag, by digest, and by both;
 * pulling anything else fails.
 */
export function createImages(initial: Readonly<Record<string, ImageBehaviour>>) {
  const behaviours = new Map(Object.entries(initial));
  const listeners = new Set<(reference: string) => void>();

  function describe(reference: string, behaviour: ImageBehaviour): Image {
    const [, name = reference, tag = 'latest'] = /^(.+?)(?::([^/:]+))?$/.exec(reference) ?? [];
    const digest = behaviour.digest ?? digestOf(reference);
    return { id: `${name}@${digest}`, digest, version: behaviour.version ?? tag, behaviour };
  }

  return {
    /** The image behind `name:tag`, `name@sha256:…` or `name:tag@sha256:…`. */
    resolve(reference: string): Image | undefined {
      const [name = '', digest] = reference.split('@');
      for (const [known, behaviour] of behaviours) {
        const image = describe(known, behaviour);
        const sameName = known === name || image.id.startsWith(`${name}@`);
        if (digest === undefined ? known === name : sameName && image.digest === digest) return image;
      }
      return undefined;
    },

    /** Adds an image, or changes some of its behaviour: running pods follow at once. */
    set(reference: string, change: ImageBehaviour): void {
      behaviours.set(reference, { ...behaviours.get(reference), ...change });
      for (const listener of listeners) listener(reference);
    },

    onChange(listener: (reference: string) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The digest of a reference in the lab's registry. */
export function digestOf(reference: string): string {
  return `sha256:${createHash('sha256').update(reference).digest('hex')}`;
}

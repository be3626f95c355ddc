import { createHash } from 'node:crypto';
import * as z from 'zod';

/** Media types of what a tag can name: https://github.com/opencontainers/image-spec, and docker's older ones. */
export const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

const descriptor = z.object({
  mediaType: z.string(),
  digest: z.string(),
  size: z.number(),
  platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).optional(),
  annotations: z.record(z.string(), z.string()).nullish(),
});
export type Descriptor = z.infer<typeof descriptor>;

export const indexSchema = z.object({ manifests: z.array(descriptor) });
export const imageSchema = z.object({ config: descriptor, layers: z.array(descriptor) });
export const configSchema = z.object({
  os: z.string().optional(),
  architecture: z.string().optional(),
  variant: z.string().optional(),
  config: z.object({ OnBuild: z.array(z.string()).nullish() }).nullish(),
});

type Platform = Pick<z.infer<typeof configSchema>, 'os' | 'architecture' | 'variant'>;

/** A manifest as the registry stores it. */
export interface Manifest {
  readonly digest: string;
  readonly mediaType: string;
  /** The unchanged text, because the digest is computed from these bytes. */
  readonly text: string;
}

/** An image with everything that was found below its digest. */
export interface Inspected {
  readonly manifest: Manifest;
  /** `linux/amd64`, `linux/arm/v7` */
  readonly platforms: readonly string[];
  /** Compressed bytes of all layers of the largest platform. */
  readonly size: number;
  /** Types of the attestations that every platform has: `https://slsa.dev/provenance/v1`. */
  readonly predicates: readonly string[];
}

export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

export function platformText({ os, architecture, variant }: Platform): string | undefined {
  if (os === undefined || architecture === undefined || os === 'unknown') return undefined;
  return [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/');
}

/** The digest of the image that an attestation in an index describes; undefined for other entries. */
export function attested({ annotations }: Descriptor): string | undefined {
  // https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
  return annotations?.['vnd.docker.reference.type'] === 'attestation-manifest'
    ? annotations['vnd.docker.reference.digest']
    : undefined;
}

export function predicatesOf(image: z.infer<typeof imageSchema>): string[] {
  return image.layers.flatMap(({ annotations }) => annotations?.['in-toto.io/predicate-type'] ?? []);
}

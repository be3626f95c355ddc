import type * as z from 'zod';
import type { Repository } from '../../core/image-reference.ts';
import { absent, readAnswer } from './answers.ts';
import type { ContentReader } from './content.ts';
import {
  attested,
  type Inspected,
  imageSchema,
  indexSchema,
  type Manifest,
  platformText,
  predicatesOf,
} from './manifests.ts';

/**
 * The ONBUILD instructions of an image.
 *
 * @param platforms which images of an index are read; all where the index has none of these platforms
 */
export async function readTriggers(
  { manifest, child, configOf }: ContentReader,
  repository: Repository,
  digest: string,
  platforms: readonly string[],
): Promise<string[]> {
  const top = await manifest(repository, digest);
  if (!top) throw absent(repository, digest);
  if (!isIndex(top)) return (await configOf(repository, top.text)).config?.OnBuild ?? [];
  const images = readAnswer(indexSchema, top.text, repository).manifests.filter((part) => attested(part) === undefined);
  const meant = images.filter(({ platform }) => isOneOf((platform && platformText(platform)) ?? '', platforms));
  const configs = await Promise.all(
    (meant.length > 0 ? meant : images).map(async (part) => configOf(repository, (await child(repository, part)).text)),
  );
  return configs.flatMap(({ config }) => config?.OnBuild ?? []);
}

/** Reads an image with all manifests below it. Throws `not-found` where one is missing. */
export async function inspectImage(
  { child, configOf }: ContentReader,
  repository: Repository,
  top: Manifest,
): Promise<Inspected> {
  if (!isIndex(top)) {
    const platform = platformText(await configOf(repository, top.text));
    return {
      manifest: top,
      platforms: platform === undefined ? [] : [platform],
      size: sizeOf(readAnswer(imageSchema, top.text, repository)),
      predicates: [],
    };
  }
  const { manifests } = readAnswer(indexSchema, top.text, repository);
  const parts = await Promise.all(
    manifests.map(async (part) => ({
      part,
      image: readAnswer(imageSchema, (await child(repository, part)).text, repository),
    })),
  );
  const images = parts.filter(({ part }) => attested(part) === undefined);
  const predicates = images.map(
    ({ part }) =>
      new Set(
        parts.filter((other) => attested(other.part) === part.digest).flatMap(({ image }) => predicatesOf(image)),
      ),
  );
  return {
    manifest: top,
    platforms: images.flatMap(({ part }) => (part.platform && platformText(part.platform)) ?? []),
    size: Math.max(0, ...images.map(({ image }) => sizeOf(image))),
    predicates: [...(predicates[0] ?? [])].filter((type) => predicates.every((found) => found.has(type))),
  };
}

function sizeOf({ layers }: z.infer<typeof imageSchema>): number {
  return layers.reduce((sum, { size }) => sum + size, 0);
}

/** `linux/arm64/v8` matches `linux/arm64`. */
function isOneOf(platform: string, wanted: readonly string[]): boolean {
  return wanted.some((one) => platform === one || platform.startsWith(`${one}/`));
}

function isIndex({ mediaType }: Manifest): boolean {
  return /index|list/.test(mediaType);
}

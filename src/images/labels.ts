import type { Source } from './source.ts';

export type Labels = Readonly<Record<string, string>>;

/**
 * The labels of an image. None depends on the time of the build, so the same commit gives the same labels.
 * https://github.com/opencontainers/image-spec/blob/main/annotations.md
 */
export function ociLabels(source: Source, version: string | undefined): Labels {
  const { url, revision, createdAt, title, description, license } = source;
  const labels = {
    title,
    description,
    url,
    source: url,
    version,
    created: createdAt === undefined ? undefined : new Date(createdAt).toISOString(),
    revision,
    licenses: license,
  };
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [[`org.opencontainers.image.${name}`, value]],
    ),
  );
}

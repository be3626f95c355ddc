import type { Reference } from '../core/image-reference.ts';

/** Where values come from, as the inputs say it. */
export interface ValueSources {
  readonly files: readonly string[];
  /** File with the values that the workflow gives as YAML. */
  readonly inline: string | undefined;
  /** File with the values that only a canary has. */
  readonly canary: string | undefined;
  readonly set: readonly string[];
  readonly setString: readonly string[];
}

/** What may stand in a setting for a part of the image. */
export const IMAGE_PARTS = ['image', 'repository', 'tag', 'digest'] as const;

/**
 * Settings that tell a chart its image, `{image}` and the like in them replaced by parts of it. `{repository}` and `{tag}` are
 * cut at the last colon, also of a digest: charts join the two by one, as that of `helm create` does.
 */
export function imageSettings(
  { text, name, tag = 'latest', digest }: Reference,
  settings: readonly string[],
): string[] {
  const [, hash = ''] = digest?.split(':') ?? [];
  const joined =
    digest === undefined ? { repository: name, tag } : { repository: text.slice(0, -hash.length - 1), tag: hash };
  const parts: Readonly<Record<string, string>> = { image: text, ...joined, digest: digest ?? '' };
  return settings.map((setting) => setting.replaceAll(/\{(\w+)\}/g, (whole, name: string) => parts[name] ?? whole));
}

/**
 * The flags for Helm, which merges: later files win, the workflow's own YAML over files, `set` over both. A canary's come last of the files. Nothing is merged
 * here, as Helm's rules (null deletes, lists are replaced, YAML 1.1) are what charts are tested with.
 */
export function valueFlags({ files, inline, canary, set, setString }: ValueSources): string[] {
  return [
    ...[...files, inline, canary].flatMap((file) => (file === undefined ? [] : ['--values', file])),
    ...set.flatMap((setting) => ['--set', setting]),
    ...setString.flatMap((setting) => ['--set-string', setting]),
  ];
}

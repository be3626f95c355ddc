import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reference } from '../../core/image-reference.ts';
import { type Assignment, readSettings, settled } from './settings.ts';

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
 *
 * What `set` and `set-string` say may be secret, and a command line can be read by everybody on the machine: texts go to files,
 * which `--set-file` takes by the same keys. Truth values, null and whole numbers have no such way and stay on the command line.
 *
 * @param folder of this run's own, for those files
 * @throws SluiceError `invalid-input` for settings that Helm can't read
 */
export async function valueFlags(
  { files, inline, canary, set, setString }: ValueSources,
  folder: string,
): Promise<string[]> {
  const assignments = settled([
    ...set.flatMap((line) => readSettings(line, 'set')),
    ...setString.flatMap((line) => readSettings(line, 'set-string')),
  ]);
  // Helm takes these flags before all `--set-file`.
  const open = assignments.flatMap((assignment) => openFlag(assignment));
  const write = textWriter(folder);
  const hidden: string[] = [];
  for (const assignment of assignments) hidden.push(...(await fileFlags(assignment, write)));
  return [
    ...[...files, inline, canary].flatMap((file) => (file === undefined ? [] : ['--values', file])),
    ...open,
    ...hidden,
  ];
}

/** What is no text, with nothing in the places of texts. */
function openFlag({ key, value }: Assignment): string[] {
  if ('text' in value) return value.isText ? [] : ['--set', `${key}=${value.text}`];
  if (value.every(({ isText }) => isText)) return [];
  return ['--set', `${key}={${value.map(({ text, isText }) => (isText ? '' : text)).join(',')}}`];
}

async function fileFlags({ key, value }: Assignment, write: (text: string) => Promise<string>): Promise<string[]> {
  if ('text' in value) return value.isText ? ['--set-file', `${key}=${await write(value.text)}`] : [];
  const texts = value.flatMap(({ text, isText }, place) => (isText ? [{ text, place }] : []));
  const written = await Promise.all(texts.map(async ({ text, place }) => ({ file: await write(text), place })));
  if (written.length < value.length)
    return written.flatMap(({ file, place }) => ['--set-file', `${key}[${place}]=${file}`]);
  return ['--set-file', `${key}={${written.map(({ file }) => file).join(',')}}`];
}

/** Writes each text to a file that only this user can read, and gives its path as it stands in a flag. */
function textWriter(folder: string): (text: string) => Promise<string> {
  let count = 0;
  return async (text) => {
    const path = join(folder, `value-${count}`);
    count += 1;
    await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    return path.replaceAll(/[\\,{}]/g, '\\$&');
  };
}

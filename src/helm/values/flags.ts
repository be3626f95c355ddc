import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reference } from '../../core/image-reference.ts';
import { type Assignment, readSettings, settled } from './settings.ts';

/** Where values come from, from the inputs. */
export interface ValueSources {
  readonly files: readonly string[];
  /** File with the YAML values of the workflow. */
  readonly inline: string | undefined;
  /** File with the values of a canary only. */
  readonly canary: string | undefined;
  readonly set: readonly string[];
  readonly setString: readonly string[];
}

/** The parts of the image that a setting can name. */
export const IMAGE_PARTS = ['image', 'repository', 'tag', 'digest'] as const;

/**
 * Settings that tell a chart its image; replaces `{image}` and the like with parts of it. `{repository}` and `{tag}` are split
 * at the last colon, also in a digest: charts join the two with a colon, as the chart of `helm create` does.
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
 * The flags for Helm, which merges the values: later files win, the workflow's own YAML over files, `set` over both. The file
 * of a canary is the last of the files. Nothing is merged here, because charts are tested with Helm's rules (null deletes,
 * lists are replaced, YAML 1.1).
 *
 * Values of `set` and `set-string` may be secret, and everyone on the machine can read a command line: texts go to files,
 * which `--set-file` takes by the same keys. Booleans, null and whole numbers cannot go to a file and stay on the command
 * line.
 *
 * @param folder where those files are put; belongs to this run alone
 * @throws SluiceError `invalid-input` for settings that Helm cannot read
 */
export async function valueFlags(
  { files, inline, canary, set, setString }: ValueSources,
  folder: string,
): Promise<string[]> {
  const assignments = settled([
    ...set.flatMap((line) => readSettings(line, 'set')),
    ...setString.flatMap((line) => readSettings(line, 'set-string')),
  ]);
  // Helm applies these flags before any `--set-file`.
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

/** The flag for values that are no text; texts of a list are left empty here. */
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

/** Writes each text to a file that only this user can read, and returns its path, escaped for a flag. */
function textWriter(folder: string): (text: string) => Promise<string> {
  let count = 0;
  return async (text) => {
    const path = join(folder, `value-${count}`);
    count += 1;
    await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    return path.replaceAll(/[\\,{}]/g, '\\$&');
  };
}

import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf, SluiceError } from '../core/errors.ts';
import { type BuilderKind, createFilter, type IgnorePattern, readIgnoreFile } from './ignore-file.ts';

export interface BuildContext {
  /** Absolute path. */
  readonly folder: string;
  /** Absolute path of the Dockerfile. */
  readonly file: string;
  readonly dockerfile: string;
}

/**
 * Finds the context and its Dockerfile, before anything is started for the build.
 *
 * @param file relative to the workspace; by default, the `Dockerfile` or `Containerfile` of the context
 * @throws SluiceError `not-found` that names what is missing
 */
export async function findContext(workspace: string, context: string, file?: string): Promise<BuildContext> {
  const folder = resolve(workspace, context);
  const entries = await readdir(folder).catch((cause: unknown) => {
    throw new SluiceError('not-found', {
      about: `context ${context}`,
      problem: 'is no folder that can be read.',
      next: 'Give a folder of the repository, and check it out in an earlier step (actions/checkout).',
      cause,
    });
  });
  // Docker's default name first, and then the other names that docker and buildah look for.
  const usual = ['Dockerfile', 'dockerfile', 'Containerfile'].find((name) => entries.includes(name)) ?? 'Dockerfile';
  const path = file === undefined ? join(folder, usual) : resolve(workspace, file);
  const dockerfile = await readFile(path, 'utf8').catch((cause: unknown) => {
    const similar = entries.filter((name) => /dockerfile|containerfile/i.test(name));
    const found = similar.length === 0 ? 'The context has none' : `The context has ${similar.join(', ')}`;
    throw new SluiceError('not-found', {
      about: `Dockerfile ${relative(workspace, path)}`,
      problem: 'does not exist.',
      next: `${found}; give its path from the root of the repository as "file".`,
      cause,
    });
  });
  return { folder, file: path, dockerfile };
}

export interface HashedContext {
  /** SHA-256 of everything that the build may read: names, kinds, modes, contents, links; without times and owners. */
  readonly hash: string;
  readonly files: number;
  /** The context contains `.git`, which differs after each checkout. */
  readonly withGit: boolean;
  /** Differences in the context that the hash does not show, as sentences. */
  readonly unknown: readonly string[];
}

/** Number of files that are read at the same time. */
const AT_ONCE = 32;

/** Permission bits with setuid, setgid and the sticky bit: the builder copies all of them. */
const MODE = 0o7777;

/** Hashes the part of the context that the builder would send, after applying its ignore file. */
export async function hashContext(
  { folder, file }: BuildContext,
  signal: AbortSignal,
  kind: BuilderKind = 'buildx',
): Promise<HashedContext> {
  const ignoring = await readIgnoreFile(folder, file, kind);
  const found = await entriesOf(folder, ignoring.patterns, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    return messageOf(error);
  });
  const reasons = ignoring.unknown === undefined ? [] : [ignoring.unknown];
  if (typeof found === 'string') {
    return { hash: '', files: 0, withGit: false, unknown: [...reasons, `The context can't be read: ${found}.`] };
  }
  const odd = found.filter(({ path, stats }) => kindOf(stats) === undefined || path.includes('\uFFFD'));
  if (odd.length > 0)
    reasons.push(`${odd[0]?.path} in the context is neither file, folder nor link, or its name is no UTF-8.`);
  return {
    hash: await hashOf(folder, found, signal),
    files: found.filter(({ stats }) => stats.isFile()).length,
    withGit: found.some(({ path }) => path === '.git'),
    unknown: reasons,
  };
}

interface Entry {
  readonly path: string;
  readonly stats: Stats;
}

/** Everything that is sent, sorted: entries that are not ignored, and the parent folders of exceptions. */
async function entriesOf(folder: string, patterns: readonly IgnorePattern[], signal: AbortSignal): Promise<Entry[]> {
  const filter = createFilter({ patterns });
  const exceptions = patterns.some(({ exception }) => exception);

  async function walk(below: string, parent?: readonly boolean[]): Promise<Entry[]> {
    signal.throwIfAborted();
    const found: Entry[] = [];
    for (const name of await readdir(join(folder, below))) {
      const path = below === '' ? name : `${below}/${name}`;
      const { ignored, matched } = filter(path, parent);
      // Without exceptions, an ignored folder is ignored with everything in it.
      if (ignored && !exceptions) continue;
      const stats = await lstat(join(folder, path));
      const children = stats.isDirectory() ? await walk(path, matched) : [];
      if (!ignored || children.length > 0) found.push({ path, stats }, ...children);
    }
    return found;
  }
  return (await walk('')).toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function hashOf(folder: string, found: readonly Entry[], signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const linked = firstNames(found);
  for (let index = 0; index < found.length; index += AT_ONCE) {
    signal.throwIfAborted();
    const entries = found.slice(index, index + AT_ONCE);
    const lines = await Promise.all(entries.map((entry) => describe(folder, entry, linked.get(inodeOf(entry)))));
    for (const line of lines) hash.update(`${JSON.stringify(line)}\n`);
  }
  return hash.digest('hex');
}

/** The first name of each file with several names in the context, because the builder keeps hard links. */
function firstNames(found: readonly Entry[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const entry of found) {
    const inode = inodeOf(entry);
    if (entry.stats.isFile() && entry.stats.nlink > 1 && !names.has(inode)) names.set(inode, entry.path);
  }
  return names;
}

function inodeOf({ stats }: Entry): string {
  return `${stats.dev} ${stats.ino}`;
}

function kindOf(stats: Stats): 'file' | 'folder' | 'link' | undefined {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'link' : undefined;
}

async function describe(folder: string, { path, stats }: Entry, linked: string | undefined): Promise<unknown[]> {
  const at = join(folder, path);
  const kind = kindOf(stats);
  if (kind === 'link') return [path, kind, await readlink(at)];
  const mode = stats.mode & MODE;
  if (kind !== 'file') return [path, kind, mode];
  const hash = createHash('sha256');
  await pipeline(createReadStream(at), hash);
  return [path, kind, mode, hash.digest('hex'), linked === path ? undefined : linked];
}

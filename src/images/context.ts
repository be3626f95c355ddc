import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import dockerignore from '@balena/dockerignore';
import { SluiceError } from '../canary/errors.ts';

export interface BuildContext {
  /** Absolute. */
  readonly folder: string;
  /** Absolute path of the Dockerfile. */
  readonly file: string;
  readonly dockerfile: string;
}

/**
 * Finds the context and its Dockerfile, before anything is started for it.
 *
 * @param file relative to the workspace; without it, the `Dockerfile` of the context
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
  const path = file === undefined ? join(folder, 'Dockerfile') : resolve(workspace, file);
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
  /** SHA-256 of all that the build may read: names, kinds, execute bits, contents; not times and owners. */
  readonly hash: string;
  readonly files: number;
  /** It holds `.git`, of which only the commit counts. */
  readonly withGit: boolean;
}

/** Files read at one time. */
const AT_ONCE = 32;

/** Hashes what BuildKit would send of the context, after `.dockerignore`. */
export async function hashContext({ folder, file }: BuildContext, signal: AbortSignal): Promise<HashedContext> {
  const ignoring = await readIgnore(folder, file);
  const ignores = dockerignore.default().add(ignoring).createFilter();
  // Where nothing is excepted, an ignored folder is ignored with all that is in it.
  const prunes = !ignoring.some((pattern) => pattern.startsWith('!'));
  const found: Entry[] = [];
  let withGit = false;

  async function walk(below: string): Promise<void> {
    signal.throwIfAborted();
    const entries = await readdir(join(folder, below), { withFileTypes: true });
    for (const entry of entries) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      const kept = ignores(path);
      if (path === '.git') {
        withGit ||= kept;
        continue;
      }
      if (entry.isDirectory()) {
        if (kept) found.push({ path, kind: 'folder' });
        if (kept || !prunes) await walk(path);
      } else if (kept) {
        if (entry.isFile()) found.push({ path, kind: 'file' });
        if (entry.isSymbolicLink()) found.push({ path, kind: 'link' });
      }
    }
  }
  await walk('');
  found.sort((a, b) => (a.path < b.path ? -1 : 1));

  const hash = createHash('sha256');
  for (let index = 0; index < found.length; index += AT_ONCE) {
    signal.throwIfAborted();
    const lines = await Promise.all(found.slice(index, index + AT_ONCE).map((entry) => describe(folder, entry)));
    for (const line of lines) hash.update(`${JSON.stringify(line)}\n`);
  }
  return { hash: hash.digest('hex'), files: found.filter(({ kind }) => kind === 'file').length, withGit };
}

interface Entry {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
}

async function describe(folder: string, { path, kind }: Entry): Promise<readonly unknown[]> {
  const at = join(folder, path);
  if (kind === 'folder') return [path, kind];
  if (kind === 'link') return [path, kind, await readlink(at)];
  const { mode } = await lstat(at);
  const hash = createHash('sha256');
  await pipeline(createReadStream(at), hash);
  return [path, kind, (mode & 0o111) !== 0, hash.digest('hex')];
}

/** `Dockerfile.dockerignore` beside the Dockerfile goes before `.dockerignore` of the context. */
async function readIgnore(folder: string, file: string): Promise<string[]> {
  const text = await readFile(`${file}.dockerignore`, 'utf8')
    .catch(() => readFile(join(folder, '.dockerignore'), 'utf8'))
    .catch(() => '');
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

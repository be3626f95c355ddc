import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LAB, say, step } from './commands.ts';

/** What was built or fetched, keyed by version; stays when a lab goes. */
const cacheDir = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), LAB);

export function cachePath(name: string, version: string): string {
  return join(cacheDir, `${name}-${version}`);
}

/**
 * The cache's folder for one item at one version; `make` creates it if it is missing. It is created under another name and
 * renamed when complete, so an existing folder can be used.
 */
export async function cached(name: string, version: string, make: (dir: string) => Promise<void>): Promise<string> {
  const dir = cachePath(name, version);
  if (await exists(dir)) return dir;
  const aside = `${dir}.partial`;
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside, { recursive: true });
  say(`${name} ${version}: not in the cache yet, making it (minutes for a large Go program)`);
  await step(`${name} ${version}: made`, () => make(aside));
  await rename(aside, dir);
  return dir;
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cached, cachePath } from './cache.ts';
import { buildModule, type GoProgram } from './golang.ts';

/** A program that is made once for each version of it. */
export interface Program {
  /** Folder of the cache that has it once it is built. */
  readonly folder: string;
  isBuilt(): boolean;
  build(signal: AbortSignal): Promise<void>;
}

/** @param version names all that the result depends on */
export function program(
  name: string,
  version: string,
  make: (folder: string, signal: AbortSignal) => Promise<void>,
): Program {
  const folder = cachePath(name, version);
  return {
    folder,
    isBuilt: () => existsSync(folder),
    async build(signal) {
      await cached(name, version, (output) => make(output, signal));
    },
  };
}

/**
 * A program in Go, and the path of its executable file.
 *
 * @param version names the module's version, and what else the result depends on
 */
export function goProgram(
  name: string,
  source: GoProgram,
  version = source.version,
): Program & { readonly path: string } {
  const built = program(name, version, (output, signal) => buildModule(source, join(output, name), signal));
  return { ...built, path: join(built.folder, name) };
}

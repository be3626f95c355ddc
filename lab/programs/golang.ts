import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { inTemporaryFolder, run } from './commands.ts';

const downloaded = z.object({ GoMod: z.string(), Dir: z.string() });

export interface GoProgram {
  /** `k8s.io/kubernetes` */
  readonly module: string;
  readonly version: string;
  /** Import path of the main package, in the module itself or in one that it requires. */
  readonly package: string;
  readonly ldflags?: string;
  readonly tags?: readonly string[];
  /** Arguments of `go mod edit`. */
  readonly edits?: readonly string[];
  /** Files that the build embeds and the published module lacks, by their paths in the module. */
  readonly lacking?: Readonly<Record<string, Uint8Array>>;
  /** `go1.27.3`, if the module needs a newer Go than the machine's; it is downloaded as a module, too. */
  readonly toolchain?: string;
  /** True for a program that has parts in C: it needs gcc, and runs with the libraries of the machine that built it. */
  readonly cgo?: boolean;
}

/** Without cgo no C compiler is needed, and the program alone makes an image. */
const staticLink = { CGO_ENABLED: '0' };
const withC = { CGO_ENABLED: '1' };

/** Downloads a module and returns the folder of its sources and the path of its go.mod. */
export async function downloadModule(module: string, version: string, signal: AbortSignal, toolchain?: string) {
  const env = toolchainOf(toolchain);
  return downloaded.parse(
    JSON.parse(await run('go', ['mod', 'download', '-json', `${module}@${version}`], { signal, env })),
  );
}

function toolchainOf(toolchain: string | undefined): Readonly<Record<string, string>> {
  return toolchain === undefined ? {} : { GOTOOLCHAIN: toolchain };
}

/**
 * Builds a program of a module with the versions that the module itself pins. `go install` would refuse a go.mod with
 * replacements, so a temporary module takes over its requirements, replacements and checksums.
 */
export async function buildModule(program: GoProgram, output: string, signal: AbortSignal): Promise<void> {
  const source = await downloadModule(program.module, program.version, signal, program.toolchain);
  const env = { ...(program.cgo ? withC : staticLink), ...toolchainOf(program.toolchain) };
  await inTemporaryFolder(async (cwd) => {
    await writeFile(join(cwd, 'go.mod'), stagingAsModules(await readFile(source.GoMod, 'utf8'), program.version));
    // Written as a new file: copies of the module cache would be read-only.
    await writeFile(join(cwd, 'go.sum'), await readFile(join(source.Dir, 'go.sum')));
    const completed = await completeSource(program, source.Dir, cwd);
    const edits = [`-require=${program.module}@${program.version}`, ...(program.edits ?? []), ...completed];
    await run('go', ['mod', 'edit', '-module=sluice.lab/build', ...edits], { cwd, env, signal });
    const flags = ['-mod=mod', '-trimpath', `-ldflags=-s -w ${program.ldflags ?? ''}`, `-tags=${program.tags ?? ''}`];
    await run('go', ['build', ...flags, '-o', output, program.package], { cwd, env, signal });
  });
}

/** Copies a module's source and adds the files that it lacks. Gives the arguments of `go mod edit` that make the copy be used. */
async function completeSource({ module, lacking }: GoProgram, source: string, folder: string): Promise<string[]> {
  if (!lacking) return [];
  const copy = join(folder, 'source');
  // Files of the module cache are read-only.
  await run('cp', ['--recursive', '--no-preserve=mode', source, copy]);
  for (const [path, content] of Object.entries(lacking)) {
    await mkdir(dirname(join(copy, path)), { recursive: true });
    await writeFile(join(copy, path), content);
  }
  return [`-replace=${module}=./source`];
}

/** Builds one file that needs only the standard library. */
export async function buildFile(source: string, output: string, signal: AbortSignal): Promise<void> {
  await run('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', output, source], { env: staticLink, signal });
}

/** Kubernetes 1.x.y has its libraries in its own tree, which its module leaves out; they are published as v0.x.y. */
function stagingAsModules(goMod: string, version: string): string {
  const library = version.replace(/^v1\./, 'v0.');
  return goMod.replace(/=> \.\/staging\/src\/(\S+)/g, (_, path: string) => `=> ${path} ${library}`);
}

import { glob, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isSluiceError, SluiceError } from '../../canary/errors.ts';
import type { ManifestText } from '../../deploy/documents.ts';
import { replaceImages } from '../../deploy/images.ts';
import { parseManifests, type WrittenObject } from '../../deploy/objects.ts';
import { run } from '../../process.ts';
import type { KubectlInputs } from './inputs.ts';

/** Milliseconds for a kustomization, which may fetch bases from elsewhere. */
const KUSTOMIZE = 120_000;

/**
 * The objects that the inputs name, with their new images.
 *
 * @param workspace what paths start from
 * @throws SluiceError `invalid-input` for paths without manifests, and for all that is wrong in them
 */
export async function loadManifests(
  inputs: KubectlInputs,
  workspace: string,
  signal: AbortSignal,
): Promise<WrittenObject[]> {
  const { kustomize, manifests = [], images = [] } = inputs;
  const texts =
    kustomize === undefined ? await readManifests(manifests, workspace) : [await build(kustomize, workspace, signal)];
  const objects = parseManifests(texts);
  if (objects.length === 0) {
    throw new SluiceError('invalid-input', {
      about: `input "${kustomize === undefined ? 'manifests' : 'kustomize'}"`,
      problem: 'holds no object.',
      next: 'To delete all that was deployed, keep one object of it, such as a ConfigMap.',
    });
  }
  return replaceImages(objects, images);
}

async function readManifests(patterns: readonly string[], workspace: string): Promise<ManifestText[]> {
  const paths = await Promise.all(patterns.map((pattern) => filesOf(pattern, workspace)));
  const distinct = [...new Set(paths.flat())];
  return Promise.all(distinct.map(async (name) => ({ name, text: await readFile(join(workspace, name), 'utf8') })));
}

const isManifest = (path: string) => /\.(ya?ml|json)$/.test(path);

async function filesOf(pattern: string, workspace: string): Promise<string[]> {
  const found = (await Array.fromAsync(glob(pattern, { cwd: workspace }))).toSorted();
  const files = await Promise.all(
    found.map(async (path) => {
      if (!(await stat(join(workspace, path))).isDirectory()) return [path];
      const names = (await readdir(join(workspace, path))).toSorted();
      return names.filter(isManifest).map((name) => join(path, name));
    }),
  );
  if (files.flat().length > 0) return files.flat();
  throw new SluiceError('invalid-input', {
    about: 'input "manifests"',
    problem: found.length === 0 ? `nothing is at ${pattern}.` : `${pattern} holds no file of YAML or JSON.`,
    next: 'Give paths in the repository, and check it out in an earlier step (actions/checkout).',
  });
}

async function build(folder: string, workspace: string, signal: AbortSignal): Promise<ManifestText> {
  const { exitCode, stdout, stderr } = await withKubectl(join(workspace, folder), signal);
  if (exitCode !== 0) {
    throw new SluiceError('invalid-input', {
      about: `kustomization ${folder}`,
      problem: `can't be built: ${stderr.trim().replace(/^error:\s*/i, '')}`,
      next: 'Correct it; "kubectl kustomize" shows the same on your machine.',
    });
  }
  return { name: `kustomization ${folder}`, text: stdout };
}

async function withKubectl(path: string, signal: AbortSignal) {
  const policy = { signal, deadline: KUSTOMIZE };
  try {
    return await run({ file: 'kubectl', args: ['kustomize', path] }, policy);
  } catch (error) {
    if (!isSluiceError(error, 'not-found')) throw error;
    return run({ file: 'kustomize', args: ['build', path] }, policy);
  }
}

/** Values of Secrets that are long enough not to be ordinary words: `true` must not be masked everywhere. */
const SHORTEST_SECRET = 8;

/** What the Secrets among the objects keep secret, as text. */
export function secretValues(objects: readonly WrittenObject[]): string[] {
  return objects
    .filter(({ manifest }) => manifest.kind === 'Secret')
    .flatMap(({ manifest: { data, stringData } }) => [
      ...textsOf(data).flatMap((value) => [value, Buffer.from(value, 'base64').toString()]),
      ...textsOf(stringData),
    ])
    .filter(({ length }) => length >= SHORTEST_SECRET);
}

function textsOf(values: unknown): string[] {
  if (typeof values !== 'object' || values === null) return [];
  return Object.values(values).filter((value) => typeof value === 'string');
}

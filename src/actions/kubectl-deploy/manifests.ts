import { glob, readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ManifestText } from '../../apply/documents.ts';
import { parseManifests, type WrittenObject } from '../../apply/objects.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import { isRecord } from '../../core/json.ts';
import { run } from '../../core/process.ts';
import { replaceImages } from '../../kubectl/images.ts';
import type { Start } from '../../runner/define.ts';
import { type GivenInputs, parseInputs } from '../../runner/parse-inputs.ts';
import { isUrl } from '../../runner/secrets.ts';
import { type KubectlInputs, kubectlContradictions, kubectlInputs } from './inputs.ts';

/** Milliseconds for `kubectl kustomize`, which may fetch remote bases. */
const KUSTOMIZE = 120_000;

/** The inputs with the objects of their manifests; without objects in `post` and where nothing is deployed. */
export type LoadedManifests = KubectlInputs & { readonly written: readonly WrittenObject[] };

/**
 * Reads all inputs at once, then the manifests, whose Secrets are masked.
 *
 * @throws SluiceError `invalid-input` that names everything that is wrong
 */
export async function readManifestInputs(
  given: GivenInputs,
  { step, facts, signal, mask }: Start,
): Promise<LoadedManifests> {
  const inputs = parseInputs(kubectlInputs, given, 'kubectl-deploy', kubectlContradictions);
  if (step === 'post' || inputs.mode === 'discard-record') return { ...inputs, written: [] };
  const written = await loadManifests(inputs, facts.workspace, signal);
  mask(secretValues(written, [inputs.name ?? '', inputs.namespace ?? '']));
  return { ...inputs, written };
}

/**
 * The objects that the inputs name, with their new images.
 *
 * @param workspace paths are relative to it
 * @throws SluiceError `invalid-input` for paths without manifests, and for everything that is wrong in them
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

/** The texts of the files that these paths and globs name. */
export async function readManifests(patterns: readonly string[], workspace: string): Promise<ManifestText[]> {
  const paths = await Promise.all(patterns.map((pattern) => filesOf(pattern, workspace)));
  const distinct = [...new Set(paths.flat())];
  return Promise.all(distinct.map(async (name) => ({ name, text: textOf(await readFile(resolve(workspace, name))) })));
}

const isManifest = (path: string) => /\.(ya?ml|json)$/.test(path);

async function filesOf(pattern: string, workspace: string): Promise<string[]> {
  if (isUrl(pattern)) throw noPath(pattern, 'a URL is no path');
  const found = (await Array.fromAsync(glob(pattern, { cwd: workspace }))).toSorted();
  const files = await Promise.all(
    found.map(async (path) => {
      if (!(await stat(resolve(workspace, path))).isDirectory()) return [path];
      const names = (await readdir(resolve(workspace, path))).toSorted();
      return names.filter(isManifest).map((name) => join(path, name));
    }),
  );
  if (files.flat().length > 0) return files.flat();
  throw noPath(pattern, found.length === 0 ? 'nothing is there' : 'it holds no file of YAML or JSON');
}

function noPath(pattern: string, problem: string): SluiceError {
  return new SluiceError('invalid-input', {
    about: 'input "manifests"',
    problem: `can't read ${pattern}: ${problem}.`,
    next: isUrl(pattern)
      ? 'Fetch it in an earlier step (curl -fsSLo FILE URL), check what it is, and give the path of the file.'
      : 'Give paths of files, relative to the repository or absolute, that an earlier step has put there (actions/checkout).',
  });
}

/** PowerShell writes UTF-16, which the first two bytes show; all other files are UTF-8. */
function textOf(content: Buffer): string {
  const isWide = content[0] === 0xff && content[1] === 0xfe;
  return new TextDecoder(isWide ? 'utf-16le' : 'utf-8').decode(content);
}

async function build(folder: string, workspace: string, signal: AbortSignal): Promise<ManifestText> {
  const { exitCode, stdout, stderr } = await withKubectl(isUrl(folder) ? folder : resolve(workspace, folder), signal);
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

/** Characters of the shortest value of a Secret that is masked: words such as `true` must not be masked everywhere. */
const SHORTEST_SECRET = 8;

/**
 * The values of the Secrets among the objects, as text, and each line of a value with several lines, because the runner masks
 * line by line. A text that also names an object is no secret: if it were masked, logs and outputs could not name the object.
 *
 * @param names other public names: a namespace, an inventory
 */
export function secretValues(objects: readonly WrittenObject[], names: readonly string[] = []): string[] {
  const open = openTexts(objects, names);
  const values = objects
    .filter(({ manifest }) => manifest.kind === 'Secret')
    .flatMap(({ manifest: { data, stringData } }) => [
      ...textsIn(data).flatMap((value) => [value, Buffer.from(value, 'base64').toString()]),
      ...textsIn(stringData),
    ]);
  const lines = values.flatMap((value) => value.split(/\r?\n/)).map((line) => line.trim());
  const encoded = new Set([...open].map((text) => Buffer.from(text).toString('base64')));
  return [...new Set(lines)].filter((line) => line.length >= SHORTEST_SECRET && !open.has(line) && !encoded.has(line));
}

/** Texts that name objects: kinds, names and their parts, labels, and the keys of Secrets, which every diff shows. */
function openTexts(objects: readonly WrittenObject[], given: readonly string[]): ReadonlySet<string> {
  const names = objects.flatMap(({ manifest: { kind, metadata } }) => [kind, metadata.name, metadata.namespace ?? '']);
  const labels = objects.flatMap(({ manifest: { metadata } }) => Object.entries(metadata.labels ?? {}).flat());
  // `production` is part of `shop-production`; every part is as public as the whole name.
  const parts = [...names, ...given].flatMap((name) => runsOf(name.split(/[-.]/), name));
  return new Set([...labels, ...parts, ...objects.flatMap(({ manifest }) => keysOf(manifest))]);
}

/** All runs of consecutive words of a name: `a`, `a-b`, `b`, … */
function runsOf(words: readonly string[], name: string): string[] {
  const ends = words.map((_, index) => words.slice(0, index + 1).join('-').length);
  return words.flatMap((word, from) => {
    const start = (ends[from] ?? 0) - word.length;
    return ends.slice(from).map((end) => name.slice(start, end));
  });
}

function keysOf({ kind, data, stringData }: WrittenObject['manifest']): string[] {
  if (kind !== 'Secret') return [];
  return [data, stringData].flatMap((values) => (isRecord(values) ? Object.keys(values) : []));
}

function textsIn(values: unknown): string[] {
  return isRecord(values) ? Object.values(values).filter((value) => typeof value === 'string') : [];
}

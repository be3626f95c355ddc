import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { SluiceError } from '../core/errors.ts';
import type { Login } from './chart-commands.ts';
import type { Helm } from './cli.ts';

/** Where a chart comes from, from the inputs. */
export interface ChartInputs {
  /** A path, `NAME` or `REPO/NAME` of a repository, or `oci://…`. */
  readonly chart: string;
  /** URL of an HTTP repository. */
  readonly repository?: string | undefined;
  /** A version, a range, or a digest: `sha256:…`. */
  readonly version?: string | undefined;
  readonly login?: Login | undefined;
  /** The OCI registry has no TLS. */
  readonly plainHttp: boolean;
}

/** A chart on this machine. */
export interface Chart {
  /** A folder or an archive. */
  readonly path: string;
  /** `sha256:…`: of the manifest for a chart from a registry; else of the archive, or over all files of the folder. */
  readonly digest: string;
}

const REPOSITORY = 'sluice';

/**
 * Gets a chart from a registry, a repository or the workspace.
 *
 * @param folder where a fetched chart is put; belongs to this run alone
 * @throws SluiceError `not-found`, `forbidden` or `unreachable`; `conflict` where the digest is not the requested one
 */
export async function fetchChart(inputs: ChartInputs, helm: Helm, folder: string, signal: AbortSignal): Promise<Chart> {
  const { chart, repository } = inputs;
  if (chart.startsWith('oci://')) return fromRegistry(inputs, helm, folder, signal);
  if (repository !== undefined) {
    await helm.addRepository(REPOSITORY, repository, inputs.login, signal);
    const name = chart.slice(chart.lastIndexOf('/') + 1);
    return fromRepository(helm, inputs, { reference: `${REPOSITORY}/${name}`, folder }, signal);
  }
  const found = await stat(chart).catch(() => undefined);
  // Helm reads `REPO/NAME` as a chart of a repository that was added on this runner.
  if (!found && /^[\w-]+\/[\w.-]+$/.test(chart))
    return fromRepository(helm, inputs, { reference: chart, folder }, signal);
  if (!found) {
    throw new SluiceError('not-found', {
      about: `chart ${chart}`,
      problem: 'is no folder and no archive in the workspace.',
      next: 'Check it out in an earlier step (actions/checkout), or give "repository" or an oci:// address.',
    });
  }
  const digest = found.isDirectory() ? await folderDigest(chart) : sha256(await readFile(chart));
  return checked({ path: chart, digest }, inputs);
}

async function fromRegistry(
  { chart, version, login, plainHttp }: ChartInputs,
  helm: Helm,
  folder: string,
  signal: AbortSignal,
): Promise<Chart> {
  if (login) await helm.login(new URL(chart.replace(/^oci:/, 'https:')).host, login, plainHttp, signal);
  const byDigest = isDigest(version);
  const reference = byDigest ? `${chart}@${version}` : chart;
  const printed = await helm.pull(reference, { folder, version: byDigest ? undefined : version, plainHttp }, signal);
  const [, digest] = /^Digest: (sha256:[0-9a-f]{64})$/m.exec(printed) ?? [];
  const path = await archiveIn(folder);
  return { path, digest: digest ?? sha256(await readFile(path)) };
}

async function fromRepository(
  helm: Helm,
  inputs: ChartInputs,
  { reference, folder }: { readonly reference: string; readonly folder: string },
  signal: AbortSignal,
): Promise<Chart> {
  const version = isDigest(inputs.version) ? undefined : inputs.version;
  await helm.pull(reference, { folder, version, plainHttp: false }, signal);
  const path = await archiveIn(folder);
  return checked({ path, digest: sha256(await readFile(path)) }, inputs);
}

function isDigest(version: string | undefined): boolean {
  return version?.startsWith('sha256:') ?? false;
}

function checked(found: Chart, { chart, version }: ChartInputs): Chart {
  if (!isDigest(version) || version === found.digest) return found;
  throw new SluiceError('conflict', {
    about: `chart ${chart}`,
    problem: `has digest ${found.digest}, and ${version} was asked for.`,
    next: 'Give the digest that is meant (output "chart-digest" of a run that is trusted).',
  });
}

async function archiveIn(folder: string): Promise<string> {
  const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  if (archive !== undefined) return join(folder, archive);
  throw new SluiceError('failed', {
    about: 'helm pull',
    problem: 'ended well and left no archive.',
    next: 'Run again; report it if it stays.',
  });
}

/** SHA-256 over the names and contents of all files of a folder, sorted by path. */
async function folderDigest(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const lines = await Promise.all(
    paths.toSorted().map(async (path) => `${relative(folder, path)} ${sha256(await readFile(path))}\n`),
  );
  return sha256(lines.join(''));
}

export function sha256(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

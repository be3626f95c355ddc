import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SluiceError } from '../../core/errors.ts';
import type { Repository } from '../../core/image-reference.ts';
import type { Order } from '../../images/build-push.ts';
import type { BuildRequest } from '../../images/builder.ts';
import { findContext } from '../../images/context.ts';
import { ociLabels } from '../../images/labels.ts';
import type { Source } from '../../images/source.ts';
import { tagsOf } from '../../images/tags.ts';
import { suspiciousArgs } from './contradictions.ts';
import type { BuildPushInputs } from './inputs.ts';

/** Where the files of an order are. */
export interface Places {
  readonly workspace: string;
  /** A folder that belongs to this run alone. */
  readonly scratch: string;
  /** The environment of this process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The workflow that a signature without a key names: `acme/shop/.github/workflows/ci.yml@refs/heads/main`. */
  readonly workflow?: string | undefined;
}

/** The build that the inputs ask for, with tags and labels from the sources. */
export async function orderOf(inputs: BuildPushInputs, source: Source, places: Places): Promise<Order> {
  const { workspace, scratch } = places;
  const repositories = inputs.image ?? [];
  const tags = tagsOf(inputs.tags, source, inputs.version);
  if (inputs.push && tags.all.length === 0) throw noTags(source);
  const buildx = inputs['builder-kind'] === 'buildx';
  const provenance = attributes(inputs.provenance ?? `${buildx}`, 'mode=max');
  const sbom = inputs.sbom ?? `${buildx}`;
  const platforms = inputs.platforms ?? [];
  const context = await findContext(workspace, inputs.context, inputs.file);
  const derived = ociLabels(source, tags.version);
  const labels = { ...derived, ...inputs.labels };
  const isIndex = buildx && inputs.push && (provenance !== 'false' || sbom !== 'false' || platforms.length > 1);
  const secrets = inputs.secrets ?? {};
  const secretFiles = inputs['secret-files'] ?? {};

  const request = async (): Promise<Omit<BuildRequest, 'destination'>> => ({
    folder: context.folder,
    file: context.file,
    target: inputs.target,
    platforms,
    ...argumentsOf(inputs, places.env),
    secrets: { ...(await writeSecrets(secrets, scratch)), ...(await foundFiles(secretFiles, workspace)) },
    ssh: inputs.ssh ?? [],
    labels,
    annotations: [
      // Registries show the annotations of the index, if the image has one.
      ...(isIndex ? Object.entries(derived).map(([name, value]) => `index:${name}=${value}`) : []),
      ...(inputs.annotations ?? []),
    ],
    ...caches(inputs, repositories),
    noCache: inputs['no-cache'],
    pull: inputs.pull,
    // Attestations are stored beside a pushed image, so there are none without a push.
    provenance: inputs.push ? provenance : 'false',
    sbom: inputs.push ? sbom : 'false',
    createdAt: source.createdAt,
  });

  return {
    context,
    repositories,
    tags,
    immutable: inputs['immutable-tags'],
    facts: {
      target: inputs.target,
      platforms: platforms.length > 0 ? platforms.toSorted() : [nativePlatform(inputs)],
      buildArgs: inputs['build-args'] ?? {},
      secretIds: [...Object.keys(secrets), ...Object.keys(secretFiles)].toSorted(),
      // Without the labels that name the commit: a later commit with the same content may reuse the image, which still names
      // its own commit.
      labels: inputs.labels ?? {},
      annotations: inputs.annotations ?? [],
      builderKind: inputs['builder-kind'],
      provenance,
      sbom,
      ssh: (inputs.ssh ?? []).map((given) => given.split('=')[0] ?? '').toSorted(),
      signature: signatureOf(inputs, places),
    },
    createdAt: source.createdAt,
    push: inputs.push,
    reuse: inputs.reuse && !inputs['no-cache'],
    dryRun: inputs['dry-run'],
    staging: `sluice-${source.revision?.slice(0, 12) ?? 'unverified'}`,
    request,
  };
}

/**
 * Splits the build arguments. A name that the environment has with another value stays a plain argument, because the builder
 * itself may read that variable.
 */
function argumentsOf(inputs: BuildPushInputs, env: Places['env']): Pick<BuildRequest, 'buildArgs' | 'hiddenArgs'> {
  const suspicious = suspiciousArgs(inputs);
  const isHidden = ([name, value]: [string, string]) =>
    suspicious.includes(name) && (env[name] === undefined || env[name] === value);
  const given = Object.entries(inputs['build-args'] ?? {});
  return {
    buildArgs: Object.fromEntries(given.filter((entry) => !isHidden(entry))),
    hiddenArgs: Object.fromEntries(given.filter(isHidden)),
  };
}

/**
 * The signer of an image that may be reused. With "reuse-secret" the signer does not matter: whoever reuses the image signs it
 * again.
 */
function signatureOf(inputs: BuildPushInputs, { workflow }: Places): string {
  if (inputs['reuse-secret'] !== undefined) return 'none';
  const signer = inputs.sign === 'keyless' ? workflow : inputs['cosign-key'];
  return [inputs.sign, signer].filter((part) => part !== undefined).join(' ');
}

function attributes(given: string, whenTrue: string): string {
  return given === 'true' ? whenTrue : given;
}

/** Stands for the builder's own platform, which only the builder knows: the same builder has the same platform. */
function nativePlatform(inputs: BuildPushInputs): string {
  const builder = inputs['buildkit-address'] ?? inputs.builder;
  return builder === undefined ? `native ${process.arch}` : `native of ${builder}`.replaceAll('/', '_');
}

function caches(inputs: BuildPushInputs, [first]: readonly Repository[]) {
  const { cache, 'cache-dir': dir } = inputs;
  const scope = [first?.name, inputs.target]
    .filter((part) => part !== undefined)
    .join(' ')
    .replaceAll(/[^\w.-]+/g, '-');
  const ref = `type=registry,ref=${first?.name}:sluice-cache`;
  const byKind = {
    none: { from: [], to: [] },
    // Stored as an image manifest, which registries such as ECR require.
    registry: { from: [ref], to: [`${ref},mode=max,image-manifest=true,oci-mediatypes=true`] },
    gha: { from: [`type=gha,scope=${scope}`], to: [`type=gha,scope=${scope},mode=max`] },
    local: { from: [`type=local,src=${dir}`], to: [`type=local,dest=${dir},mode=max`] },
  } as const;
  // A pull request from a fork may read a cache but not write it.
  const to = inputs.push || cache !== 'registry' ? byKind[cache].to : [];
  return {
    cacheFrom: [...byKind[cache].from, ...(inputs['cache-from'] ?? [])],
    cacheTo: [...to, ...(inputs['cache-to'] ?? [])],
  };
}

/** Writes each secret to a file that only this user can read. */
async function writeSecrets(
  secrets: Readonly<Record<string, string>>,
  scratch: string,
): Promise<Record<string, string>> {
  const folder = join(scratch, 'secrets');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = Object.entries(secrets).map(async ([id, value], index) => {
    // An id can contain any characters, a file name cannot.
    const path = join(folder, `${index}`);
    await writeFile(path, value, { mode: 0o600 });
    return [id, path] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

async function foundFiles(paths: Readonly<Record<string, string>>, workspace: string): Promise<Record<string, string>> {
  const files = Object.entries(paths).map(async ([id, given]) => {
    const path = resolve(workspace, given);
    await readFile(path).catch((cause: unknown) => {
      throw new SluiceError('not-found', {
        about: `secret file ${given} (${id})`,
        problem: 'can’t be read.',
        next: 'Correct its path in "secret-files", or write it in an earlier step.',
        cause,
      });
    });
    return [id, path] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

function noTags({ ref }: Source): SluiceError {
  return new SluiceError('invalid-input', {
    about: 'input "tags"',
    problem: `gives no tag for ${ref ?? 'a commit of no branch or tag that is known'}.`,
    next: 'Add a rule that applies here (branch, pr, sha, latest), or a tag of your own: raw=nightly.',
  });
}

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { JobToken } from '../core/child-environment.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import { isLocalHost } from '../core/image-reference.ts';
import { tryParseJson } from '../core/json.ts';
import { type Ended, run } from '../core/process.ts';
import { type Builder, type BuildPolicy, type BuildRequest, each, pairs } from './builder.ts';
import { buildFailure } from './failures.ts';
import { followBuildKit } from './progress.ts';

/** Which BuildKit instance builds. */
export type BuilderChoice =
  | { readonly kind: 'named'; readonly name: string }
  /** A running BuildKit: `unix:///run/buildkit/buildkitd.sock`, `tcp://buildkit:1234`. */
  | { readonly kind: 'remote'; readonly address: string }
  /** Docker's current builder if it can do all that is asked; else a new one in a container, for this run. */
  | { readonly kind: 'usual' };

/** How buildx is called. */
interface Buildx {
  readonly file: string;
  readonly args: readonly string[];
}

type Policy = Pick<BuildPolicy, 'signal' | 'env'>;

/** Milliseconds for a command that is no build. */
const QUICK = 60_000;

/** The builder that is created for this run, if one is needed; `removeBuilder` removes it. */
interface OwnBuilder {
  readonly name: string;
  /** Called before it is created, so that it can be removed in every case. */
  beforeMaking(): void;
}

/**
 * A builder that uses buildx.
 *
 * @throws SluiceError `not-found` without buildx, `failed` where no builder can be created
 */
export async function buildxBuilder(
  choice: BuilderChoice,
  own: OwnBuilder,
  policy: Policy & Pick<BuildPolicy, 'scratch' | 'plainHttp'>,
): Promise<Builder> {
  const buildx = await findBuildx(policy);
  const builder = await chooseBuilder(buildx, choice, own, policy);
  const program = [buildx.file, ...buildx.args].join(' ');
  return {
    name: `${program}, ${builder === undefined ? 'its current builder' : `builder ${builder}`}`,
    async build(request, buildPolicy) {
      const { signal, deadline, env, scratch, onProgress } = buildPolicy;
      const metadata = join(scratch, 'metadata.json');
      const follower = followBuildKit();
      const args = [...buildx.args, 'build', ...buildxArguments(request, buildPolicy, metadata, builder)];
      const epoch = request.createdAt === undefined ? {} : sourceDateEpoch(request.createdAt);
      const { exitCode } = await run(
        { file: buildx.file, args, env: { ...env, ...epoch, ...request.hiddenArgs }, tokens: tokensFor(request) },
        { signal, deadline, onLine: (line) => follower.note(line).forEach(onProgress) },
      );
      const steps = follower.steps();
      if (exitCode !== 0) throw buildFailure({ program, exitCode, steps, texts: follower.texts() });
      return { digest: await digestIn(metadata), steps };
    },
  };
}

/** buildx needs a token of the job only for the cache of the workflow. */
function tokensFor({ cacheFrom, cacheTo }: BuildRequest): readonly JobToken[] {
  return [...cacheFrom, ...cacheTo].some((cache) => /\btype=gha\b/.test(cache)) ? ['cache'] : [];
}

/** Removes a builder that was created for a run; does nothing if there is none of that name. */
export async function removeBuilder(name: string, policy: Policy): Promise<void> {
  const { file, args } = await findBuildx(policy);
  await run({ file, args: [...args, 'rm', '--force', name], env: policy.env }, { ...policy, deadline: QUICK });
}

/** All arguments after `buildx build`. */
export function buildxArguments(
  request: BuildRequest,
  { plainHttp }: Pick<BuildPolicy, 'plainHttp'>,
  metadata: string,
  builder: string | undefined,
): string[] {
  const { target, platforms, destination } = request;
  return [
    ...(builder === undefined ? [] : ['--builder', builder]),
    '--progress',
    'rawjson',
    '--file',
    request.file,
    '--metadata-file',
    metadata,
    '--output',
    outputOf(destination, plainHttp),
    ...(destination.kind === 'load' ? each('--tag', destination.references) : []),
    ...(target === undefined ? [] : ['--target', target]),
    ...(platforms.length === 0 ? [] : ['--platform', platforms.join(',')]),
    ...each('--build-arg', [...pairs(request.buildArgs), ...Object.keys(request.hiddenArgs)]),
    ...each(
      '--secret',
      Object.entries(request.secrets).map(([id, file]) => fields({ id, src: file })),
    ),
    ...each('--ssh', request.ssh),
    ...each('--label', pairs(request.labels)),
    ...each('--annotation', request.annotations),
    ...each('--cache-from', request.cacheFrom),
    ...each('--cache-to', request.cacheTo),
    ...(request.noCache ? ['--no-cache'] : []),
    ...(request.pull ? ['--pull'] : []),
    '--provenance',
    request.provenance,
    '--sbom',
    request.sbom,
    request.folder,
  ];
}

function outputOf(destination: BuildRequest['destination'], plainHttp: readonly string[]): string {
  if (destination.kind === 'load') return 'type=docker';
  if (destination.kind === 'nowhere') return 'type=cacheonly';
  const { repositories } = destination;
  const outer = repositories.filter(({ registry }) => !isLocalHost(registry));
  // The attribute holds for all names of an output, and two outputs would have two digests. Where some registries use TLS,
  // BuildKit's configuration has to name those without it; for a builder of this run, it does.
  const insecure = outer.length > 0 && outer.every(({ registry }) => plainHttp.includes(registry));
  return fields({
    type: 'image',
    name: repositories.map(({ name }) => name).join(','),
    'push-by-digest': 'true',
    'name-canonical': 'true',
    push: 'true',
    ...(insecure && { 'registry.insecure': 'true' }),
  });
}

/** A line of CSV, as buildx reads its options: `type=image,"name=a,b"`. */
function fields(attributes: Readonly<Record<string, string>>): string {
  return pairs(attributes)
    .map((field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
}

/** https://reproducible-builds.org/specs/source-date-epoch/ asks for seconds. */
function sourceDateEpoch(createdAt: number): Record<string, string> {
  return { SOURCE_DATE_EPOCH: `${Math.floor(createdAt / 1_000)}` };
}

async function findBuildx(policy: Policy): Promise<Buildx> {
  const ways: readonly Buildx[] = [
    { file: 'docker', args: ['buildx'] },
    { file: 'buildx', args: [] },
  ];
  for (const way of ways) {
    const ended = await orMissing(
      run({ file: way.file, args: [...way.args, 'version'], env: policy.env }, { ...policy, deadline: QUICK }),
    );
    if (ended?.exitCode === 0) return way;
  }
  throw new SluiceError('not-found', {
    about: 'buildx',
    problem: 'is not installed on this runner, neither as "docker buildx" nor alone.',
    next: 'Add docker/setup-buildx-action as an earlier step, or build with "builder-kind: buildah".',
  });
}

async function orMissing(ending: Promise<Ended>): Promise<Ended | undefined> {
  try {
    return await ending;
  } catch (error) {
    if (isSluiceError(error, 'not-found')) return undefined;
    throw error;
  }
}

async function chooseBuilder(
  buildx: Buildx,
  choice: BuilderChoice,
  own: OwnBuilder,
  policy: Policy & Pick<BuildPolicy, 'scratch' | 'plainHttp'>,
): Promise<string | undefined> {
  const call = (args: readonly string[]) =>
    run({ file: buildx.file, args: [...buildx.args, ...args], env: policy.env }, { ...policy, deadline: QUICK });
  if (choice.kind === 'named') return choice.name;
  if (choice.kind === 'usual') {
    const { stdout } = await call(['inspect']);
    const driver = /^Driver:\s*(\S+)/m.exec(stdout)?.[1];
    // Docker's own driver can neither push by digest nor attest.
    if (driver !== undefined && driver !== 'docker') return undefined;
  }
  const config = join(policy.scratch, 'buildkitd.toml');
  if (choice.kind === 'usual') await writeFile(config, buildkitdConfig(policy.plainHttp));
  const driver =
    choice.kind === 'remote'
      ? ['--driver', 'remote', choice.address]
      : ['--driver', 'docker-container', '--buildkitd-config', config];
  own.beforeMaking();
  const { exitCode, stderr } = await call(['create', '--name', own.name, ...driver]);
  if (exitCode === 0 || /existing instance/.test(stderr)) return own.name;
  throw new SluiceError('failed', {
    about: `builder ${own.name}`,
    problem: `could not be made: ${stderr.trim().split('\n').at(-1)}.`,
    next: 'Name one that exists with "builder", or give "buildkit-address".',
  });
}

/** https://github.com/moby/buildkit/blob/master/docs/buildkitd.toml.md */
function buildkitdConfig(plainHttp: readonly string[]): string {
  return plainHttp.map((host) => `[registry.${JSON.stringify(host)}]\n  http = true\n  insecure = true\n`).join('');
}

const metadataSchema = z.object({ 'containerimage.digest': z.string().optional() });

async function digestIn(metadata: string): Promise<string | undefined> {
  const parsed = metadataSchema.safeParse(tryParseJson(await readFile(metadata, 'utf8')));
  if (parsed.success) return parsed.data['containerimage.digest'];
  throw new SluiceError('unsupported', {
    about: 'docker buildx',
    problem: 'wrote metadata of the build that can not be read.',
    next: 'Use a version of buildx from 0.10 on.',
  });
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLocalHost } from '../core/image-reference.ts';
import { run } from '../core/process.ts';
import { type Builder, type BuildPolicy, type BuildRequest, each, pairs } from './builder.ts';
import { buildFailure } from './failures.ts';
import { followBuildah } from './progress.ts';

/** Milliseconds that buildah may take to remove its local image. */
const QUICK = 60_000;

/**
 * A builder that uses buildah, without a daemon. Storage and isolation are buildah's own choice, or set by STORAGE_DRIVER and
 * BUILDAH_ISOLATION.
 *
 * @param localName names the built image until it is pushed
 */
export function buildahBuilder(localName: string): Builder {
  return {
    name: 'buildah',
    async build(request, policy) {
      const follower = followBuildah();
      const call = async (args: readonly string[], title: string) => {
        const { exitCode } = await run(
          { file: 'buildah', args, env: { ...policy.env, ...request.hiddenArgs } },
          { ...policy, onLine: (line) => follower.note(line).forEach(policy.onProgress) },
        );
        const ended = { program: title, exitCode, texts: follower.texts() };
        if (exitCode !== 0) throw buildFailure({ ...ended, steps: title === 'buildah build' ? follower.steps() : [] });
      };
      const local = `localhost/${localName.toLowerCase()}`;
      try {
        await call(buildahArguments(request, local), 'buildah build');
        return { digest: await push(request, policy, local, call), steps: follower.steps() };
      } finally {
        await run(
          { file: 'buildah', args: ['manifest', 'rm', local], env: policy.env },
          {
            signal: AbortSignal.timeout(QUICK),
            deadline: QUICK,
          },
        );
      }
    },
  };
}

/** All arguments after `buildah`. */
export function buildahArguments(request: BuildRequest, local: string): string[] {
  const { target, platforms, createdAt } = request;
  return [
    'build',
    '--layers',
    '--file',
    request.file,
    // Always a manifest list, so that there is one digest for any number of platforms.
    '--manifest',
    local,
    ...(target === undefined ? [] : ['--target', target]),
    ...(platforms.length === 0 ? [] : ['--platform', platforms.join(',')]),
    ...(createdAt === undefined ? [] : ['--timestamp', `${Math.floor(createdAt / 1_000)}`]),
    ...each('--build-arg', [...pairs(request.buildArgs), ...Object.keys(request.hiddenArgs)]),
    ...each(
      '--secret',
      Object.entries(request.secrets).map(([id, file]) => `id=${id},src=${file}`),
    ),
    ...each('--ssh', request.ssh),
    ...each('--label', pairs(request.labels)),
    ...each('--cache-from', request.cacheFrom),
    ...each('--cache-to', request.cacheTo),
    ...(request.noCache ? ['--no-cache'] : []),
    ...(request.pull ? ['--pull-always'] : []),
    request.folder,
  ];
}

/** Pushes under the staging tag, because buildah cannot push without a tag; returns the digest. */
async function push(
  { destination }: BuildRequest,
  { scratch, plainHttp }: BuildPolicy,
  local: string,
  call: (args: readonly string[], title: string) => Promise<void>,
): Promise<string | undefined> {
  if (destination.kind !== 'push') return undefined;
  const digestFile = join(scratch, 'digest');
  for (const { name, registry } of destination.repositories) {
    const insecure = plainHttp.includes(registry) || isLocalHost(registry);
    const tls = insecure ? ['--tls-verify=false'] : [];
    const to = `docker://${name}:${destination.staging}`;
    await call(['manifest', 'push', '--all', '--digestfile', digestFile, ...tls, local, to], 'buildah manifest push');
  }
  return (await readFile(digestFile, 'utf8')).trim();
}

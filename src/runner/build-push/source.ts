import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import type { Source } from '../../images/source.ts';
import { run } from '../../process.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** https://docs.github.com/en/webhooks/webhook-events-and-payloads, as far as it says something of an image. */
const eventSchema = z.object({
  pull_request: z.object({ number: z.number(), head: z.object({ sha: z.string() }).optional() }).optional(),
  head_commit: z.object({ id: z.string().optional(), timestamp: z.string().optional() }).nullish(),
  repository: z
    .object({
      name: z.string().optional(),
      description: z.string().nullish(),
      html_url: z.string().optional(),
      license: z.object({ spdx_id: z.string().nullish() }).nullish(),
    })
    .optional(),
});
type Event = z.infer<typeof eventSchema>;

/** Milliseconds. */
const GIT_DEADLINE = 10_000;

/** What the runner, its event and the checkout tell of the sources. */
export async function readSource(env: Environment, workspace: string, signal: AbortSignal): Promise<Source> {
  const event = await readEvent(env.GITHUB_EVENT_PATH);
  const revision =
    event.pull_request?.head?.sha ?? env.GITHUB_SHA ?? (await git(['rev-parse', 'HEAD'], workspace, signal));
  const createdAt = await commitTime(env, event, revision, workspace, signal);
  return sourceOf(env, event, revision, createdAt);
}

/** What the facts mean; pure. */
export function sourceOf(
  env: Environment,
  { repository, pull_request }: Event,
  revision: string | undefined,
  createdAt: number | undefined,
): Source {
  const server = env.GITHUB_SERVER_URL ?? 'https://github.com';
  const url = repository?.html_url ?? (env.GITHUB_REPOSITORY ? `${server}/${env.GITHUB_REPOSITORY}` : undefined);
  const title = repository?.name ?? env.GITHUB_REPOSITORY?.split('/')[1];
  const [, number] = /^refs\/pull\/(\d+)\//.exec(env.GITHUB_REF ?? '') ?? [];
  const pullRequest = pull_request?.number ?? (number === undefined ? undefined : Number(number));
  const license = repository?.license?.spdx_id;
  return {
    ...(env.GITHUB_REF && { ref: env.GITHUB_REF }),
    ...(revision && { revision }),
    ...(pullRequest !== undefined && { pullRequest }),
    ...(url !== undefined && { url }),
    ...(title !== undefined && { title }),
    ...(repository?.description && { description: repository.description }),
    ...(license && license !== 'NOASSERTION' && { license }),
    ...(createdAt !== undefined && { createdAt }),
  };
}

async function readEvent(path: string | undefined): Promise<Event> {
  if (!path) return {};
  try {
    return eventSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    // An event of another shape, such as one that act was given, says nothing of images.
    return {};
  }
}

/** Milliseconds since 1970. */
async function commitTime(
  env: Environment,
  { head_commit }: Event,
  revision: string | undefined,
  workspace: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const epoch = Number(env.SOURCE_DATE_EPOCH || Number.NaN);
  if (Number.isFinite(epoch)) return epoch * 1_000;
  const told = head_commit?.id === revision ? Date.parse(head_commit?.timestamp ?? '') : Number.NaN;
  if (Number.isFinite(told)) return told;
  const seconds = Number(
    (await git(['show', '-s', '--format=%ct', revision ?? 'HEAD'], workspace, signal)) ?? Number.NaN,
  );
  return Number.isFinite(seconds) ? seconds * 1_000 : undefined;
}

/** What Git answers; undefined where there is no Git, no repository, or no such commit. */
async function git(args: readonly string[], cwd: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    // The checkout may belong to another user than the one of a container.
    const safe = ['-c', `safe.directory=${cwd}`];
    const { exitCode, stdout } = await run(
      { file: 'git', args: [...safe, ...args], cwd },
      { signal, deadline: GIT_DEADLINE },
    );
    return exitCode === 0 && stdout !== '' ? stdout : undefined;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../../core/json.ts';
import { run } from '../../core/process.ts';
import type { Source } from '../../images/source.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** https://docs.github.com/en/webhooks/webhook-events-and-payloads; only the fields that matter for an image. */
const eventSchema = z.object({
  pull_request: z.object({ number: z.number(), head: z.object({ sha: z.string() }).optional() }).optional(),
  workflow_run: z
    .object({
      event: z.string().optional(),
      head_branch: z.string().nullish(),
      head_sha: z.string().optional(),
      head_repository: z.object({ full_name: z.string().optional() }).nullish(),
    })
    .optional(),
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

/** Where the sources are. */
export interface Checkout {
  readonly workspace: string;
  /** Folder of the context, relative to the workspace. */
  readonly context: string;
}

/**
 * Reads the source of the image from the runner, its event and the checkout.
 *
 * @param warn is called where the checkout is at another commit than the run's
 */
export async function readSource(
  env: Environment,
  { workspace, context }: Checkout,
  warn: (text: string) => void,
  signal: AbortSignal,
): Promise<Source> {
  const event = await readEvent(env.GITHUB_EVENT_PATH);
  const git = gitIn(workspace, signal);
  const head =
    (await git(['rev-parse', 'HEAD'])) ?? (await gitIn(resolve(workspace, context), signal)(['rev-parse', 'HEAD']));
  const follows = head !== undefined && (await isOwnCommit(env, head, git));
  const { ref, revision, warning } = builtCommit(env, event, { head, follows });
  if (warning !== undefined) warn(warning);
  const createdAt = await commitTime(env, event, revision, git);
  const { GITHUB_REF: _, ...others } = env;
  return sourceOf({ ...others, GITHUB_REF: ref }, event, revision, createdAt);
}

/** Whether the run itself has made this commit on top of its branch: no other remote branch contains it. */
async function isOwnCommit(env: Environment, head: string, git: Git): Promise<boolean> {
  const { GITHUB_SHA: sha, GITHUB_REF: ref = '' } = env;
  const [, branch] = /^refs\/heads\/(.+)$/.exec(ref) ?? [];
  if (sha === undefined || branch === undefined) return false;
  const above = await git(['merge-base', '--is-ancestor', '--end-of-options', sha, head]);
  const refs = await git(['for-each-ref', '--contains', head, '--format=%(refname)', 'refs/remotes']);
  const others = (refs ?? '').split('\n').filter((name) => name !== '' && !name.endsWith(`/${branch}`));
  return above !== undefined && refs !== undefined && others.length === 0;
}

/** The commit that is checked out. */
interface Head {
  /** Undefined without Git. */
  readonly head: string | undefined;
  /** The run has made it, on top of the run's own commit. */
  readonly follows: boolean;
}

interface BuiltCommit {
  /** Undefined where no known ref contains the commit. */
  readonly ref: string | undefined;
  readonly revision: string | undefined;
  readonly warning?: string;
}

/** Which commit is built, and which ref names it; a pure function. */
export function builtCommit(env: Environment, event: Event, { head, follows }: Head): BuiltCommit {
  const { GITHUB_SHA: sha, GITHUB_REF: ref, GITHUB_REPOSITORY: repository } = env;
  const pull = event.pull_request?.head?.sha;
  // The checkout of a pull request is its merge commit; people know the head commit of its branch.
  const ofPull = /^refs\/pull\//.test(ref ?? '') ? pull : undefined;
  if (head === undefined || sha === undefined || head === sha) return { ref, revision: ofPull ?? sha ?? head };
  if (head === pull) return { ref: ofPull === undefined ? undefined : ref, revision: head };
  const { workflow_run: other } = event;
  if (other?.head_sha === head) {
    // The branch of a fork or of a pull request is no branch of this repository.
    const isOwn = other.event === 'push' && other.head_repository?.full_name === repository && other.head_branch;
    return { ref: isOwn ? `refs/heads/${other.head_branch}` : undefined, revision: head };
  }
  if (follows) return { ref, revision: head };
  const warning = `${head.slice(0, 12)} is checked out, not ${sha.slice(0, 12)} that this run is for: the image is named after the former, and ${ref ?? 'the ref'} does not follow it.`;
  return { ref: undefined, revision: head, warning };
}

/** The source that follows from these facts; a pure function. */
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
    return eventSchema.parse(parseJson(await readFile(path, 'utf8')));
  } catch {
    // An event of another shape, for example in act, tells nothing about an image.
    return {};
  }
}

/** Time of the commit, in milliseconds since 1970. */
async function commitTime(
  env: Environment,
  { head_commit }: Event,
  revision: string | undefined,
  git: Git,
): Promise<number | undefined> {
  const epoch = Number(env.SOURCE_DATE_EPOCH || Number.NaN);
  if (Number.isFinite(epoch)) return epoch * 1_000;
  const told = head_commit?.id === revision ? Date.parse(head_commit?.timestamp ?? '') : Number.NaN;
  if (Number.isFinite(told)) return told;
  const seconds = Number(
    (await git(['show', '-s', '--format=%ct', '--end-of-options', revision ?? 'HEAD'])) || Number.NaN,
  );
  return Number.isFinite(seconds) ? seconds * 1_000 : undefined;
}

/** The output of Git; undefined without Git, without a repository, or if there is no such commit. */
type Git = (args: readonly string[]) => Promise<string | undefined>;

function gitIn(cwd: string, signal: AbortSignal): Git {
  // The checkout may belong to another user than the container's.
  const safe = ['-c', 'safe.directory=*'];
  return async (args) => {
    try {
      const { exitCode, stdout } = await run(
        { file: 'git', args: [...safe, ...args], cwd },
        { signal, deadline: GIT_DEADLINE },
      );
      return exitCode === 0 ? stdout : undefined;
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  };
}

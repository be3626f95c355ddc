import { tmpdir } from 'node:os';
import * as z from 'zod';

type Environment = Readonly<Record<string, string | undefined>>;

/** https://docs.github.com/en/actions/reference/workflows-and-actions/variables; all are absent outside of a runner. */
const variables = z.object({
  GITHUB_SERVER_URL: z.string().optional(),
  GITHUB_REPOSITORY: z.string().optional(),
  GITHUB_RUN_ID: z.string().optional(),
  GITHUB_RUN_ATTEMPT: z.string().optional(),
  GITHUB_JOB: z.string().optional(),
  GITHUB_ACTION: z.string().optional(),
  RUNNER_NAME: z.string().optional(),
  GITHUB_ACTOR: z.string().optional(),
  GITHUB_SHA: z.string().optional(),
  GITHUB_TRIGGERING_ACTOR: z.string().optional(),
  GITHUB_WORKSPACE: z.string().optional(),
  RUNNER_TEMP: z.string().optional(),
  NO_COLOR: z.string().optional(),
  GITHUB_ACTIONS: z.string().optional(),
  GITHUB_OUTPUT: z.string().optional(),
});

/** Facts that the runner gives in its environment. */
export interface RunnerFacts {
  /** Who started this run, and where it can be seen: `alice, https://github.com/acme/shop/actions/runs/1`. */
  readonly startedBy: string;
  /**
   * Names this step of this job: `16-2-release-runner-7-canary`. It is the same in `main` and `post`, and differs between the
   * jobs of a matrix, which only the runner's name tells apart.
   */
  readonly identity: string;
  /** The beginning of the identities of all steps of this run: `16-`. */
  readonly runPrefix: string;
  /** The GitHub server: `https://github.com`. */
  readonly server: string;
  /** The commit that the workflow runs for. */
  readonly commit: string | undefined;
  /** The folder where the repository is checked out. */
  readonly workspace: string;
  readonly temp: string;
  readonly colour: boolean;
  /** False in another CI system, where commands to the runner would be lines of the log, and a mask would show its secret. */
  readonly onRunner: boolean;
}

export function runnerFacts(env: Environment): RunnerFacts {
  const facts = variables.parse(env);
  const actor = facts.GITHUB_TRIGGERING_ACTOR ?? facts.GITHUB_ACTOR ?? env.USER ?? 'somebody';
  const server = facts.GITHUB_SERVER_URL ?? 'https://github.com';
  const run = facts.GITHUB_RUN_ID ?? `local-${process.pid}`;
  const url =
    facts.GITHUB_REPOSITORY === undefined || facts.GITHUB_RUN_ID === undefined
      ? undefined
      : `${server}/${facts.GITHUB_REPOSITORY}/actions/runs/${run}`;
  return {
    startedBy: url === undefined ? actor : `${actor}, ${url}`,
    identity: [run, facts.GITHUB_RUN_ATTEMPT, facts.GITHUB_JOB, facts.RUNNER_NAME, facts.GITHUB_ACTION]
      .filter((part) => part !== undefined && part !== '')
      .join('-')
      .replaceAll(/[^\w.-]+/g, '-'),
    runPrefix: `${run}-`,
    server,
    commit: facts.GITHUB_SHA || undefined,
    workspace: facts.GITHUB_WORKSPACE ?? process.cwd(),
    temp: facts.RUNNER_TEMP ?? tmpdir(),
    onRunner: [facts.GITHUB_ACTIONS, facts.GITHUB_OUTPUT, facts.RUNNER_TEMP].some((value) => value !== undefined),
    // https://no-color.org: any value but the empty text turns colours off.
    colour: facts.NO_COLOR === undefined || facts.NO_COLOR === '',
  };
}

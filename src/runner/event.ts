import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { parseJson } from '../core/json.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads; only the fields that lead to a pull request and its commit.
 */
const event = z.object({
  pull_request: z.object({ number: z.number(), head: z.object({ sha: z.string() }).optional() }).optional(),
  workflow_run: z
    .object({ head_sha: z.string(), pull_requests: z.array(z.object({ number: z.number() })).nullish() })
    .optional(),
  issue: z.object({ number: z.number(), pull_request: z.unknown().optional() }).optional(),
});

/** What a workflow runs for. */
export interface Occasion {
  /**
   * The commit. For a pull request, the head of its branch, not the merge commit that is checked out; after another workflow,
   * its commit.
   */
  readonly sha: string;
  readonly pullRequest: number | undefined;
}

/** The event that started the workflow. */
export async function occasionOf(env: Environment): Promise<Occasion> {
  const { pull_request: pull, issue, workflow_run: other } = await readEvent(env.GITHUB_EVENT_PATH);
  const commented = issue?.pull_request ? issue.number : undefined;
  return {
    sha: pull?.head?.sha ?? other?.head_sha ?? env.GITHUB_SHA ?? '',
    pullRequest: pull?.number ?? commented ?? other?.pull_requests?.[0]?.number,
  };
}

async function readEvent(path: string | undefined): Promise<z.infer<typeof event>> {
  if (path === undefined || path === '') return {};
  try {
    return event.parse(parseJson(await readFile(path, 'utf8')));
  } catch {
    // Events of another shape name no pull request.
    return {};
  }
}

import type { GitHub } from './client.ts';
import { type DeploymentState, shortened } from './deployments.ts';

/** https://docs.github.com/en/rest/commits/statuses#create-a-commit-status */
const states = {
  queued: 'pending',
  in_progress: 'pending',
  success: 'success',
  failure: 'failure',
  error: 'error',
  inactive: 'error',
} as const satisfies Record<DeploymentState, string>;

export interface CommitStatus {
  readonly sha: string;
  /** The name of the status in the list of checks. */
  readonly context: string;
  readonly state: DeploymentState;
  readonly description: string;
  readonly url: string;
}

/** Sets a status of a commit, unless it is already set. */
export async function tellCommitStatus(github: GitHub, status: CommitStatus): Promise<void> {
  const { sha, context, url } = status;
  const state = states[status.state];
  const description = shortened(status.description);
  await github.attempt(`commit status "${context}" of ${sha.slice(0, 7)}`, 'statuses: write', async () => {
    const { data } = await github.request('GET /repos/{owner}/{repo}/commits/{ref}/statuses', {
      ...github.place,
      ref: sha,
      per_page: 100,
    });
    const last = data.filter((each) => each.context === context).toSorted((a, b) => b.id - a.id)[0];
    if (last?.state === state && last.description === description && last.target_url === url) return;
    await github.request('POST /repos/{owner}/{repo}/statuses/{sha}', {
      ...github.place,
      sha,
      state,
      context,
      description,
      target_url: url,
    });
  });
}

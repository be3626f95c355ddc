import type { GitHub, TokenRight } from './client.ts';

/** Pages of a hundred comments that are looked through for an own one. */
const MOST_PAGES = 10;

/** The pull request that a commit belongs to: the open one, else the one that brought it. */
export async function pullRequestOf(github: GitHub, sha: string): Promise<number | undefined> {
  return github.attempt(`pull request of ${sha.slice(0, 7)}`, 'pull-requests: write', async () => {
    const { data } = await github.request('GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls', {
      ...github.place,
      commit_sha: sha,
    });
    return (data.find(({ state }) => state === 'open') ?? data[0])?.number;
  });
}

/**
 * Keeps one comment that begins with a hidden marker: makes it, or changes it where the text is another.
 *
 * @returns its address
 */
export async function keepComment(github: GitHub, issue: number, marker: string, text: string): Promise<string> {
  const right: TokenRight = 'pull-requests: write';
  const body = `${marker}\n${text}`;
  return github.attempt(`comment on #${issue}`, right, async () => {
    const own = await findComment(github, issue, marker);
    if (own?.body === body) return own.html_url;
    if (own) {
      const route = 'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}';
      return (await github.request(route, { ...github.place, comment_id: own.id, body })).data.html_url;
    }
    const route = 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments';
    return (await github.request(route, { ...github.place, issue_number: issue, body })).data.html_url;
  });
}

async function findComment(github: GitHub, issue: number, marker: string) {
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const { data } = await github.request('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
      ...github.place,
      issue_number: issue,
      per_page: 100,
      page,
    });
    // Others may quote it, with "> " before it.
    const own = data.find(({ body }) => body?.startsWith(marker));
    if (own || data.length < 100) return own;
  }
  return undefined;
}

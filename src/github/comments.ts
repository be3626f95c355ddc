import type { GitHub, TokenRight } from './client.ts';

/** Pages of a hundred comments that are searched for a comment of Sluice. */
const MOST_PAGES = 10;

/** The pull request of a commit: the open one, else the one that introduced the commit. */
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
 * A hidden marker by which Sluice finds its comments: an HTML comment; escapes keep its content from ending it, as no two
 * hyphens follow each other.
 */
export function hiddenMarker(what: Readonly<Record<string, string>>): string {
  const escaped = (sign: string) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `<!-- sluice ${JSON.stringify(what).replaceAll(/[<>]|-(?=-)/g, escaped)} -->`;
}

/**
 * Keeps one comment that begins with a hidden marker: creates it, or updates it where the text has changed.
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

/** The author of a comment or an issue, where GitHub names one. */
type Author = { readonly login: string; readonly type?: string } | null | undefined;

/**
 * Whether the author wrote with a token like this one: an app, as only the repository's owners install apps, or the user of
 * this token. An app's token may not ask who it is, and writes as an app.
 */
export async function isOwn(github: GitHub, author: Author): Promise<boolean> {
  if (author?.type === 'Bot') return true;
  return author ? author.login === (await github.login()) : false;
}

async function findComment(github: GitHub, issue: number, marker: string) {
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const { data } = await github.request('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
      ...github.place,
      issue_number: issue,
      per_page: 100,
      page,
    });
    // Others may quote the marker, with "> " before it, or copy it.
    for (const comment of data) {
      if (comment.body?.startsWith(marker) && (await isOwn(github, comment.user))) return comment;
    }
    if (data.length < 100) return undefined;
  }
  return undefined;
}

import type { GitHub } from './client.ts';
import { isOwn, keepComment } from './comments.ts';

export interface IssueText {
  /** What it is about, for errors: `the rollback`. */
  readonly about: string;
  readonly title: string;
  readonly text: string;
  /** Open issues of Sluice are looked for by the first label. */
  readonly labels: readonly string[];
  readonly assignees: readonly string[];
}

/**
 * Keeps one open issue that begins with a hidden marker: opens it, or adds the text of a later run as a comment, once. A
 * closed issue stays closed, because whoever closed it has dealt with it.
 *
 * @param run hidden marker of this run
 * @returns its address
 */
export async function keepIssue(github: GitHub, marker: string, run: string, issue: IssueText): Promise<string> {
  const { about, title, text, labels, assignees } = issue;
  const [label] = labels;
  const opened = await github.attempt(`issue about ${about}`, 'issues: write', async () => {
    const { data } = await github.request('GET /repos/{owner}/{repo}/issues', {
      ...github.place,
      state: 'open',
      ...(label !== undefined && { labels: label }),
      per_page: 100,
    });
    for (const { number, html_url: url, body, user, pull_request: pull } of data) {
      if (pull !== undefined || !body?.startsWith(marker) || !(await isOwn(github, user))) continue;
      return { number, url, isNew: body.includes(run) };
    }
    const created = await github.request('POST /repos/{owner}/{repo}/issues', {
      ...github.place,
      title,
      body: `${marker}\n${run}\n${text}`,
      labels: [...labels],
      assignees: [...assignees],
    });
    return { number: created.data.number, url: created.data.html_url, isNew: true };
  });
  if (!opened.isNew) await keepComment(github, opened.number, run, text);
  return opened.url;
}

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createGitHub } from '../../../src/github/client.ts';
import { hiddenMarker, keepComment } from '../../../src/github/comments.ts';
import { keepIssue } from '../../../src/github/issues.ts';
import { type GitHubDouble, githubToken, startGitHub } from '../../support/github-double.ts';
import { hostileText, render } from '../../support/hostile-markdown.ts';

const marker = hiddenMarker({ environment: 'production' });
const doubles: GitHubDouble[] = [];
afterAll(() => Promise.all(doubles.map((double) => double.stop())));

/** Repository acme/shop, with a token of an app or of a user. */
async function start(login?: string) {
  const double = await startGitHub(login === undefined ? {} : { login });
  doubles.push(double);
  const signal = new AbortController().signal;
  const github = createGitHub({
    token: githubToken,
    apiUrl: double.url,
    owner: 'acme',
    repo: 'shop',
    signal,
    pause: 1,
  });
  return { double, github };
}

const stranger = { login: 'mallory', type: 'User' } as const;

describe.each([
  ['an app', undefined],
  ['a user', 'alice'],
])('with the token of %s', (_, login) => {
  it('an own comment is changed', async () => {
    const { double, github } = await start(login);
    const first = await keepComment(github, 7, marker, 'one');
    expect(await keepComment(github, 7, marker, 'two')).toBe(first);
    expect(double.comments.map(({ body }) => body)).toEqual([`${marker}\ntwo`]);
  });

  it.each([
    ['somebody else', stranger],
    ['an account that is gone', null],
  ])('a comment of %s with the same marker is not taken for an own one', async (_name, user) => {
    const { double, github } = await start(login);
    double.comments.push({ id: 1, issue: 7, body: `${marker}\nApproved by alice`, html_url: 'https://x', user });
    await keepComment(github, 7, marker, 'one');
    await keepComment(github, 7, marker, 'two');
    expect(double.comments.map(({ body }) => body)).toEqual([`${marker}\nApproved by alice`, `${marker}\ntwo`]);
  });

  it('an issue of somebody else with the same marker is not taken for an own one', async () => {
    const { double, github } = await start(login);
    const issue = { about: 'the rollback', title: 'Rolled back', text: 'why', labels: ['rollback'], assignees: [] };
    const labels = [{ name: 'rollback' }];
    const forged = { title: 'x', body: `${marker}\nx`, assignees: [], number: 1, state: 'open', labels } as const;
    double.issues.push({ ...forged, assignees: [], html_url: 'https://x', user: stranger });
    const url = await keepIssue(github, marker, '<!-- run 1 -->', issue);
    expect(await keepIssue(github, marker, '<!-- run 2 -->', issue)).toBe(url);
    expect(double.issues).toHaveLength(2);
    expect(double.comments).toHaveLength(1);
  });
});

it('who the user of the token is, is asked again where GitHub asks to wait', async () => {
  const { double, github } = await start('alice');
  await keepComment(github, 7, marker, 'one');
  double.fail({ on: /GET \/user$/, status: 403, headers: { 'retry-after': '0' }, message: 'secondary rate limit' });
  await keepComment(github, 7, marker, 'two');
  expect(double.comments.map(({ body }) => body)).toEqual([`${marker}\ntwo`]);
});

it('a marker is not seen, whatever is in it', () => {
  fc.assert(
    fc.property(fc.oneof(hostileText, fc.constantFrom('x---><img/src=x>', '-->', '--!>', '->')), (text) => {
      const written = hiddenMarker({ environment: text, service: text });
      // GitHub takes the brackets of some elements out, inside of comments as well.
      const bare = (html: string) => html.replaceAll('<', '&lt;');
      expect(bare(render(`${written}\nshown`))).toBe(bare(`${written}\n<p>shown</p>`));
      expect(written.slice(4, -3)).not.toMatch(/--|^-?>|-$/);
      expect(JSON.parse(written.slice('<!-- sluice '.length, -' -->'.length))).toEqual({
        environment: text,
        service: text,
      });
    }),
  );
});

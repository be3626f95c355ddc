import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { identityOf } from '../../../../src/actions/build-push/identity.ts';
import { builtCommit, readSource } from '../../../../src/actions/build-push/source.ts';
import { run } from '../../../../src/core/process.ts';
import { tagsOf } from '../../../../src/images/tags.ts';
import { occasionOf } from '../../../../src/runner/event.ts';

const never = new AbortController().signal;
const [sha, other, merge] = ['a', 'b', 'c'].map((letter) => letter.repeat(40));
const main = { GITHUB_SHA: sha, GITHUB_REF: 'refs/heads/main', GITHUB_REPOSITORY: 'acme/shop' };
const alone = { head: other, follows: false };

describe('builtCommit', () => {
  it('is that of the run where it is checked out, or where there is no Git', () => {
    expect(builtCommit(main, {}, { head: sha, follows: true })).toEqual({ ref: main.GITHUB_REF, revision: sha });
    expect(builtCommit(main, {}, { head: undefined, follows: false })).toEqual({ ref: main.GITHUB_REF, revision: sha });
  });

  it('of another commit is that one, which no branch or tag follows', () => {
    for (const ref of ['refs/heads/main', 'refs/tags/v1.0.0'])
      expect(builtCommit({ ...main, GITHUB_REF: ref }, {}, alone)).toEqual({
        ref: undefined,
        revision: other,
        warning: expect.stringContaining(`${other?.slice(0, 12)} is checked out`),
      });
  });

  it('of a commit that the run has made itself is of its branch', () => {
    expect(builtCommit(main, {}, { head: other, follows: true })).toEqual({ ref: main.GITHUB_REF, revision: other });
  });

  it('of a pull request is the one that people know, not its merge', () => {
    const env = { ...main, GITHUB_SHA: merge, GITHUB_REF: 'refs/pull/7/merge' };
    const event = { pull_request: { number: 7, head: { sha: other ?? '' } } };
    expect(builtCommit(env, event, { head: merge, follows: true })).toEqual({ ref: env.GITHUB_REF, revision: other });
    expect(builtCommit(env, event, alone)).toEqual({ ref: env.GITHUB_REF, revision: other });
  });

  it('of a pull request, in a run for its base, moves no branch', () => {
    const event = { pull_request: { number: 7, head: { sha: other ?? '' } } };
    expect(builtCommit(main, event, alone)).toEqual({ ref: undefined, revision: other });
    // The base itself is checked out.
    expect(builtCommit(main, event, { head: sha, follows: true })).toEqual({ ref: main.GITHUB_REF, revision: sha });
  });

  it.each([
    ['push', 'acme/shop', 'refs/heads/feature'],
    ['push', 'mallory/shop', undefined],
    ['pull_request', 'acme/shop', undefined],
  ])('after a workflow for %s of %s is of %s', (event, full_name, ref) => {
    const workflow_run = { event, head_branch: 'feature', head_sha: other, head_repository: { full_name } };
    expect(builtCommit(main, { workflow_run }, alone)).toEqual({ ref, revision: other });
  });
});

describe('readSource', () => {
  it('takes the commit from the checkout: a tag that is built by night does not move main', async () => {
    const workspace = await mkdtemp(join(tmpdir(), 'sluice-source-'));
    const git = async (...args: string[]) => {
      const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false'];
      return (
        await run({ file: 'git', args: [...identity, ...args], cwd: workspace }, { signal: never, deadline: 10_000 })
      ).stdout;
    };
    try {
      await git('init', '--quiet');
      await writeFile(join(workspace, 'a'), '1');
      await git('add', '.');
      await git('commit', '--quiet', '-m', 'v3.1.0');
      const tagged = await git('rev-parse', 'HEAD');
      await git('commit', '--quiet', '--allow-empty', '-m', 'newer');
      const head = await git('rev-parse', 'HEAD');
      await git('checkout', '--quiet', tagged);
      const warnings: string[] = [];
      const env = { ...main, GITHUB_SHA: head };
      const source = await readSource(env, { workspace, context: '.' }, (text) => warnings.push(text), never);
      expect(source.revision).toBe(tagged);
      const rules = [{ kind: 'branch' }, { kind: 'sha' }] as const;
      expect(tagsOf(rules, source).all).toEqual([`sha-${tagged.slice(0, 7)}`]);
      expect(warnings).toEqual([expect.stringContaining('refs/heads/main does not follow it')]);
      // A commit on top of that of the run is one of its branch.
      const later = await readSource(
        { ...main, GITHUB_SHA: tagged },
        { workspace, context: '.' },
        () => undefined,
        never,
      );
      expect(later).toMatchObject({ ref: 'refs/heads/main', revision: tagged });
      // One that another branch has is none of main, though it comes after it; and a version names one commit.
      await git('checkout', '--quiet', head);
      const of = async (ref: string) =>
        readSource(
          { ...main, GITHUB_REF: ref, GITHUB_SHA: tagged },
          { workspace, context: '.' },
          () => undefined,
          never,
        );
      expect(await of('refs/heads/main')).toMatchObject({ ref: 'refs/heads/main', revision: head });
      expect(await of('refs/tags/v3.1.0')).not.toHaveProperty('ref');
      await git('update-ref', 'refs/remotes/origin/feature', head);
      expect(await of('refs/heads/main')).not.toHaveProperty('ref');
    } finally {
      await rm(workspace, { recursive: true, force: true });
    }
  });
});

describe('names of others that look like options of Git', () => {
  /** A checkout with one commit, and an event that names another. */
  async function checkout(head: string) {
    const workspace = await mkdtemp(join(tmpdir(), 'sluice-source-'));
    const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false'];
    for (const args of [
      ['init', '--quiet'],
      ['commit', '--quiet', '--allow-empty', '-m', 'first'],
    ])
      await run({ file: 'git', args: [...identity, ...args], cwd: workspace }, { signal: never, deadline: 10_000 });
    const event = join(workspace, 'event.json');
    await writeFile(event, JSON.stringify({ pull_request: { number: 7, head: { sha: head } } }));
    return { workspace, event };
  }

  it('are none: a pull request makes Git write no file', async () => {
    const { workspace, event } = await checkout('--output=written');
    const env = { GITHUB_REF: 'refs/pull/7/merge', GITHUB_EVENT_PATH: event };
    await readSource(env, { workspace, context: '.' }, () => undefined, never);
    expect(await readdir(workspace)).not.toContain('written');
    await rm(workspace, { recursive: true });
  });

  it('stand behind the end of the options in every call', async () => {
    const { workspace, event } = await checkout('--of-the-event');
    const [bin, calls] = [join(workspace, 'bin'), join(workspace, 'calls')];
    await mkdir(bin);
    // Says of every question that the answer is a commit.
    await writeFile(join(bin, 'git'), `#!/bin/sh\necho "$*" >> '${calls}'\necho ${sha}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${bin}${delimiter}${process.env.PATH}`);
    const env = { GITHUB_EVENT_PATH: event };
    const place = { workspace, context: '.' };
    for (const GITHUB_REF of ['refs/pull/7/merge', 'refs/heads/main'])
      await readSource({ ...env, GITHUB_REF, GITHUB_SHA: '--of-the-run' }, place, () => undefined, never);
    vi.unstubAllEnvs();
    const lines = (await readFile(calls, 'utf8')).split('\n').filter((line) => line.includes('--of-the-'));
    expect(new Set(lines.map((line) => / (\S+) --is-ancestor /.exec(line)?.[1]))).toEqual(new Set(['merge-base']));
    for (const line of lines) expect(line).toMatch(/^(?!.*--of-the-.*--end-of-options).* --end-of-options .*--of-the-/);
    await rm(workspace, { recursive: true });
  });
});

it('what follows another workflow is about that one’s commit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-event-'));
  const path = join(folder, 'event.json');
  await writeFile(path, JSON.stringify({ workflow_run: { head_sha: other, pull_requests: [{ number: 3 }] } }));
  expect(await occasionOf({ GITHUB_EVENT_PATH: path, GITHUB_SHA: sha })).toEqual({ sha: other, pullRequest: 3 });
  await rm(folder, { recursive: true, force: true });
});

it('the identity of a signature is that of the workflow file that the job is in', () => {
  const claims = {
    iss: 'https://token.example',
    job_workflow_ref: 'acme/flows/.github/workflows/build.yml@refs/tags/v1',
  };
  const token = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
  expect(identityOf(token)).toEqual({
    issuer: 'https://token.example',
    subject: 'https://github.com/acme/flows/.github/workflows/build.yml@refs/tags/v1',
  });
  expect(identityOf('no token')).toBeUndefined();
});

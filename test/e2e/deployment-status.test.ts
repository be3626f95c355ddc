import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { actionFolder, type Ended, type Run, runAction } from '../../lab/embedded/runner.ts';
import type { Report } from '../../src/report/canary-report-schema.ts';
import { emptyReport } from '../../src/report/empty-report.ts';
import { commit, type GitHubDouble, githubToken, startGitHub } from '../support/github-double.ts';
import { annotations, expectNoSecret } from '../support/release.ts';

const everywhere = {
  'environment-url': 'https://shop.example',
  'commit-status': 'release / production',
  comment: 'auto',
  'issue-on-rollback': 'true',
} as const;

const rolledBack: Report = {
  ...emptyReport,
  weights: [0, 5, 25, 0].map((weight, at) => ({ at, weight })),
  total: { stable: { requests: 9_500, errors: 48 }, canary: { requests: 500, errors: 25 } },
  outcome: {
    endedAt: 1,
    verdict: 'rolled-back',
    reason: 'error-rate: canary 5 % <script>alert(1)</script> @everybody [x](https://evil.example)',
    reached: 25,
    weight: 0,
    revision: 'sha256:abc',
  },
};

interface Stage {
  readonly github: GitHubDouble;
  /** One step to its end, post included. */
  readonly tell: (inputs?: Readonly<Record<string, string>>, step?: Step) => Promise<Ended>;
  readonly start: (inputs?: Readonly<Record<string, string>>, step?: Step) => Promise<Run>;
  /** Writes a report to a file. */
  readonly write: (report: unknown) => Promise<string>;
}

interface Step {
  readonly env?: Readonly<Record<string, string>>;
  /** Inputs as they are when post runs; without it, those of main. */
  readonly later?: Readonly<Record<string, string>>;
  /** Other steps of the job. */
  readonly between?: () => Promise<unknown>;
}

async function withGitHub(rights: readonly string[] | undefined, story: (stage: Stage) => Promise<void>) {
  const github = await startGitHub(rights && { rights });
  const runs: Run[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'sluice-github-'));
  const start: Stage['start'] = async (inputs = {}, step = {}) => {
    const common = { environment: 'production', token: githubToken, 'job-status': 'success' };
    const run = await runAction({
      action: actionFolder('deployment-status'),
      inputs: { ...common, ...inputs },
      env: { GITHUB_API_URL: github.url, GITHUB_SHA: commit, ...step.env },
      ...(step.later && { later: step.later }),
      ...(step.between && { between: step.between }),
    });
    runs.push(run);
    return run;
  };
  try {
    await story({
      github,
      start,
      tell: async (...given) => (await start(...given)).ended,
      async write(report) {
        const path = join(folder, `report-${runs.length}.json`);
        await writeFile(path, JSON.stringify(report));
        return path;
      },
    });
  } finally {
    for (const run of runs) run.main.kill('SIGKILL');
    await github.stop();
    await rm(folder, { recursive: true, force: true });
    await Promise.all(runs.map((run) => run.clean()));
  }
}

describe.concurrent('What GitHub is told', () => {
  it('is that a release is in progress, and from the post step how it ended', async () => {
    await withGitHub(undefined, async ({ github, tell, write }) => {
      const report = await write({});
      await rm(report);
      const outcome = { ...rolledBack.outcome, verdict: 'promoted', reached: 100 };
      // The canary of the job writes it later.
      const between = () => writeFile(report, JSON.stringify({ ...rolledBack, outcome }));
      const ended = await tell({ ...everywhere, report }, { between });
      expect(annotations(ended, 'warning'), ended.log).toEqual([]);
      expect(ended.status, ended.log).toBe(0);
      const [deployment] = github.deployments;
      expect(github.deployments).toHaveLength(1);
      expect(deployment).toMatchObject({ environment: 'production', sha: commit, required_contexts: [] });
      expect(github.states(deployment?.id ?? 0)).toEqual(['in_progress', 'success']);
      expect(github.deploymentStatuses.at(-1)).toMatchObject({
        log_url: 'https://github.com/acme/shop/actions/runs/1',
        environment_url: 'https://shop.example',
      });
      expect(github.commitStatuses.map(({ state, context }) => [state, context])).toEqual([
        ['pending', 'release / production'],
        ['success', 'release / production'],
      ]);
      expect(github.comments).toHaveLength(1);
      expect(github.comments[0]).toMatchObject({ issue: 7, body: expect.stringContaining('Promoted at 100 %') });
      expect(github.issues).toEqual([]);
      expect(ended.outputs).toMatchObject({ 'deployment-id': String(deployment?.id) });
      expectNoSecret(ended, [githubToken]);
    });
  });

  it('is the same after a second run of the step: nothing is made twice', async () => {
    await withGitHub(undefined, async ({ github, tell, write }) => {
      const inputs = { ...everywhere, verdict: 'rolled-back', report: await write(rolledBack) };
      const first = await tell(inputs);
      expect(first.outputs.status, first.log).toBe('failure');
      const before = github.requests.length;
      const second = await tell(inputs);
      expect(second.outputs).toEqual(first.outputs);
      expect(github.requests.slice(before).filter((line) => !line.startsWith('GET'))).toEqual([]);
      expect(github.deployments).toHaveLength(1);
      expect(github.comments).toHaveLength(1);
      expect(github.issues).toHaveLength(1);
      // Another run of the same environment adds to the open issue, and has a deployment of its own.
      await tell(inputs, { env: { GITHUB_RUN_ID: '2' } });
      expect(github.deployments).toHaveLength(2);
      expect(github.issues).toHaveLength(1);
      expect(github.comments.map(({ issue }) => issue)).toEqual([7, github.issues[0]?.number]);
      // One that was closed stays closed.
      for (const issue of github.issues) issue.state = 'closed';
      await tell(inputs, { env: { GITHUB_RUN_ID: '3' } });
      expect(github.issues.map(({ state }) => state)).toEqual(['closed', 'open']);
    });
  });

  it('means nothing but itself, whoever wrote it', async () => {
    await withGitHub(undefined, async ({ github, tell, write }) => {
      const reason = `${rolledBack.outcome?.reason} ${githubToken}`;
      const report = await write({ ...rolledBack, outcome: { ...rolledBack.outcome, reason } });
      const inputs = { ...everywhere, service: 'checkout ---><img/src=x> --> <b>', verdict: 'rolled-back', report };
      const ended = await tell(inputs);
      const [marker = '', ...lines] = github.issues[0]?.body?.split('\n') ?? [];
      const [, ...comment] = github.comments[0]?.body.split('\n') ?? [];
      for (const text of [lines.join('\n'), comment.join('\n'), ended.summary]) {
        expect(text).toContain('&lt;script&gt;');
        expect(text).not.toMatch(/<script|<b>|<img|(?<!\\)@everybody|(?<!\\)\[x/);
        expect(text).toMatch(/\| canary \| 500 \| 25 \(5 %\) \|/);
        expect(text).toContain('0 % → 5 % → 25 % → 0 %');
      }
      expect(marker).toMatch(/^<!-- .* -->$/);
      expect(marker.match(/-->/g)).toHaveLength(1);
      expectNoSecret(ended, [githubToken.slice(5)]);
      expect(JSON.stringify([github.issues, github.comments, github.deploymentStatuses])).not.toContain(
        githubToken.slice(5),
      );
      for (const { description } of github.deploymentStatuses) expect(description.length).toBeLessThanOrEqual(140);
    });
  });

  it('is inactive of what a release takes the place of, and of nothing that still serves', async () => {
    await withGitHub(undefined, async ({ github, tell }) => {
      await tell({ verdict: 'promoted' }, { env: { GITHUB_RUN_ID: '1' } });
      await tell({ verdict: 'promoted', service: 'other' }, { env: { GITHUB_RUN_ID: '1' } });
      await tell({ verdict: 'rolled-back' }, { env: { GITHUB_RUN_ID: '2' } });
      await tell({ verdict: 'held' }, { env: { GITHUB_RUN_ID: '2', GITHUB_RUN_ATTEMPT: '2' } });
      await tell({ verdict: 'promoted' }, { env: { GITHUB_RUN_ID: '3' } });
      const [first, other, second, held, third] = github.deployments.map(({ id }) => github.states(id));
      expect(first).toEqual(['success', 'inactive']);
      expect(other).toEqual(['success']);
      expect(second).toEqual(['failure']);
      expect(held).toEqual(['in_progress', 'inactive']);
      expect(third).toEqual(['success']);
    });
  });

  it.each([
    ['cancelled', 'error', /cancelled before anybody told/],
    ['failure', 'failure', /failed before anybody told/],
    ['success', 'success', /ended well/],
  ])('follows the job where nobody tells: %s', async (job, state, description) => {
    await withGitHub(undefined, async ({ github, tell }) => {
      await tell({}, { later: { 'job-status': job } });
      expect(github.states(github.deployments[0]?.id ?? 0)).toEqual(['in_progress', state]);
      expect(github.deploymentStatuses.at(-1)?.description).toMatch(description);
    });
  });

  it('is concluded by post when main was killed before it knew the number', async () => {
    await withGitHub(undefined, async ({ github, start }) => {
      // The deployment is made, and GitHub's answer does not come.
      github.fail({ on: /POST .*\/deployments$/, status: 502, times: 9, afterwards: true });
      const run = await start({}, { later: { 'job-status': 'cancelled' } });
      while (github.deployments.length === 0) await new Promise(setImmediate);
      run.main.kill('SIGKILL');
      const ended = await run.ended;
      expect(github.states(github.deployments[0]?.id ?? 0), ended.log).toEqual(['error']);
    });
  });

  it('is left alone by post where another step has told that a person has to decide', async () => {
    await withGitHub(undefined, async ({ github, tell }) => {
      const between = () => tell({ verdict: 'held', description: 'waits for approval' });
      await tell({}, { later: { 'job-status': 'failure' }, between });
      expect(github.states(github.deployments[0]?.id ?? 0)).toEqual(['in_progress', 'in_progress']);
      expect(github.deployments).toHaveLength(1);
      expect(github.deploymentStatuses.at(-1)?.description).toBe('Held: waits for approval');
    });
  });

  it('is begun in one job and ended in another by its number', async () => {
    await withGitHub(undefined, async ({ github, tell }) => {
      const begun = await tell({ state: 'in_progress' });
      const id = begun.outputs['deployment-id'] ?? '';
      expect(github.states(Number(id))).toEqual(['in_progress']);
      await tell({ 'deployment-id': id, verdict: 'promoted' }, { env: { GITHUB_RUN_ID: '2' } });
      expect(github.deployments).toHaveLength(1);
      expect(github.states(Number(id))).toEqual(['in_progress', 'success']);
    });
  });

  it('goes to the newest commit of a pull request and to its number', async () => {
    await withGitHub(undefined, async ({ github, tell, write }) => {
      const event = await write({ pull_request: { number: 12, head: { sha: commit } } });
      const merge = '0'.repeat(40);
      await tell({ ...everywhere, verdict: 'promoted' }, { env: { GITHUB_EVENT_PATH: event, GITHUB_SHA: merge } });
      expect(github.comments.map(({ issue }) => issue)).toEqual([12]);
      expect(github.commitStatuses.map(({ sha }) => sha)).toEqual([commit]);
    });
  });
});

describe.concurrent('When GitHub', () => {
  it('was away and the answer was lost, nothing is made twice', async () => {
    await withGitHub(undefined, async ({ github, tell, write }) => {
      for (const on of [/POST .*deployments$/, /POST .*deployments.*statuses$/, /POST .*\/(comments|issues)$/])
        github.fail({ on, status: 502, afterwards: true });
      github.fail({ on: /POST .*\/statuses\//, status: 500 });
      const ended = await tell({ ...everywhere, verdict: 'rolled-back', report: await write(rolledBack) });
      expect(annotations(ended, 'warning'), ended.log).toEqual([]);
      expect(github.deployments).toHaveLength(1);
      expect(github.deploymentStatuses).toHaveLength(1);
      expect(github.comments).toHaveLength(1);
      expect(github.issues).toHaveLength(1);
      expect(github.commitStatuses).toHaveLength(1);
    });
  });

  it('lacks a right, the warning names it, the rest is told, and the release does not fail', async () => {
    await withGitHub(['statuses'], async ({ github, tell }) => {
      const ended = await tell({ ...everywhere, verdict: 'rolled-back' });
      const warnings = annotations(ended, 'warning');
      expect(ended.status).toBe(0);
      expect(warnings).toHaveLength(3);
      expect(warnings[0]).toMatch(/deployment to production: .*\(403: .*\npermissions:\n {2}deployments: write/);
      expect(warnings[1]).toMatch(/comment on #7: .*\npermissions:\n {2}issues: write/);
      expect(warnings[2]).toMatch(/issue about the rollback: .*\npermissions:\n {2}issues: write/);
      expect(github.commitStatuses).toHaveLength(1);

      const strict = await tell({ verdict: 'promoted', 'fail-on-error': 'true' });
      expect(strict.status).toBe(1);
      expect(annotations(strict, 'error')[0]).toContain('deployments: write');
    });
  });

  it('does not know the token', async () => {
    await withGitHub(undefined, async ({ tell }) => {
      const ended = await tell({ verdict: 'promoted', token: 'ghs_expired0000000000' });
      expect(ended.status).toBe(0);
      expect(annotations(ended, 'warning')[0]).toMatch(/does not accept the token \(401\)/);
      expectNoSecret(ended, ['ghs_expired0000000000']);
    });
  });

  it('does not know the commit', async () => {
    await withGitHub(undefined, async ({ tell }) => {
      const ended = await tell({ verdict: 'promoted', sha: 'f'.repeat(40) });
      expect(annotations(ended, 'warning')[0]).toMatch(/was refused by GitHub \(422: No ref found for: f+/);
    });
  });

  it('does not know the deployment', async () => {
    await withGitHub(undefined, async ({ tell }) => {
      const ended = await tell({ verdict: 'promoted', 'deployment-id': '4711' });
      expect(annotations(ended, 'warning')[0]).toMatch(/deployment 4711: does not exist.*\(404\)/);
    });
  });

  it('asks to wait a moment, that is done', async () => {
    await withGitHub(undefined, async ({ github, tell }) => {
      const message = 'You have exceeded a secondary rate limit';
      github.fail({ on: /POST .*deployments$/, status: 403, headers: { 'retry-after': '1' }, message });
      const ended = await tell({ verdict: 'promoted' });
      expect(annotations(ended, 'warning'), ended.log).toEqual([]);
      expect(github.states(github.deployments[0]?.id ?? 0)).toEqual(['success']);
    });
  });

  it('asks to wait for long, the time is said and the job goes on', async () => {
    await withGitHub(undefined, async ({ github, tell }) => {
      const reset = Math.round(Date.UTC(2126, 0, 1, 12) / 1_000);
      const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(reset) };
      github.fail({ on: /deployments/, status: 403, headers, message: 'API rate limit exceeded' });
      const ended = await tell({ verdict: 'promoted' });
      expect(ended.status).toBe(0);
      expect(annotations(ended, 'warning')[0]).toMatch(/rate limit is reached until 2126-01-01 12:00 UTC/);
    });
  });

  it('stays away, that is said once for each place', async () => {
    await withGitHub(undefined, async ({ github, tell }) => {
      github.fail({ on: /./, status: 503, times: 100 });
      const ended = await tell({ verdict: 'promoted' });
      expect(ended.status).toBe(0);
      expect(annotations(ended, 'warning')).toHaveLength(1);
      expect(annotations(ended, 'warning')[0]).toMatch(/in 5 attempts \(503/);
    });
  });

  it('is told nothing that can not be meant', async () => {
    await withGitHub(undefined, async ({ github, tell }) => {
      const wrong = { environment: '', state: 'success', verdict: 'promoted', comment: 'seven', sha: 'main' };
      const ended = await tell(wrong);
      expect(ended.status).toBe(1);
      expect(annotations(ended, 'error')[0]).toMatch(/"sha": "main"[\s\S]*"comment": "seven"/);
      const again = await tell({ ...wrong, comment: '', sha: '' });
      expect(annotations(again, 'error')[0]).toMatch(/"environment"[\s\S]*"state: success" and "verdict: promoted"/);
      expect(github.requests).toEqual([]);
    });
  });
});

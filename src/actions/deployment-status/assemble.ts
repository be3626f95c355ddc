import { createGitHub, type GitHub } from '../../github/client.ts';
import type { DeploymentKey } from '../../github/deployments.ts';
import type { Release } from '../../report/release-texts.ts';
import type { PlainRun } from '../../runner/define.ts';
import { type Occasion, occasionOf } from '../../runner/event.ts';
import type { DeploymentStatusInputs, DeploymentStatusOutput } from './inputs.ts';
import type { Begun } from './state.ts';

export type DeploymentStatusRun = PlainRun<DeploymentStatusInputs, DeploymentStatusOutput, Begun>;

/** Milliseconds for all requests together. */
export const DEADLINE = 180_000;

/** What is needed to report to GitHub, and the subject of the report. */
export interface Job {
  readonly github: GitHub;
  readonly apiUrl: string;
  readonly key: DeploymentKey;
  readonly release: Release;
  /** Where the deployment's log leads to: a page that was uploaded says more than the run. */
  readonly logUrl: string;
  readonly occasion: Occasion;
}

/**
 * Reads the event and the environment; sends no request. Fails the job and returns undefined where no commit is named.
 */
export async function assemble({ inputs, env, signal, fail }: DeploymentStatusRun): Promise<Job | undefined> {
  const occasion = await occasionOf(env);
  const [owner = '', repo = ''] = (env.GITHUB_REPOSITORY ?? '').split('/');
  const sha = inputs.sha ?? occasion.sha;
  if (repo === '' || sha === '') {
    fail('Neither repository nor commit are known: run it in a workflow of GitHub, or give "sha".');
    return undefined;
  }
  const { environment, service = '', 'environment-url': environmentUrl = '' } = inputs;
  const run = `${env.GITHUB_RUN_ID ?? ''}-${env.GITHUB_RUN_ATTEMPT ?? '1'}`;
  const server = env.GITHUB_SERVER_URL ?? 'https://github.com';
  const runUrl = inputs['log-url'] ?? `${server}/${owner}/${repo}/actions/runs/${env.GITHUB_RUN_ID ?? ''}`;
  const apiUrl = inputs['api-url'] ?? env.GITHUB_API_URL ?? 'https://api.github.com';
  const within = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE)]);
  return {
    apiUrl,
    github: createGitHub({ token: inputs.token, apiUrl, owner, repo, signal: within }),
    key: { sha, environment, service, run },
    release: {
      environment,
      service,
      sha,
      runUrl,
      reportUrl: inputs['report-url'],
      environmentUrl,
      versions: inputs.versions,
    },
    logUrl: inputs['log-url'] ?? inputs['report-url'] ?? runUrl,
    occasion,
  };
}

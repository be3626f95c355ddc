import * as z from 'zod';
import { SluiceError } from '../core/errors.ts';
import { excerpt, singleLine } from '../core/text.ts';
import type { GitHub } from './client.ts';

/** https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status */
export const deploymentStates = ['queued', 'in_progress', 'success', 'failure', 'error', 'inactive'] as const;
export type DeploymentState = (typeof deploymentStates)[number];

/** Identifies a deployment: there is one per run, environment and service. */
export interface DeploymentKey {
  readonly sha: string;
  readonly environment: string;
  /** Tells the services of one environment apart; empty where there is only one. */
  readonly service: string;
  /** The id of the run, and its attempt. */
  readonly run: string;
}

export interface DeploymentStatus {
  readonly state: DeploymentState;
  /** One line; GitHub allows 140 characters. */
  readonly description: string;
  readonly logUrl: string;
  readonly environmentUrl: string;
}

const RIGHT = 'deployments: write';
const LONGEST = 140;

/** Older deployments of an environment that are checked. */
const MOST_OLDER = 30;

/** The payload by which Sluice finds its deployments again. */
const payload = z.object({ sluice: z.object({ run: z.string(), service: z.string() }) });

/** The deployment of this run; creates it if there is none. */
export async function ensureDeployment(github: GitHub, key: DeploymentKey): Promise<number> {
  const { sha, environment, service, run } = key;
  return github.attempt(about(environment), RIGHT, async () => {
    const found = await find(github, key);
    if (found !== undefined) return found;
    const { data } = await github.request('POST /repos/{owner}/{repo}/deployments', {
      ...github.place,
      ref: sha,
      environment,
      description: service,
      payload: { sluice: { run, service } },
      // The workflow decides what is merged and which checks are required.
      auto_merge: false,
      required_contexts: [],
    });
    if (!('id' in data)) {
      throw new SluiceError('failed', {
        about: about(environment),
        problem: `was not made by GitHub: ${typeof data.message === 'string' ? excerpt(data.message, 300) : 'it does not say why'}.`,
        next: 'Run this step again; if it stays so, look at the deployments of the repository.',
      });
    }
    return Number(data.id);
  });
}

/** The deployment that an earlier step of this run has created. */
export async function findDeployment(github: GitHub, key: DeploymentKey): Promise<number | undefined> {
  return github.attempt(about(key.environment), RIGHT, () => find(github, key));
}

async function find(github: GitHub, { sha, environment, service, run }: DeploymentKey): Promise<number | undefined> {
  const { data } = await github.request('GET /repos/{owner}/{repo}/deployments', {
    ...github.place,
    sha,
    environment,
    per_page: 100,
  });
  const found = data.find((deployment) => {
    const own = payload.safeParse(deployment.payload).data?.sluice;
    return own?.run === run && own.service === service;
  });
  return found && Number(found.id);
}

/** The newest status of a deployment; of two in the same second, the one with the higher id. */
export async function latestStatus(github: GitHub, id: number) {
  return github.attempt(`deployment ${id}`, RIGHT, () => newest(github, id));
}

async function newest(github: GitHub, id: number) {
  const { data } = await github.request('GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
    ...github.place,
    deployment_id: id,
    per_page: 100,
  });
  // The ids are JSON numbers, although the types also allow larger integers.
  return data.map((status) => ({ ...status, id: Number(status.id) })).toSorted((a, b) => b.id - a.id)[0];
}

/**
 * Sets the status of a deployment, unless the last status is the same.
 *
 * @returns the id of the status
 */
export async function tellStatus(github: GitHub, id: number, status: DeploymentStatus): Promise<number> {
  const { state, logUrl, environmentUrl } = status;
  const description = shortened(status.description);
  return github.attempt(`deployment ${id}`, RIGHT, async () => {
    const last = await newest(github, id);
    const same =
      last?.state === state &&
      last.description === description &&
      (last.log_url ?? '') === logUrl &&
      (last.environment_url ?? '') === environmentUrl;
    if (last && same) return last.id;
    const { data } = await github.request('POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
      ...github.place,
      deployment_id: id,
      state,
      description,
      log_url: logUrl,
      ...(environmentUrl !== '' && { environment_url: environmentUrl }),
      // `retireOlder` does this: GitHub's own way leaves out production environments, and does not know services.
      auto_inactive: false,
    });
    return Number(data.id);
  });
}

/** Marks the older deployments that this one replaces as inactive. @returns how many */
export async function retireOlder(
  github: GitHub,
  id: number,
  { environment, service }: DeploymentKey,
): Promise<number> {
  return github.attempt(about(environment), RIGHT, async () => {
    const { data } = await github.request('GET /repos/{owner}/{repo}/deployments', {
      ...github.place,
      environment,
      per_page: 100,
    });
    const older = data
      .map((each) => ({ id: Number(each.id), payload: each.payload }))
      .filter((each) => each.id < id && payload.safeParse(each.payload).data?.sluice.service === service)
      .toSorted((a, b) => b.id - a.id)
      .slice(0, MOST_OLDER);
    let retired = 0;
    for (const each of older) {
      const last = await newest(github, each.id);
      // Deployments older than this one were marked earlier.
      if (last?.state === 'inactive') break;
      // A deployment that was held and never decided is over, too.
      if (!['success', 'in_progress', 'queued'].includes(last?.state ?? '')) continue;
      await github.request('POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
        ...github.place,
        deployment_id: each.id,
        state: 'inactive',
        description: shortened(`Deployment ${id} took its place`),
        auto_inactive: false,
      });
      retired += 1;
    }
    return retired;
  });
}

/** The text on one line, cut to the number of characters that GitHub allows. */
export function shortened(text: string): string {
  const line = singleLine(text).replaceAll(/\s+/g, ' ').trim();
  const characters = [...line];
  return characters.length <= LONGEST ? line : `${characters.slice(0, LONGEST - 1).join('')}…`;
}

function about(environment: string): string {
  return `deployment to ${environment}`;
}

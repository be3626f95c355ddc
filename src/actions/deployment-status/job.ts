import { readFile } from 'node:fs/promises';
import {
  error as annotateError,
  getState,
  info,
  saveState,
  setFailed,
  setOutput,
  summary,
  warning,
} from '@actions/core';
import * as z from 'zod';
import { isSluiceError, messageOf, SluiceError } from '../../core/errors.ts';
import { createGitHub, type GitHub } from '../../github/client.ts';
import { keepComment, pullRequestOf } from '../../github/comments.ts';
import { tellCommitStatus } from '../../github/commit-status.ts';
import {
  type DeploymentKey,
  ensureDeployment,
  findDeployment,
  latestStatus,
  retireOlder,
  tellStatus,
} from '../../github/deployments.ts';
import { keepIssue } from '../../github/issues.ts';
import { type Report, reportSchema } from '../../report/canary-report-schema.ts';
import { describeTold, issueTitle, type Release, renderTold, type Told } from '../../report/release-texts.ts';
import { listenForCancellation } from '../../runner/cancellation.ts';
import { type Occasion, occasionOf } from '../../runner/event.ts';
import { loadGiven } from '../../runner/load-given.ts';
import { oneLine } from '../../runner/log-text.ts';
import { outputValue } from '../../runner/outputs.ts';
import { createRedact, type Redact } from '../../runner/redact.ts';
import { type DeploymentStatusInputs, type deploymentStatusOutputs, loadDeploymentStatusInputs } from './inputs.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Outputs = Partial<Record<keyof typeof deploymentStatusOutputs, string>>;

/** What `main` leaves for `post`. */
const begun = z.object({
  /** Absent while the deployment is being made. */
  deployment: z.number().optional(),
  /** The status that `main` told: while it is the last one, nobody has told how it ended. */
  status: z.number().optional(),
});
type Begun = z.infer<typeof begun>;
const STATE = 'sluice-deployment';

/** Milliseconds that all of it may take together. */
const DEADLINE = 180_000;

/** One run of the action with all that it works with. */
interface Job {
  readonly inputs: DeploymentStatusInputs;
  readonly github: GitHub;
  readonly key: DeploymentKey;
  readonly release: Release;
  readonly occasion: Occasion;
  readonly redact: Redact;
}

/** The `main` step of `actions/deployment-status`: tells what is known now. */
export async function deploymentStatusMain(env: Environment): Promise<void> {
  using cancellation = listenForCancellation(process);
  const inputs = load(env);
  if (!inputs) return;
  const job = await assemble(inputs, env, cancellation.cancelled);
  if (!job) return;
  const told = (await toldBy(inputs)) ?? { state: 'in_progress', reason: inputs.description ?? '' };
  const isLeftToPost = told.verdict === undefined && isOpen(told.state);
  // Before the deployment is made: post finds the one that a killed process has made.
  if (isLeftToPost) save({});
  const { outputs, failures, status } = await publish(job, told);
  if (isLeftToPost && status !== undefined) save({ deployment: Number(outputs['deployment-id']), status });
  await conclude(job, told, outputs, failures);
}

/** The `post` step: no deployment stays in progress that nobody works on. */
export async function deploymentStatusPost(env: Environment): Promise<void> {
  const saved = getState(STATE);
  if (saved === '') return;
  const left = begun.parse(JSON.parse(saved));
  const inputs = load(env);
  if (!inputs) return;
  const job = await assemble(inputs, env, new AbortController().signal);
  // A description was of the state that main told.
  const told = (await toldBy({ ...inputs, state: 'auto', description: undefined })) ?? toldByJob(inputs);
  if (!job || !told) return;
  try {
    const id = left.deployment ?? (await findDeployment(job.github, job.key));
    if (id === undefined) return;
    const last = await latestStatus(job.github, id);
    // Another step has told how it is.
    if (left.status === undefined ? last && !isOpen(last.state) : last?.id !== left.status) return;
    const { outputs, failures } = await publish({ ...job, inputs: { ...inputs, 'deployment-id': id } }, told);
    await conclude(job, told, outputs, failures);
  } catch (error) {
    report(job, [error]);
  }
}

/** Not the end of a deployment. */
function isOpen(state: string): boolean {
  return state === 'queued' || state === 'in_progress';
}

function save(state: Begun): void {
  saveState(STATE, JSON.stringify(state));
}

function load(env: Environment): DeploymentStatusInputs | undefined {
  return loadGiven(env, ({ token = '' }) => [token], loadDeploymentStatusInputs)?.inputs;
}

async function assemble(
  inputs: DeploymentStatusInputs,
  env: Environment,
  signal: AbortSignal,
): Promise<Job | undefined> {
  const redact = createRedact([inputs.token]);
  const occasion = await occasionOf(env);
  const [owner = '', repo = ''] = (env.GITHUB_REPOSITORY ?? '').split('/');
  const sha = inputs.sha ?? occasion.sha;
  if (repo === '' || sha === '') {
    setFailed('Neither repository nor commit are known: run it in a workflow of GitHub, or give "sha".');
    return undefined;
  }
  const { environment, service = '', 'environment-url': environmentUrl = '' } = inputs;
  const run = `${env.GITHUB_RUN_ID ?? ''}-${env.GITHUB_RUN_ATTEMPT ?? '1'}`;
  const server = env.GITHUB_SERVER_URL ?? 'https://github.com';
  const runUrl = inputs['log-url'] ?? `${server}/${owner}/${repo}/actions/runs/${env.GITHUB_RUN_ID ?? ''}`;
  const apiUrl = inputs['api-url'] ?? env.GITHUB_API_URL ?? 'https://api.github.com';
  const within = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE)]);
  return {
    inputs,
    github: createGitHub({ token: inputs.token, apiUrl, owner, repo, signal: within }),
    key: { sha, environment, service, run },
    release: { environment, service, sha, runUrl, environmentUrl, versions: inputs.versions },
    occasion,
    redact,
  };
}

/** What the inputs say; undefined where they say nothing yet. */
async function toldBy({
  state,
  verdict,
  report: path,
  description,
}: DeploymentStatusInputs): Promise<Told | undefined> {
  const found = path === undefined ? undefined : await readReport(path, verdict !== undefined);
  const { outcome, failure } = found ?? {};
  const reason = description ?? outcome?.reason ?? (failure && `${failure.about}: ${failure.problem}`) ?? '';
  const common = { reason, report: found };
  if (state !== 'auto') return { ...common, state };
  const ended = verdict ?? outcome?.verdict;
  if (ended !== undefined) return { ...common, verdict: ended, state: statesOf[ended] };
  return failure && { ...common, state: 'error' };
}

const statesOf = {
  promoted: 'success',
  'rolled-back': 'failure',
  // A person has to decide; GitHub has no word for that.
  frozen: 'in_progress',
  held: 'in_progress',
} as const;

/** How a job ended that has told nothing else. A state that was given stands, as long as the job went well. */
function toldByJob({ state, 'job-status': status }: DeploymentStatusInputs): Told | undefined {
  const rest = 'before anybody told how the release went';
  switch (status) {
    case 'success':
      return state === 'auto' ? { state: 'success', reason: 'the job ended well' } : undefined;
    case 'failure':
      return { state: 'failure', reason: `the job failed ${rest}` };
    case 'cancelled':
      return { state: 'error', reason: `the job was cancelled ${rest}` };
    default:
      return { state: 'error', reason: `the job ended ${rest}` };
  }
}

/** A report that is not written yet is no fault, as long as nothing says that there is a verdict. */
async function readReport(path: string, expected: boolean): Promise<Report | undefined> {
  try {
    return reportSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (expected || !isAbsent)
      warning(`The report ${path} can't be read, so its figures are left out: ${messageOf(error).slice(0, 300)}`);
    return undefined;
  }
}

/** Tells it everywhere that the inputs name. What fails in one place does not keep it from the others. */
async function publish({ inputs, github, key, release, occasion, redact }: Job, told: Told) {
  const outputs: Outputs = {};
  const failures: unknown[] = [];
  let status: number | undefined;
  const attempt = async (act: () => Promise<void>) => {
    try {
      await act();
    } catch (error) {
      failures.push(error);
    }
  };
  const { state } = told;
  const description = redact(describeTold(told, release));
  const text = redact(renderTold(told, release));
  const { environment, service, run, sha } = key;
  const marker = `<!-- sluice ${JSON.stringify({ environment, service }).replaceAll('--', '- -')} -->`;

  await attempt(async () => {
    const id = inputs['deployment-id'] ?? (await ensureDeployment(github, key));
    outputs['deployment-id'] = String(id);
    const { runUrl: logUrl, environmentUrl } = release;
    status = await tellStatus(github, id, { state, description, logUrl, environmentUrl });
    outputs.status = state;
    info(`Deployment ${id} to ${oneLine(environment)}: ${state}, "${oneLine(description)}"`);
    const retired = state === 'success' ? await retireOlder(github, id, key) : 0;
    if (retired > 0) info(`Deployments that it takes the place of, now inactive: ${retired}`);
  });
  await attempt(async () => {
    const context = inputs['commit-status'];
    if (context === undefined) return;
    await tellCommitStatus(github, { sha, context, state, description, url: release.runUrl });
    info(`Commit status "${oneLine(context)}" of ${sha.slice(0, 7)}`);
  });
  await attempt(async () => {
    if (inputs.comment === undefined) return;
    const number =
      inputs.comment === 'auto' ? (occasion.pullRequest ?? (await pullRequestOf(github, sha))) : inputs.comment;
    if (number === undefined) return info('No pull request belongs to this commit, so there is no comment.');
    outputs['comment-url'] = await keepComment(github, number, marker, text);
    info(oneLine(`Comment ${outputs['comment-url']}`));
  });
  await attempt(async () => {
    if (!inputs['issue-on-rollback'] || told.verdict !== 'rolled-back') return;
    const issue = {
      title: redact(issueTitle(release, told.report)),
      text,
      labels: inputs['issue-labels'],
      assignees: inputs['issue-assignees'] ?? [],
    };
    outputs['issue-url'] = await keepIssue(github, marker, `<!-- sluice run ${run} -->`, issue);
    info(oneLine(`Issue ${outputs['issue-url']}`));
  });
  return { outputs, failures, status };
}

async function conclude(job: Job, told: Told, outputs: Outputs, failures: readonly unknown[]): Promise<void> {
  for (const [name, value] of Object.entries(outputs)) setOutput(name, outputValue(name, value));
  report(job, failures);
  try {
    await summary.addRaw(job.redact(renderTold(told, job.release))).write();
  } catch (error) {
    warning(`The summary could not be written: ${messageOf(error)}`);
  }
}

/** A release that went well does not fail because nobody could be told. */
function report({ inputs, redact }: Job, failures: readonly unknown[]): void {
  for (const failure of failures) {
    const properties = { title: 'Sluice: GitHub was not told' };
    const message = redact(isSluiceError(failure) ? failure.message : unexpected(failure).message);
    if (inputs['fail-on-error']) annotateError(message, properties);
    else warning(message, properties);
  }
  if (failures.length > 0 && inputs['fail-on-error']) process.exitCode = 1;
}

function unexpected(cause: unknown): SluiceError {
  const timedOut = cause instanceof Error && cause.name === 'TimeoutError';
  return new SluiceError('unreachable', {
    about: 'GitHub',
    problem: timedOut ? `was not told within ${DEADLINE / 1_000} s.` : `was not told: ${messageOf(cause)}.`,
    next: 'Run this step again.',
    cause,
  });
}

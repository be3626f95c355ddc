import { isSluiceError, messageOf, SluiceError } from '../../core/errors.ts';
import { excerpt } from '../../core/text.ts';
import { hiddenMarker, keepComment, pullRequestOf } from '../../github/comments.ts';
import { tellCommitStatus } from '../../github/commit-status.ts';
import { ensureDeployment, retireOlder, tellStatus } from '../../github/deployments.ts';
import { keepIssue } from '../../github/issues.ts';
import { describeTold, issueTitle, type Release, renderTold, type Told } from '../../report/release-texts.ts';
import { oneLine } from '../../runner/log-text.ts';
import { DEADLINE, type DeploymentStatusRun, type Job } from './assemble.ts';
import type { DeploymentStatusOutput } from './inputs.ts';

/** Characters that GitHub allows for the title of an issue. */
const LONGEST_TITLE = 256;

type Outputs = ReadonlyMap<DeploymentStatusOutput, string>;

interface Outcome {
  readonly outputs: Outputs;
  readonly failures: readonly unknown[];
  /** Id of the deployment's status, where one was set. */
  readonly status: number | undefined;
}

/** Reports to every place that the inputs name. A failure in one place does not prevent the others. */
export async function tellEverywhere(
  { inputs, redact, log }: DeploymentStatusRun,
  { github, key, release, logUrl, occasion }: Job,
  told: Told,
): Promise<Outcome> {
  const outputs = new Map<DeploymentStatusOutput, string>();
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
  const marker = hiddenMarker({ environment, service });

  await attempt(async () => {
    const id = inputs['deployment-id'] ?? (await ensureDeployment(github, key));
    outputs.set('deployment-id', String(id));
    status = await tellStatus(github, id, { state, description, logUrl, environmentUrl: release.environmentUrl });
    outputs.set('status', state);
    log.info(`Deployment ${id} to ${oneLine(environment)}: ${state}, "${oneLine(description)}"`);
    const retired = state === 'success' ? await retireOlder(github, id, key) : 0;
    if (retired > 0) log.info(`Deployments that it takes the place of, now inactive: ${retired}`);
  });
  await attempt(async () => {
    const context = inputs['commit-status'];
    if (context === undefined) return;
    await tellCommitStatus(github, { sha, context, state, description, url: release.runUrl });
    log.info(`Commit status "${oneLine(context)}" of ${sha.slice(0, 7)}`);
  });
  await attempt(async () => {
    if (inputs.comment === undefined) return;
    const number =
      inputs.comment === 'auto' ? (occasion.pullRequest ?? (await pullRequestOf(github, sha))) : inputs.comment;
    if (number === undefined) return log.info('No pull request belongs to this commit, so there is no comment.');
    const url = await keepComment(github, number, marker, text);
    outputs.set('comment-url', url);
    log.info(oneLine(`Comment ${url}`));
  });
  await attempt(async () => {
    if (!inputs['issue-on-rollback'] || told.verdict !== 'rolled-back') return;
    const issue = {
      about: 'the rollback',
      title: excerpt(redact(issueTitle(release, told.report)), LONGEST_TITLE),
      text,
      labels: inputs['issue-labels'],
      assignees: inputs['issue-assignees'] ?? [],
    };
    const url = await keepIssue(github, marker, `<!-- sluice run ${run} -->`, issue);
    outputs.set('issue-url', url);
    log.info(oneLine(`Issue ${url}`));
  });
  return { outputs, failures, status };
}

/** Sets the outputs, reports failures, and adds to the summary. */
export async function tellRun(
  run: DeploymentStatusRun,
  release: Release,
  told: Told,
  { outputs, failures }: Outcome,
): Promise<void> {
  for (const [name, value] of outputs) run.output(name, value);
  tellFailures(run, failures);
  try {
    await run.summarize(renderTold(told, release));
  } catch (error) {
    run.annotate.warning(`The summary could not be written: ${messageOf(error)}`);
  }
}

/**
 * Reports failures as warnings, unless "fail-on-error" is set: a release that went well must not fail because GitHub could not
 * be told.
 */
export function tellFailures({ inputs, annotate, fail }: DeploymentStatusRun, failures: readonly unknown[]): void {
  for (const failure of failures) {
    const properties = { title: 'Sluice: GitHub was not told' };
    const { message } = isSluiceError(failure) ? failure : unexpected(failure);
    if (inputs['fail-on-error']) annotate.error(message, properties);
    else annotate.warning(message, properties);
  }
  if (failures.length > 0 && inputs['fail-on-error']) fail();
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

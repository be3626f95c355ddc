import { unsafeWay } from '../../core/unsafe-way.ts';
import { findDeployment, latestStatus } from '../../github/deployments.ts';
import { defineAction } from '../../runner/define.ts';
import { assemble, type DeploymentStatusRun } from './assemble.ts';
import { deploymentStatusInputs, deploymentStatusOutputs, loadDeploymentStatusInputs } from './inputs.ts';
import { tellEverywhere, tellFailures, tellRun } from './report.ts';
import { type Begun, begunState } from './state.ts';
import { toldBy, toldByJob } from './told.ts';

/** Keeps GitHub's deployment, commit status, comment and issue up to date with a release. */
export const action = defineAction({
  name: 'deployment-status',
  inputs: deploymentStatusInputs,
  outputs: deploymentStatusOutputs,
  groups: { release: 'The release', told: 'What is told', where: 'Where, beside the deployment', github: 'GitHub' },
  secrets: ({ token = '' }) => [token],
  read: loadDeploymentStatusInputs,
  state: begunState,
  main: tellNow,
  post: concludeDeployment,
});

/** Reports the present state. */
async function tellNow(run: DeploymentStatusRun): Promise<void> {
  const { inputs, annotate } = run;
  const job = await assemble(run);
  if (!job) return;
  const warning = unsafeGitHub(job.apiUrl);
  if (warning !== undefined) annotate.warning(warning, { title: 'Sluice' });
  const told = (await toldBy(inputs, annotate.warning)) ?? { state: 'in_progress', reason: inputs.description ?? '' };
  const isLeftToPost = told.verdict === undefined && isOpen(told.state);
  // Saves before the deployment is created, so that `post` finds a deployment whose process was killed.
  if (isLeftToPost) run.save({});
  const outcome = await tellEverywhere(run, job, told);
  const { outputs, status } = outcome;
  if (isLeftToPost && status !== undefined) run.save({ deployment: Number(outputs.get('deployment-id')), status });
  await tellRun(run, job.release, told, outcome);
}

/** A warning about a token that others can read in transit; else undefined. */
export function unsafeGitHub(apiUrl: string): string | undefined {
  const next = 'Give "api-url" an https:// address.';
  return unsafeWay(apiUrl, { credentials: 'credentials of GitHub', isVerified: true, next });
}

/** Ends a deployment that would stay in progress although no job works on it. */
async function concludeDeployment(run: DeploymentStatusRun, left: Begun): Promise<void> {
  const { inputs, annotate } = run;
  const job = await assemble(run);
  // A description belongs to the state that `main` reported.
  const asked = { ...inputs, state: 'auto', description: undefined } as const;
  const told = (await toldBy(asked, annotate.warning)) ?? toldByJob(inputs);
  if (!job || !told) return;
  try {
    const id = left.deployment ?? (await findDeployment(job.github, job.key));
    if (id === undefined) return;
    const last = await latestStatus(job.github, id);
    // Another step has reported a later state.
    if (left.status === undefined ? last && !isOpen(last.state) : last?.id !== left.status) return;
    const outcome = await tellEverywhere({ ...run, inputs: { ...inputs, 'deployment-id': id } }, job, told);
    await tellRun(run, job.release, told, outcome);
  } catch (error) {
    tellFailures(run, [error]);
  }
}

/** Whether a state is not final. */
function isOpen(state: string): boolean {
  return state === 'queued' || state === 'in_progress';
}

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow expressions are what users write
import * as z from 'zod';
import type { Versions } from '../../canary/ports.ts';
import { deploymentStates } from '../../github/deployments.ts';
import { input } from '../../runner/input-schema.ts';
import { boolean, choice, inputType, list, text, wholeNumber, wrong } from '../../runner/input-types.ts';
import { type GivenInputs, inputRefusal, parseInputs } from '../../runner/parse-inputs.ts';

const url = inputType('a URL that begins with http:// or https://', (given) =>
  /^https?:\/\/\S+$/.test(given) && URL.canParse(given) ? given : wrong(`"${given}" is no URL.`),
);

const sha = inputType('the 40 digits of a commit', (given) =>
  /^[0-9a-f]{40}$/.test(given) ? given : wrong(`"${given}" is no full commit SHA.`),
);

const pullRequest = inputType('auto, or the number of a pull request', (given) => {
  if (given === 'auto') return 'auto' as const;
  return /^[1-9]\d*$/.test(given) ? Number(given) : wrong(`"${given}" is no pull request.`);
});

const versions = inputType('the version that served and the new one, as FROM → TO', (given): Versions => {
  const [, stable, canary] = /^(\S+) → (\S+)$/.exec(given) ?? [];
  if (stable === undefined || canary === undefined) return wrong(`"${given}" is not of the form FROM → TO.`);
  return { stable, canary };
});

/** The runner evaluates this expression, again in the post step. Outside of a runner, it stays unevaluated. */
const token = inputType('a token', (given) => (given.startsWith('${{') ? wrong('was not evaluated.') : given));
const jobStatus = inputType('success, failure or cancelled', (given) => {
  const known = (['success', 'failure', 'cancelled'] as const).find((word) => word === given);
  return known ?? (given.startsWith('${{') ? ('unknown' as const) : wrong(`"${given}" is no status of a job.`));
});

export const deploymentStatusInputs = z.strictObject({
  environment: input(text, {
    group: 'release',
    description: 'The environment of the deployment. Required.',
    example: 'production',
  }),
  service: input(text, {
    group: 'release',
    description:
      'Tells the services of one environment apart: each has deployments, a comment and an issue of its own.',
    example: 'checkout',
  }),
  'environment-url': input(url, {
    group: 'release',
    description: 'Where the release can be looked at.',
    example: 'https://shop.example',
  }),
  sha: input(sha, {
    group: 'release',
    description: 'The commit that is released. Without it, that of the run; of a pull request, its newest one.',
    example: 'de9f2c7fd25e1b3afad3e85a0bd17d9b100db4b3',
  }),
  'deployment-id': input(wholeNumber(1), {
    group: 'release',
    description: 'A deployment that another job has begun. Without it, the one of this run is made or found.',
    example: '42',
  }),

  state: input(choice('auto', ...deploymentStates), {
    group: 'told',
    description:
      'What to tell. `auto` follows `verdict` and `report`; while they say nothing it is `in_progress`, and the post step concludes it by them or by how the job ended.',
    default: 'auto',
    example: 'in_progress',
  }),
  verdict: input(choice('promoted', 'rolled-back', 'frozen', 'held'), {
    group: 'told',
    description:
      'Output of `actions/canary`, where no report is given: `promoted` is told as success, `rolled-back` as failure, `frozen` and `held` as in_progress with the reason.',
    example: '${{ steps.canary.outputs.verdict }}',
  }),
  report: input(text, {
    group: 'told',
    description:
      'The JSON report of `actions/canary`: verdict, reason and figures. It may name a file that a later step writes: the post step reads it.',
    example: '${{ runner.temp }}/sluice.json',
  }),
  versions: input(versions, {
    group: 'told',
    description: 'Output of `actions/canary`, where no report is given: the versions head comment and issue.',
    example: '1.0.0 → 1.1.0',
  }),
  description: input(text, {
    group: 'told',
    description: 'A sentence instead of the reason in the report.',
    example: 'Waits for the nightly window',
  }),
  'job-status': input(jobStatus, {
    group: 'told',
    description: 'How the job ended. Leave it as it is: the runner evaluates it again for the post step.',
    default: '${{ job.status }}',
    example: '${{ job.status }}',
  }),
  'log-url': input(url, {
    group: 'told',
    description: 'Where more can be read. Without it, this run.',
    example: 'https://github.com/acme/shop/actions/runs/1',
  }),
  'report-url': input(url, {
    group: 'told',
    description:
      'Address of the HTML report: output `artifact-url` of the step that has uploaded it. Comment and issue link to it, and without `log-url` the deployment too.',
    example: '${{ steps.page.outputs.artifact-url }}',
  }),

  'commit-status': input(text, {
    group: 'where',
    description: 'Name of a commit status to keep up to date. Without it, there is none.',
    example: 'release / production',
  }),
  comment: input(pullRequest, {
    group: 'where',
    description:
      'Pull request on which one comment is kept up to date: its number, or `auto` for the one of the event or the commit. Without it, there is none.',
    example: 'auto',
  }),
  'issue-on-rollback': input(boolean, {
    group: 'where',
    description:
      'Open an issue when a release is rolled back, or add to the one that is open for this environment and service.',
    default: 'false',
    example: 'true',
  }),
  'issue-labels': input(list, {
    group: 'where',
    description: 'Labels of the issue. The first one is what an open issue is looked for by.',
    default: 'sluice-rollback',
    example: 'sluice-rollback, incident',
  }),
  'issue-assignees': input(list, {
    group: 'where',
    description: 'Who the issue is assigned to.',
    example: 'alice, bob',
  }),

  token: input(token, {
    group: 'github',
    description: 'Token for GitHub. Masked.',
    default: '${{ github.token }}',
    example: '${{ github.token }}',
  }),
  'api-url': input(url, {
    group: 'github',
    description: 'Address of the API. Without it, that of the server which runs the workflow.',
    example: 'https://github.example.com/api/v3',
  }),
  'fail-on-error': input(boolean, {
    group: 'github',
    description:
      'Fail the step when something could not be told. Otherwise that is a warning: the release went as it went.',
    default: 'false',
    example: 'true',
  }),
});
export type DeploymentStatusInputs = z.infer<typeof deploymentStatusInputs> & { readonly environment: string };

/** Every output of `actions/deployment-status` with its description. */
export const deploymentStatusOutputs = {
  'deployment-id': 'Number of the deployment.',
  status: 'The state that was told: `queued`, `in_progress`, `success`, `failure`, `error` or `inactive`.',
  'comment-url': 'Address of the comment, where one is kept.',
  'issue-url': 'Address of the issue, where one was opened or added to.',
} as const;
export type DeploymentStatusOutput = keyof typeof deploymentStatusOutputs;

const ACTION = 'deployment-status';

/** @throws SluiceError `invalid-input` that names everything that is wrong */
export function loadDeploymentStatusInputs(given: GivenInputs): DeploymentStatusInputs {
  const inputs = parseInputs(deploymentStatusInputs, given, ACTION);
  const { environment, state, verdict } = inputs;
  const problems: string[] = [];
  if (environment === undefined) problems.push('Nothing says where it is released to: give "environment".');
  if (state !== 'auto' && verdict !== undefined)
    problems.push(`"state: ${state}" and "verdict: ${verdict}" both say what to tell: give one.`);
  if (problems.length > 0 || environment === undefined) throw inputRefusal(problems, ACTION);
  return { ...inputs, environment };
}

import * as z from 'zod';
import { input, listInputs } from '../../runner/input-schema.ts';
import {
  boolean,
  choice,
  choices,
  duration,
  inputType,
  list,
  number,
  probability,
  rate,
  service,
  text,
  wholeNumber,
  wrong,
} from '../../runner/input-types.ts';
import { clusterInputs } from '../../runner/shared-inputs.ts';
import { parseImages } from '../../workloads/images.ts';
import { parseWorkloadInput } from '../../workloads/workload.ts';
import { checks } from './checks-input.ts';
import { metricsInputs } from './metrics-inputs.ts';
import { parseSteps } from './plan-input.ts';
import { routeInputs } from './route-inputs.ts';

const arm = inputType('deployment/NAME, statefulset/NAME or a label selector', (given) =>
  parseWorkloadInput(given, 'stable'),
);

/** One workload by name. */
export const workload = inputType('deployment/NAME or statefulset/NAME', (given) => {
  const parsed = given.includes('/') ? parseWorkloadInput(given, 'workload') : { selector: given };
  return 'name' in parsed ? parsed : wrong(`"${given}" names no workload; write deployment/NAME or statefulset/NAME.`);
});

const images = inputType('an image, or lines of CONTAINER=IMAGE', parseImages);

const steps = inputType('a plan, as one line or as a YAML list', parseSteps);

/** Every input of `actions/canary`. The runner's names, `action.yml` and the documentation follow this list. */
export const canaryInputs = z.strictObject({
  ...clusterInputs('workloads and route'),

  workload: input(workload, {
    group: 'target',
    description:
      'The workload to release to. Sluice makes the canary from it, and updates it on promotion. Or give `stable` and `canary`.',
    example: 'deployment/checkout',
  }),
  image: input(images, {
    group: 'target',
    description: 'The new image of `workload`; with several containers, a line each.',
    example: 'ghcr.io/acme/checkout:1.2.3',
  }),
  'config-files': input(list, {
    group: 'target',
    description:
      'Files (globs) with the ConfigMaps and Secrets that change with the release of `workload`. A rollback gives back the old content.',
    example: 'deploy/config/*.yaml',
  }),
  service: input(service, {
    group: 'target',
    description:
      'The Service of `workload`, which the route sends requests to. With `stable` and `canary`: the Service that both arms share, told apart by subsets or by their pods.',
    example: 'checkout',
  }),
  'canary-min-replicas': input(wholeNumber(1), {
    group: 'target',
    description:
      'Pods that the canary of `workload` has at least; 1 without it. Beyond that, as many as its weight takes.',
    example: '2',
  }),
  stable: input(arm, {
    group: 'target',
    description: 'The workload that serves now, where both versions run already. Needs `canary`.',
    example: 'deployment/checkout-v1',
  }),
  canary: input(arm, {
    group: 'target',
    description: 'The workload of the new version, where both versions run already. Needs `stable`.',
    example: 'deployment/checkout-v2',
  }),

  ...routeInputs,

  steps: input(steps, {
    group: 'plan',
    description:
      'The plan: weights in per cent and how long to observe at each. `25 for 2m to 10m` ends as soon as the judge is sure, `25 for 10m early` may do so at any time, `50 for 5m then hold` waits for approval. Also as a YAML list of `{weight, for, to, early, hold}`.',
    example: '5 for 2m, 25 for 5m, 50 for 5m, 100',
  }),
  'plan-file': input(text, {
    group: 'plan',
    description: 'YAML file of the repository that holds the plan, instead of `steps`.',
    example: '.github/canary.yml',
  }),
  'first-release': input(choice('deploy', 'refuse', 'skip'), {
    group: 'plan',
    description:
      'What to do where nothing serves yet, so that there is nothing to compare with. `deploy`: a workload that exists gets the image at once, and the summary says so; one that does not exist is refused, with the ways to deploy it. `refuse`: neither. `skip`: it is left to the steps that follow, and output `first-release` is true.',
    default: 'deploy',
    example: 'refuse',
  }),
  mode: input(choice('release', 'shift', 'finish', 'undo', 'discard-record'), {
    group: 'plan',
    description:
      'How much is done: `release` all of it. Where something else deploys the stable workload, as a Helm release: `shift` the plan alone, after which the rollout is held with the canary serving; then, with the same inputs, `finish`, which gives the route back once the stable workload is the new version. `undo` ends what earlier runs have left unfinished on the route, and releases nothing. `discard-record` gives up the record of such a rollout where it is refused or can not be read: nothing else is written, and it says which weights and objects stay as they are.',
    default: 'release',
    example: 'shift',
  }),
  'min-requests': input(wholeNumber(0), {
    group: 'plan',
    description: 'Canary requests that a step needs to end well, however long it takes.',
    default: '50',
    example: '200',
  }),

  ...metricsInputs,

  checks: input(checks, {
    group: 'judging',
    description:
      'What is judged, as a YAML list; each check with `on-breach: rollback`, `freeze` or `warn`. The pods’ health and requests without an answer are always watched; list `pods` or `unanswered` to change what they lead to.',
    default: '- error-rate',
    example: '- error-rate',
  }),
  'false-rollback-probability': input(probability, {
    group: 'judging',
    description: 'Probability that a canary as good as stable is rolled back, over the whole rollout.',
    default: '0.01',
    example: '0.001',
  }),
  tolerance: input(number(1), {
    group: 'judging',
    description: 'Accepted ratio of the canary’s error rate to that of stable.',
    default: '1',
    example: '1.5',
  }),
  'absolute-tolerance': input(rate, {
    group: 'judging',
    description: 'Accepted excess of the canary’s error rate over that of stable.',
    default: '0',
    example: '0.1%',
  }),
  'burst-size': input(number(1), {
    group: 'judging',
    description:
      'How many errors one cause produces on average, by retries or batches. The evidence of errors is divided by it.',
    default: '1',
    example: '3',
  }),
  'early-promotion-error': input(probability, {
    group: 'judging',
    description: 'Probability that a step which may end early does so although the canary is worse than accepted.',
    default: '0.05',
    example: '0.01',
  }),

  'on-no-data': input(choice('rollback', 'hold'), {
    group: 'behaviour',
    description: 'How the rollout ends when there are not enough data to judge the canary: no metrics, or no requests.',
    default: 'rollback',
    example: 'hold',
  }),
  'no-data-patience': input(duration, {
    group: 'behaviour',
    description: 'How long data may be missing until the rollout ends as `on-no-data` says.',
    default: '2m',
    example: '5m',
  }),
  'on-interrupted': input(choice('resume', 'undo'), {
    group: 'behaviour',
    description:
      'What to do with a rollout of this same release that an earlier run left unfinished, frozen or held. One of another release is always undone.',
    default: 'resume',
    example: 'undo',
  }),
  timeout: input(duration, {
    group: 'behaviour',
    description:
      'How long the rollout may take; then it is undone. Keep it below the time limit of the job (`timeout-minutes`, 6 hours without it).',
    default: '5h30m',
    example: '1h',
  }),
  'confirm-timeout': input(duration, {
    group: 'behaviour',
    description:
      'How long the data plane may take to follow a shift, and after a promotion the EndpointSlices of the stable Service to list its pods before the route goes back.',
    default: '1m',
    example: '2m',
  }),
  'ready-timeout': input(duration, {
    group: 'behaviour',
    description: 'How long pods may take to become ready.',
    default: '10m',
    example: '20m',
  }),
  'image-timeout': input(duration, {
    group: 'behaviour',
    description:
      'How long pods may wait for an image that the registry does not have yet, where another workflow builds it. Without it, an image that is not found for 30 s is a breach.',
    example: '10m',
  }),
  'undo-timeout': input(duration, {
    group: 'behaviour',
    description: 'How long an undo may take. It has this time for itself, also where the rollout has run out of time.',
    default: '5m',
    example: '10m',
  }),
  drain: input(duration, {
    group: 'behaviour',
    description: 'How long open connections to the canary’s pods get after the route has left them.',
    default: '30s',
    example: '2m',
  }),
  'fail-on': input(choices('rolled-back', 'frozen', 'held'), {
    group: 'behaviour',
    description: 'Verdicts that fail the job.',
    default: 'rolled-back, frozen, held',
    example: 'rolled-back',
  }),
  'dry-run': input(boolean, {
    group: 'behaviour',
    description: 'Check everything and print what would be written, without a change.',
    default: 'false',
    example: 'true',
  }),
  report: input(text, {
    group: 'behaviour',
    description:
      'Path of the JSON report; beside it are written the plot as SVG and the whole report as an HTML page. Without it, a file in the temporary folder of the runner.',
    example: 'sluice-report.json',
  }),
});

export type CanaryInputs = z.infer<typeof canaryInputs>;
export type InputName = keyof CanaryInputs;

/** All inputs with their facts, in the order of the documentation. */
export const inputList = listInputs(canaryInputs);

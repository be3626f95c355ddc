// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow expressions are what users write
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import type { DrillEvent } from '../../drills/events.ts';
import { type Hours, parseHours } from '../../drills/hours.ts';
import { parseStopRule } from '../../drills/measure/stop-condition.ts';
import { parseTargets, USUAL_TARGETS } from '../../drills/measure/targets.ts';
import type { ReportedRun } from '../../runner/define.ts';
import { input } from '../../runner/input-schema.ts';
import {
  boolean,
  choice,
  choices,
  duration,
  image,
  inputType,
  list,
  probability,
  text,
  wholeNumber,
  wrong,
} from '../../runner/input-types.ts';
import { type GivenInputs, inputRefusal, parseInputs } from '../../runner/parse-inputs.ts';
import { clusterSecrets } from '../../runner/secrets.ts';
import { clusterInputs, reportInput } from '../../runner/shared-inputs.ts';
import { connectionSecrets } from '../checks/connections-input.ts';
import { gateChecks } from '../checks/kinds/index.ts';
import {
  prometheusContradictions,
  prometheusInputs,
  prometheusSecrets,
  prometheusTokenIn,
} from '../checks/prometheus-inputs.ts';
import { serverInputs } from '../checks/server-inputs.ts';
import { faultsInput } from './faults-input.ts';
import type { DrillOutput } from './outputs.ts';
import { requestsInput } from './requests-input.ts';

const name = inputType('a name of small letters, digits and -', (given) => {
  return /^[a-z0-9](?:[-a-z0-9]{0,48}[a-z0-9])?$/.test(given)
    ? given
    : wrong(`"${given}" has other signs than small letters, digits and -, or more than 50 of them.`);
});

const share = inputType('per cent from 1 to 100: 50%', (given) => {
  const [, digits = ''] = /^(\d{1,3})(?: ?%)?$/.exec(given) ?? [];
  const value = Number(digits);
  return value >= 1 && value <= 100 ? value / 100 : wrong(`"${given}" is not per cent from 1 to 100.`);
});

const hours = inputType('days, times and a time zone: Mon-Fri 09:00-17:00 Europe/Berlin', (given): Hours => {
  return parseHours(given) ?? wrong(`"${given}" is not of the form DAY-DAY HH:MM-HH:MM ZONE.`);
});

/** Every input of `actions/drill`. The runner's names, `action.yml` and the documentation follow this list. */
export const drillInputs = z.strictObject({
  ...clusterInputs('the service'),

  service: input(name, {
    group: 'drill',
    description:
      'Name of the service that the drill is about, as rollouts of it are called: two drills of one service, and a drill and a rollout, exclude each other.',
    example: 'checkout',
  }),
  name: input(name, {
    group: 'drill',
    description: 'Name of the drill, where a service has several. Without it, that of the service.',
    example: 'checkout-network',
  }),
  faults: input(faultsInput, {
    group: 'drill',
    description:
      'What is broken on purpose, one line each, in this order: see [Faults](#faults). `pause 30s` between two lines waits once users have recovered.',
    example: 'pod-kill on app=checkout one',
  }),
  manifests: input(list, {
    group: 'drill',
    description:
      'Files (globs, relative to the repository) with manifests of Chaos Mesh or Litmus, which are injected after `faults`.',
    example: 'chaos/*.yaml',
  }),
  'max-duration': input(duration, {
    group: 'drill',
    description: 'How long a fault lasts that does not say so, and the most that one may last.',
    default: '5m',
    example: '60s',
  }),
  mode: input(choice('run', 'clean-up', 'discard-record'), {
    group: 'drill',
    description:
      '`clean-up` removes what a drill has left whose runner died, and injects nothing. `discard-record` gives up the record of such a drill, and what it has injected stays.',
    default: 'run',
    example: 'clean-up',
  }),
  'dry-run': input(boolean, {
    group: 'drill',
    description: 'Shows what would be hit, and injects nothing.',
    default: 'false',
    example: 'true',
  }),

  'max-pods': input(wholeNumber(1), {
    group: 'limits',
    description: 'The most pods that one fault may hit; a node that is drained counts with all of its pods.',
    default: '1',
    example: '3',
  }),
  'max-share': input(share, {
    group: 'limits',
    description: 'The largest share of the pods that match which one fault may hit.',
    default: '100%',
    example: '50%',
  }),
  namespaces: input(list, {
    group: 'limits',
    description:
      'Namespaces in which pods may be hit. Each needs the label `sluice.dev/drill: allowed`. Without it, that of the service.',
    example: 'shop, shop-jobs',
  }),
  hours: input(hours, {
    group: 'limits',
    description: 'When a drill may begin. Without it, at any time.',
    example: 'Mon-Fri 09:00-16:00 Europe/Berlin',
  }),
  'stop-when': input(inputType('success below N% for DURATION, or never', parseStopRule), {
    group: 'limits',
    description: 'When the drill is stopped and its fault removed, whatever else was planned.',
    default: 'success below 50% for 10s',
    example: 'success below 90% for 10s',
  }),
  'ignore-budgets': input(boolean, {
    group: 'limits',
    description: 'Kills pods that a PodDisruptionBudget protects as well, as the loss of a node would.',
    default: 'false',
    example: 'true',
  }),
  'stress-image': input(image, {
    group: 'limits',
    description: 'Image of the pods of `cpu-stress`, with a shell.',
    default: 'busybox:1.37',
    example: 'registry.example.com/busybox:1.37',
  }),

  requests: input(requestsInput, {
    group: 'measure',
    description:
      'The requests by which it is measured what users feel: own ones (`check: load`), or those of users (`check: requests`, `check: ratio`); see [Requests](#requests).',
    example: '{check: load, url: "https://shop.example.com", requests: [GET /], rate: 20/s}',
  }),
  'count-interval': input(duration, {
    group: 'measure',
    description: 'Time between two counts of the requests of users.',
    default: '5s',
    example: '15s',
  }),
  targets: input(inputType('lines such as "success >= 99%" and "recovery <= 30s"', parseTargets), {
    group: 'measure',
    description: 'What a resilient service reaches, a line each; see [Targets](#targets).',
    default: USUAL_TARGETS,
    example: 'recovery <= 10s',
  }),
  checks: input(gateChecks, {
    group: 'measure',
    description:
      'The steady state, as the `checks` of actions/gate: it is proven before anything is injected, and has to be back afterwards.',
    example: `- {check: alerts, matching: 'severity="page"'}`,
  }),
  baseline: input(duration, {
    group: 'measure',
    description: 'How long requests are watched before the first fault.',
    default: '15s',
    example: '1m',
  }),
  'steady-for': input(duration, {
    group: 'measure',
    description: 'How long requests have to be at the target until a fault counts as recovered from.',
    default: '10s',
    example: '30s',
  }),
  'recovery-timeout': input(duration, {
    group: 'measure',
    description: 'The most time for that, from the removal of a fault on.',
    default: '2m',
    example: '5m',
  }),
  'false-failure-probability': input(probability, {
    group: 'measure',
    description: 'Probability that `checks` of rates fail a service that is as accepted.',
    default: '0.01',
    example: '0.001',
  }),

  history: input(text, {
    group: 'results',
    description:
      'File with the results of earlier runs, to which this run is added; see [Worse than last time?](#worse-than-last-time). Without it, nothing is compared.',
    example: 'drill-history.json',
  }),
  'on-worse': input(choice('warn', 'fail'), {
    group: 'results',
    description: 'What the job does where this run is worse than the earlier ones, beyond their noise.',
    default: 'warn',
    example: 'fail',
  }),
  'fail-on': input(choices('not-resilient', 'incomplete', 'aborted'), {
    group: 'results',
    description: 'Verdicts that fail the job.',
    default: 'not-resilient, incomplete, aborted',
    example: 'not-resilient',
  }),
  issue: input(boolean, {
    group: 'results',
    description:
      'Keeps one issue in the repository while the drill fails. Needs `token`, and `issues: write` for the job.',
    default: 'false',
    example: 'true',
  }),
  gitops: input(choice('refuse', 'ignore-rule-present'), {
    group: 'limits',
    description:
      'What to do where a GitOps tool owns what a fault changes: it would take the fault back. `ignore-rule-present` says that the tool ignores these fields.',
    default: 'refuse',
    example: 'ignore-rule-present',
  }),
  'undo-timeout': input(duration, {
    group: 'limits',
    description: 'The most time for removing one fault.',
    default: '2m',
    example: '5m',
  }),

  ...prometheusInputs,
  ...serverInputs,
  report: reportInput('sluice-drill.json'),
});
export type DrillInputs = z.infer<typeof drillInputs> & {
  readonly service: string;
  readonly name: string;
};

const ACTION = 'drill';

/** Secrets among the inputs. */
export function drillSecrets(given: GivenInputs): string[] {
  return [
    ...clusterSecrets(given),
    ...prometheusSecrets(given),
    ...connectionSecrets(given.connections),
    given.token ?? '',
  ];
}

/** @throws SluiceError `invalid-input` that names everything that is wrong */
export async function loadDrillInputs(
  given: GivenInputs,
  mask: (secrets: readonly string[]) => void,
): Promise<DrillInputs> {
  mask(await prometheusTokenIn(given['prometheus-token-file'], (path) => readFile(path, 'utf8')));
  const inputs = parseInputs(drillInputs, given, ACTION);
  const problems = contradictionsOf(inputs);
  if (problems.length > 0) throw inputRefusal(problems, ACTION);
  const { service = '' } = inputs;
  return { ...inputs, service, name: inputs.name ?? service };
}

const times = ['max-duration', 'count-interval', 'steady-for', 'recovery-timeout', 'undo-timeout'] as const;

function contradictionsOf(inputs: z.infer<typeof drillInputs>): string[] {
  const { faults, manifests, mode, requests, token, issue } = inputs;
  const problems = prometheusContradictions(inputs);
  if (inputs.service === undefined)
    problems.push('Input "service" is missing: the service that the drill is about. Example: service: checkout');
  for (const name of times)
    if (inputs[name] === 0) problems.push(`Input "${name}" is 0s, in which nothing happens. Example: ${name}: 30s`);
  if (mode !== 'run') return problems;
  if (faults === undefined && manifests === undefined)
    problems.push(
      'Nothing says what is broken: give "faults" or "manifests". Example: faults: pod-kill on app=checkout one',
    );
  if (requests === undefined)
    problems.push(
      'Input "requests" is missing: without requests nobody knows what users feel. Example: requests: {check: load, url: "https://shop.example.com", requests: [GET /], rate: 20/s}',
    );
  const most = inputs['max-duration'];
  for (const { form } of faults ?? [])
    if ((form.lasts ?? 0) > most) problems.push(`Fault "${form.text}" lasts longer than "max-duration" allows.`);
  if (issue && token === undefined) problems.push('Input "issue" needs "token". Example: token: ${{ github.token }}');
  return problems;
}

export type DrillRun = ReportedRun<DrillInputs, DrillOutput, DrillEvent>;

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are what a composite action is made of
import type { CompositeAction, CompositePart } from '../../runner/define.ts';
import { releaseInputs, releasePartsInputs } from './inputs.ts';
import { releaseOutputs } from './outputs.ts';

/** Groups of inputs of the parts of a release. */
export const partGroups = {
  source: 'What is built',
  registry: 'Registry',
  builder: 'Builder',
  supply: 'Attestations',
  chart: 'Chart',
  values: 'Values',
  route: 'What moves the traffic',
  plan: 'Plan',
  metrics: 'Where requests are counted',
  judging: 'What is judged, and how strictly',
  behaviour: 'Behaviour',
};

type Given = Readonly<Record<string, string>>;

/** Inputs of the whole that a part takes under the same name. */
function inputs(...names: readonly string[]): Given {
  return Object.fromEntries(names.map((name) => [name, `\${{ inputs.${name} }}`]));
}

/** What the first step says. */
function begun(...names: readonly string[]): Given {
  return Object.fromEntries(names.map((name) => [name, `\${{ steps.begin.outputs.${name} }}`]));
}

/** Where the report of a part lies that is not told of by itself. */
const reportAs = (name: string): Given => ({ report: `\${{ runner.temp }}/sluice-release-${name}.json` });

const cluster = inputs('kubeconfig', 'context', 'namespace');
const requests = inputs('meter', 'metrics', 'prometheus', 'prometheus-token');
const plan = {
  ...begun('steps'),
  ...inputs('plan-file', 'min-requests'),
  ...requests,
  ...inputs('checks', 'on-no-data', 'timeout'),
};
/** Helm deploys it, where there is a chart. */
const firstRelease = {
  'first-release': "${{ inputs.chart != '' && inputs.first-release == 'deploy' && 'skip' || inputs.first-release }}",
};
const image = { image: '${{ steps.build.outputs.image || inputs.image }}' };
const helm = {
  ...cluster,
  ...inputs('release', 'chart'),
  repository: '${{ inputs.chart-repository }}',
  version: '${{ inputs.chart-version }}',
  ...inputs('values-files', 'values'),
  ...image,
  ...inputs('image-values'),
};
const deployTimeout = { timeout: '${{ inputs.deploy-timeout }}' };
const stable = { stable: '${{ steps.begin.outputs.workload }}' };
const services = {
  'stable-service': '${{ steps.begin.outputs.service }}',
  ...begun('canary-service', 'route'),
};
/** The release, and the chart that stands beside it. */
const arms = { ...cluster, ...stable, canary: '${{ steps.beside.outputs.canary }}', ...services };
const isBeside = "steps.begin.outputs.canary == 'release' && steps.undo-left.outputs.first-release != 'true'";

const parts: readonly CompositePart[] = [
  {
    id: 'begin',
    action: 'release-parts',
    comment: 'All inputs together, before anything is done.',
    with: inputs(
      ...Object.keys(releasePartsInputs.shape).filter(
        (name) => !['at', 'outcomes', 'report', 'kubeconfig'].includes(name),
      ),
    ),
  },
  {
    id: 'build',
    action: 'build-push',
    if: "inputs.build == 'true'",
    with: {
      ...inputs('image'),
      context: '${{ inputs.build-context }}',
      ...inputs('file', 'target', 'platforms', 'build-args'),
      secrets: '${{ inputs.build-secrets }}',
      ...inputs('reuse-secret', 'cache', 'sbom'),
      username: '${{ inputs.registry-username }}',
      password: '${{ inputs.registry-password }}',
      ...inputs('insecure-registries'),
    },
  },
  {
    id: 'canary',
    action: 'canary',
    comment: 'With canary: workload.',
    if: "steps.begin.outputs.canary == 'workload'",
    with: { ...cluster, ...begun('workload'), ...firstRelease, ...image, ...begun('service', 'route'), ...plan },
  },
  {
    id: 'undo-left',
    action: 'canary',
    comment:
      'With canary: release. A canary that an earlier run has left must get no requests while it becomes another version.',
    if: "steps.begin.outputs.canary == 'release'",
    with: {
      mode: 'undo',
      ...firstRelease,
      ...cluster,
      ...stable,
      canary: '${{ steps.begin.outputs.workload }}-canary',
      ...services,
      ...requests,
      ...reportAs('left'),
    },
  },
  {
    id: 'beside',
    action: 'helm-deploy',
    if: isBeside,
    with: { mode: 'canary', ...helm, ...inputs('canary-values'), ...deployTimeout, ...reportAs('beside') },
  },
  { id: 'shift', action: 'canary', if: isBeside, with: { mode: 'shift', ...arms, ...plan } },
  {
    id: 'deploy',
    action: 'helm-deploy',
    comment: 'The release itself.',
    if: [
      "inputs.chart != '' && (steps.begin.outputs.canary == 'none' || steps.canary.outputs.verdict == 'promoted' ||",
      "steps.shift.outputs.passed == 'true' || steps.canary.outputs.first-release == 'true' ||",
      "steps.undo-left.outputs.first-release == 'true')",
    ].join(' '),
    with: { ...helm, ...deployTimeout, ...reportAs('deploy') },
  },
  {
    id: 'finish',
    action: 'canary',
    if: "steps.shift.outputs.passed == 'true' && steps.shift.outputs.verdict == 'held'",
    with: { mode: 'finish', ...arms, ...plan },
  },
  {
    id: 'undo',
    action: 'canary',
    comment:
      'Whatever stopped it between the first shift and the end. What is frozen or held for a person is left to that person.',
    if: [
      "always() && steps.beside.outcome == 'success' && steps.finish.outcome != 'success' &&",
      "(steps.shift.outputs.passed == 'true' || steps.shift.outputs.verdict == '')",
    ].join(' '),
    with: { mode: 'undo', ...arms, ...requests, ...reportAs('undo') },
  },
  {
    id: 'remove',
    action: 'helm-deploy',
    comment: 'Refused as long as a rollout sends requests to it.',
    if: [
      "always() && (steps.beside.outcome == 'success' || steps.beside.outcome == 'failure') &&",
      "steps.shift.outputs.verdict != 'frozen' &&",
      "(steps.shift.outputs.verdict != 'held' || steps.shift.outputs.passed == 'true')",
    ].join(' '),
    with: {
      mode: 'uninstall',
      ...cluster,
      release: '${{ inputs.release }}-canary',
      ...deployTimeout,
      ...reportAs('remove'),
    },
  },
  {
    id: 'end',
    action: 'release-parts',
    if: 'always()',
    with: { at: 'end', ...inputs('release'), outcomes: '${{ toJSON(steps) }}' },
  },
];

/** The composite action in the root: a build, a canary and a Helm release as one. */
export const composite: CompositeAction = {
  inputs: releaseInputs,
  outputs: releaseOutputs,
  groups: { cluster: 'Cluster', parts: 'What is released, and which parts there are', ...partGroups },
  parts,
};

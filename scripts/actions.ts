/** What the documentation of each action is written from. */
import { buildPushInputList } from '../src/actions/build-push/inputs.ts';
import { buildPushOutputs } from '../src/actions/build-push/outputs.ts';
import { inputList } from '../src/actions/canary/inputs.ts';
import { canaryOutputs } from '../src/actions/canary/outputs.ts';
import { deploymentStatusInputList, deploymentStatusOutputs } from '../src/actions/deployment-status/inputs.ts';
import { helmInputList, helmOutputs } from '../src/actions/helm-deploy/inputs.ts';
import { kubectlInputList, kubectlOutputs } from '../src/actions/kubectl-deploy/inputs.ts';
import { releaseInputList, releasePartsInputList } from '../src/actions/release-parts/inputs.ts';
import { releaseOutputs, releasePartsOutputs } from '../src/actions/release-parts/outputs.ts';
import { rollbackInputList, rollbackOutputs } from '../src/actions/rollback/inputs.ts';
import { action as steer } from '../src/actions/steer/action.ts';
import { type ListedInput, listInputs } from '../src/runner/input-schema.ts';
import { helmRoles, roleSections, rollbackRoleSections, steerRole } from './roles.ts';

/** Groups of inputs of the parts of a release. */
const releaseGroups = {
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

export interface DocumentedAction {
  /** Its folder below `actions`; the empty one is the action in the root. */
  readonly name: string;
  readonly inputs: readonly ListedInput[];
  /** Name → description. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Group of inputs → title of its table, in the order of the documentation. */
  readonly groups: Readonly<Record<string, string>>;
  /** The RBAC Roles that it needs, as Markdown. */
  readonly roles?: string;
}

export const documentedActions: readonly DocumentedAction[] = [
  {
    name: '',
    inputs: releaseInputList,
    outputs: releaseOutputs,
    groups: {
      cluster: 'Cluster',
      parts: 'What is released, and which parts there are',
      ...releaseGroups,
    },
  },
  {
    name: 'release-parts',
    inputs: releasePartsInputList,
    outputs: releasePartsOutputs,
    groups: { step: 'Which end', cluster: 'Cluster', parts: 'Parts', ...releaseGroups },
  },
  {
    name: 'build-push',
    inputs: buildPushInputList,
    outputs: buildPushOutputs,
    groups: {
      image: 'The image and its names',
      source: 'What is built',
      registry: 'Registry',
      builder: 'Builder',
      supply: 'Attestations and signature',
      behaviour: 'Behaviour',
    },
  },
  {
    name: 'canary',
    inputs: inputList,
    outputs: canaryOutputs,
    groups: {
      cluster: 'Cluster',
      target: 'What is released',
      route: 'What moves the traffic',
      plan: 'Plan',
      metrics: 'Where requests are counted',
      judging: 'What is judged, and how strictly',
      behaviour: 'Behaviour',
    },
    roles: roleSections(),
  },
  {
    name: 'steer',
    inputs: listInputs(steer.inputs),
    outputs: steer.outputs,
    groups: steer.groups,
    roles: steerRole(),
  },
  {
    name: 'deployment-status',
    inputs: deploymentStatusInputList,
    outputs: deploymentStatusOutputs,
    groups: {
      release: 'The release',
      told: 'What is told',
      where: 'Where, beside the deployment',
      github: 'GitHub',
    },
  },
  {
    name: 'rollback',
    inputs: rollbackInputList,
    outputs: rollbackOutputs,
    groups: {
      cluster: 'Cluster',
      target: 'What is taken back',
      route: 'What moves the traffic',
      behaviour: 'Behaviour',
    },
    roles: rollbackRoleSections(),
  },
  {
    name: 'helm-deploy',
    inputs: helmInputList,
    outputs: helmOutputs,
    groups: {
      cluster: 'Cluster',
      release: 'Release',
      chart: 'Chart',
      values: 'Values',
      behaviour: 'Behaviour',
    },
    roles: helmRoles(),
  },
  {
    name: 'kubectl-deploy',
    inputs: kubectlInputList,
    outputs: kubectlOutputs,
    groups: {
      cluster: 'Cluster',
      objects: 'What is deployed',
      behaviour: 'Behaviour',
    },
  },
];

/** What the documentation of each action is written from. */

import { helmInputList, helmOutputs } from '../src/runner/helm/inputs.ts';
import type { ListedInput } from '../src/runner/input-schema.ts';
import { inputList } from '../src/runner/inputs.ts';
import { kubectlInputList, kubectlOutputs } from '../src/runner/kubectl/inputs.ts';
import { canaryOutputs } from '../src/runner/outputs.ts';
import { helmRoles, roleSections } from './roles.ts';

export interface DocumentedAction {
  /** Its folder below `actions`. */
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

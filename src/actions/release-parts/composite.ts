// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are what a composite action is made of
import type { CompositeAction, CompositePart } from '../../runner/define.ts';
import { releaseInputs, releasePartsInputs } from './inputs.ts';
import { releaseOutputs } from './outputs.ts';
import { expressionsOf, inputs, partInputs } from './part-inputs.ts';

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

const isBeside = "steps.begin.outputs.canary == 'release' && steps.undo-left.outputs.first-release != 'true'";

const parts: readonly CompositePart[] = [
  {
    id: 'begin',
    action: 'release-parts',
    comment: 'All inputs together, before anything is done.',
    with: expressionsOf(
      inputs(
        ...Object.keys(releasePartsInputs.shape).filter(
          (name) => !['at', 'outcomes', 'report', 'kubeconfig'].includes(name),
        ),
      ),
    ),
  },
  {
    id: 'build',
    action: 'build-push',
    if: "inputs.build == 'true'",
    with: expressionsOf(partInputs.build),
  },
  {
    id: 'canary',
    action: 'canary',
    comment: 'With canary: workload.',
    if: "steps.begin.outputs.canary == 'workload'",
    with: expressionsOf(partInputs.canary),
  },
  {
    id: 'undo-left',
    action: 'canary',
    comment:
      'With canary: release. A canary that an earlier run has left must get no requests while it becomes another version.',
    if: "steps.begin.outputs.canary == 'release'",
    with: expressionsOf(partInputs['undo-left']),
  },
  {
    id: 'beside',
    action: 'helm-deploy',
    if: isBeside,
    with: expressionsOf(partInputs.beside),
  },
  { id: 'shift', action: 'canary', if: isBeside, with: expressionsOf(partInputs.shift) },
  {
    id: 'deploy',
    action: 'helm-deploy',
    comment: 'The release itself.',
    if: [
      "inputs.chart != '' && (steps.begin.outputs.canary == 'none' || steps.canary.outputs.verdict == 'promoted' ||",
      "steps.shift.outputs.passed == 'true' || steps.canary.outputs.first-release == 'true' ||",
      "steps.undo-left.outputs.first-release == 'true')",
    ].join(' '),
    with: expressionsOf(partInputs.deploy),
  },
  {
    id: 'finish',
    action: 'canary',
    if: "steps.shift.outputs.passed == 'true' && steps.shift.outputs.verdict == 'held'",
    with: expressionsOf(partInputs.finish),
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
    with: expressionsOf(partInputs.undo),
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
    with: expressionsOf(partInputs.remove),
  },
  {
    id: 'end',
    action: 'release-parts',
    if: 'always()',
    with: { at: 'end', ...expressionsOf(inputs('release')), outcomes: '${{ toJSON(steps) }}' },
  },
];

/** The composite action in the repository's root: a build, a canary and a Helm release as one. */
export const composite: CompositeAction = {
  inputs: releaseInputs,
  outputs: releaseOutputs,
  groups: { cluster: 'Cluster', parts: 'What is released, and which parts there are', ...partGroups },
  parts,
};

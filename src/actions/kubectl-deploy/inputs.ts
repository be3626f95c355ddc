import * as z from 'zod';
import { parseReference, splitReference } from '../../core/image-reference.ts';
import type { ImageReplacement } from '../../kubectl/images.ts';
import { preciousKinds } from '../../kubectl/plan.ts';
import { input } from '../../runner/input-schema.ts';
import {
  boolean,
  choice,
  duration,
  inputType,
  itemsOf,
  list,
  text,
  wholeNumber,
  wrong,
} from '../../runner/input-types.ts';
import { clusterInputs } from '../../runner/shared-inputs.ts';

/** A name that fits into the names of the inventory's objects and into a label. */
const inventoryName = inputType('a name of at most 45 lower-case letters, digits and "-"', (given) =>
  given.length <= 45 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(given)
    ? given
    : wrong(`"${given}" can't be the name of an inventory.`),
);

const images = inputType('lines of NAME=IMAGE', (given): ImageReplacement[] => {
  const lines = given.split('\n').map((line) => line.trim());
  const found = lines
    .filter((line) => line !== '')
    .map((line) => {
      const [, name, image] = /^([^\s=@]+?)\s*=\s*([^\s=]+)$/.exec(line) ?? [];
      if (name === undefined || image === undefined) return wrong(`"${line}" is not of the form NAME=IMAGE.`);
      // Only split, not parsed: in manifests, the name may be a placeholder that no registry would accept.
      if (splitReference(name).tag !== undefined) return wrong(`"${name}" is to be an image's name without its tag.`);
      return { name, image: parseReference(image).text };
    });
  const twice = found.find(({ name }, index) => found.findIndex((other) => other.name === name) !== index);
  return twice ? wrong(`names ${twice.name} twice.`) : found;
});

const pruneKinds = inputType(`some of ${preciousKinds.join(', ')}`, (given): string[] => {
  const words = itemsOf(given);
  const unknown = words.find((word) => !preciousKinds.some((kind) => kind === word));
  return unknown === undefined
    ? words
    : wrong(`"${unknown}" is not one of ${preciousKinds.join(', ')}; all others are pruned anyway.`);
});

/** Every input of `actions/kubectl-deploy`. The runner's names, `action.yml` and the documentation follow this list. */
export const kubectlInputs = z.strictObject({
  ...clusterInputs('the inventory, and of objects that name none'),
  'create-namespace': input(boolean, {
    group: 'cluster',
    description: 'Creates `namespace` where it does not exist. It stays when a deployment is undone or pruned.',
    default: 'false',
    example: 'true',
  }),

  name: input(inventoryName, {
    group: 'objects',
    description:
      'What is deployed here, as one thing: its inventory `sluice-inventory-NAME` says what is to be pruned. Needed; another one for each set of manifests in a namespace.',
    example: 'checkout',
  }),
  mode: input(choice('deploy', 'discard-record'), {
    group: 'objects',
    description:
      'What is done: `deploy`. Or `discard-record`, which gives up the inventory of `name` and the objects kept for an undo, where they are refused or can not be read: nothing else is written or deleted, and it says which objects are no longer pruned.',
    default: 'deploy',
    example: 'discard-record',
  }),
  manifests: input(list, {
    group: 'objects',
    description:
      'Files, folders (their files, not those of folders in them) and globs with objects as YAML or JSON, relative to the repository or absolute. Or give `kustomize`.',
    example: 'deploy/*.yaml',
  }),
  kustomize: input(text, {
    group: 'objects',
    description: 'A folder with a `kustomization.yaml`, built by kubectl, or by kustomize where there is no kubectl.',
    example: 'deploy/production',
  }),
  images: input(images, {
    group: 'objects',
    description:
      'New images of all containers whose image has this name (without tag and digest), as in `images:` of kustomize.',
    example: 'ghcr.io/acme/checkout=ghcr.io/acme/checkout:1.2.3',
  }),
  prune: input(boolean, {
    group: 'objects',
    description:
      'Deletes what an earlier run of this `name` has deployed and the manifests no longer hold, after all else is ready. Only what still carries the label `sluice.dev/inventory`.',
    default: 'true',
    example: 'false',
  }),
  'prune-kinds': input(pruneKinds, {
    group: 'objects',
    description:
      'Kinds that hold what can not be made again, and are pruned only when they are named here, and were made by this `name`.',
    example: 'PersistentVolumeClaim',
  }),
  'force-conflicts': input(boolean, {
    group: 'objects',
    description:
      'Takes over fields that belong to another field manager. Without it, such a conflict is an error that names manager and fields.',
    default: 'false',
    example: 'true',
  }),

  wait: input(boolean, {
    group: 'behaviour',
    description:
      'Waits until all is ready: workloads rolled out, Jobs complete, load balancers with an address, custom resources `Ready`.',
    default: 'true',
    example: 'false',
  }),
  timeout: input(duration, {
    group: 'behaviour',
    description: 'How long the objects may take to become ready, and how long an undo may take after a failure.',
    default: '10m',
    example: '5m',
  }),
  'max-restarts': input(wholeNumber(0), {
    group: 'behaviour',
    description:
      'How often a container may restart before the deployment counts as failed: a service that starts before its database needs a few restarts.',
    default: '3',
    example: '5',
  }),
  'undo-on-failure': input(boolean, {
    group: 'behaviour',
    description:
      'After a failure or a cancellation, restores every object as it was, deletes what was created, and waits until the restored objects are ready.',
    default: 'true',
    example: 'false',
  }),
  'dry-run': input(boolean, {
    group: 'behaviour',
    description: 'Shows what would be created, changed and pruned, as the API server answers it; writes nothing.',
    default: 'false',
    example: 'true',
  }),
  report: input(text, {
    group: 'behaviour',
    description: 'Path for the JSON report. Without it, a file of the runner, which the output `report` names.',
    example: 'reports/deploy.json',
  }),
});
export type KubectlInputs = z.infer<typeof kubectlInputs>;

/** Inputs that contradict each other, one sentence each. */
export function kubectlContradictions(inputs: KubectlInputs): string[] {
  const { name, mode, manifests, kustomize, prune } = inputs;
  return [
    ...(name === undefined ? ['Input "name": is needed. Example: name: checkout'] : []),
    ...(mode === 'discard-record' && inputs['dry-run']
      ? [
          '"mode: discard-record" has no dry run: read the inventory in the cluster, the ConfigMap that the refusal names.',
        ]
      : []),
    ...(mode === 'deploy' && manifests === undefined && kustomize === undefined
      ? ['Inputs "manifests" and "kustomize": give one of them. Example: manifests: deploy/*.yaml']
      : []),
    ...(manifests !== undefined && kustomize !== undefined
      ? ['Inputs "manifests" and "kustomize": give only one of them; a kustomization can name manifests as resources.']
      : []),
    ...(inputs['prune-kinds'] !== undefined && !prune ? ['Input "prune-kinds": says nothing with prune: false.'] : []),
  ];
}

/** Every output of `actions/kubectl-deploy` with its description; `action.yml` and the documentation follow this list. */
export const kubectlOutputs = {
  verdict:
    'How it ended: `deployed`, `unchanged` (there was nothing to do), `undone` or `failed`. Empty after a dry run and when nothing was begun.',
  reason: 'Why, in a sentence.',
  changed: '`true` where an object was created, changed or pruned and stays so; in a dry run, would be.',
  resources: 'The objects of the manifests, a line each: `Deployment shop/checkout`.',
  pruned: 'The objects that were deleted since no manifest holds them any more, a line each.',
  'manifest-digest': 'Digest over all that the manifests say: equal for two that mean the same.',
  report: 'Path of the JSON report.',
} as const;

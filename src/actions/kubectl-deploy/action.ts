import { conclude } from '../../kubectl/conclude.ts';
import { deploy } from '../../kubectl/deploy.ts';
import type { DeployOptions, DeployWorld } from '../../kubectl/world.ts';
import { defineAction } from '../../runner/define.ts';
import { oneLine } from '../../runner/log-text.ts';
import { clusterSecrets } from '../../runner/secrets.ts';
import { assembleDeploy } from './assemble.ts';
import { kubectlInputs, kubectlOutputs } from './inputs.ts';
import { readManifestInputs } from './manifests.ts';
import { type KubectlRun, kubectlReport } from './report.ts';

/** Deploys manifests, waits until they are ready, and undoes failures. */
export const action = defineAction({
  name: 'kubectl-deploy',
  inputs: kubectlInputs,
  outputs: kubectlOutputs,
  groups: { cluster: 'Cluster', objects: 'What is deployed', behaviour: 'Behaviour' },
  secrets: clusterSecrets,
  read: readManifestInputs,
  report: kubectlReport,
  main: deployManifests,
  post: concludeDeploy,
});

async function deployManifests(run: KubectlRun): Promise<void> {
  const { world, options, objects, close } = assembleDeploy(run);
  run.closing(close);
  if (run.inputs.mode === 'discard-record') return await giveUpInventory(run, world, options);
  const resolved = await objects(run.inputs.written, run.signal);
  if (!options.dryRun) run.begun();
  const verdict = await deploy(world, options, resolved, run.signal);
  if (verdict === 'undone' || verdict === 'failed') run.fail();
}

/** `mode: discard-record`: discards the inventory, writes nothing else, and reports what stays as it is. */
async function giveUpInventory(run: KubectlRun, world: DeployWorld, options: DeployOptions): Promise<void> {
  const claim = await world.claim(run.signal);
  try {
    const objects = await world.store.discard(options, AbortSignal.any([run.signal, claim.lost]));
    run.leaveUnpublished();
    const kept =
      objects.length === 0
        ? 'It named no object.'
        : `These stay as they are, and are pruned only if they are deployed again: ${objects.join(', ')}.`;
    const told = oneLine(`${world.store.object} is given up, and the objects that were kept for an undo. ${kept}`);
    run.annotate.warning(told, { title: 'Sluice: record given up' });
    run.output('reason', told);
  } finally {
    await claim.release();
  }
}

/** The record in the cluster says what to undo, so the manifests are not read again. */
async function concludeDeploy(run: KubectlRun, id: string): Promise<void> {
  const { world, options, close } = assembleDeploy(run);
  run.closing(close);
  const verdict = await conclude(world, { ...options, id }, run.signal);
  if (!verdict) run.leaveUnpublished();
}

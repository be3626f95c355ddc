import { conclude } from '../../kubectl/conclude.ts';
import { deploy } from '../../kubectl/deploy.ts';
import { defineAction } from '../../runner/define.ts';
import { clusterSecrets } from '../../runner/secrets.ts';
import { assembleDeploy } from './assemble.ts';
import { kubectlInputs, kubectlOutputs } from './inputs.ts';
import { readManifestInputs } from './manifests.ts';
import { type KubectlRun, kubectlReport } from './report.ts';

/** Deploys manifests, waits until they are ready, and undoes what fails. */
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
  const resolved = await objects(run.inputs.written, run.signal);
  if (!options.dryRun) run.begun();
  const verdict = await deploy(world, options, resolved, run.signal);
  if (verdict === 'undone' || verdict === 'failed') run.fail();
}

/** What is there to be undone stands in the cluster: the manifests are not read again. */
async function concludeDeploy(run: KubectlRun, id: string): Promise<void> {
  const { world, options, close } = assembleDeploy(run);
  run.closing(close);
  const verdict = await conclude(world, { ...options, id }, run.signal);
  if (!verdict) run.leaveUnpublished();
}

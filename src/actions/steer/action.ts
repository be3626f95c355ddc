import { checkPermissions } from '../../cluster/permissions.ts';
import { resources } from '../../cluster/resources.ts';
import { steer } from '../../ledger/steer.ts';
import { defineAction } from '../../runner/define.ts';
import { oneLine } from '../../runner/log-text.ts';
import { clusterSecrets } from '../../runner/secrets.ts';
import { assembleSteer, steerPermissions } from './assemble.ts';
import { loadSteerInputs, steerInputs, steerOutputs } from './inputs.ts';
import { type SteerRun, tellTaken } from './report.ts';

/** Gives a command to the rollout that is running. */
export const action = defineAction({
  name: 'steer',
  inputs: steerInputs,
  outputs: steerOutputs,
  groups: { cluster: 'Cluster', command: 'The command' },
  permissions: ({ namespace }) => [
    {
      name: 'sluice-steer',
      permissions: steerPermissions({ type: resources.configMap, namespace, name: 'sluice-checkout' }),
    },
  ],
  secrets: clusterSecrets,
  read: loadSteerInputs,
  main: giveCommand,
});

async function giveCommand(run: SteerRun): Promise<void> {
  const { inputs, facts, signal, log } = run;
  const { client, permissions, options } = assembleSteer(run, (message) => log.info(oneLine(message)));
  const { command: verb, by = facts.startedBy, why = '' } = inputs;
  let startedBy: string;
  try {
    await checkPermissions(client, permissions, signal);
    ({ startedBy } = await steer(options, { verb, by, why }, signal));
  } finally {
    await client.close();
  }
  await tellTaken(run, startedBy);
}

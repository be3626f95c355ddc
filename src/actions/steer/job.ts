import { info, notice, setFailed, setOutput, summary } from '@actions/core';
import packageJson from '../../../package.json' with { type: 'json' };
import { checkPermissions, permissionTo } from '../../cluster/permissions.ts';
import { resources } from '../../cluster/resources.ts';
import { systemClock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { steer } from '../../ledger/steer.ts';
import { plain } from '../../report/markdown.ts';
import { listenForCancellation } from '../../runner/cancellation.ts';
import { openCluster } from '../../runner/cluster.ts';
import { runnerFacts } from '../../runner/github.ts';
import { loadGiven } from '../../runner/load-given.ts';
import { oneLine } from '../../runner/log-text.ts';
import { outputValue } from '../../runner/outputs.ts';
import { clusterSecrets } from '../../runner/secrets.ts';
import { type LoadedSteerInputs, loadSteerInputs } from './inputs.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** `actions/steer`: gives a command to the rollout that runs. */
export async function steerMain(env: Environment): Promise<void> {
  using cancellation = listenForCancellation(process);
  const loaded = loadGiven(env, clusterSecrets, loadSteerInputs);
  if (!loaded) return;
  const { inputs, redact } = loaded;
  const say = (message: string) => info(oneLine(redact(message)));
  try {
    const { startedBy } = await give(inputs, env, say, cancellation.cancelled);
    setOutput('rollout', outputValue('rollout', redact(startedBy)));
    const told = `${inputs.command} was taken by the rollout of ${inputs.rollout} that ${startedBy} has started`;
    notice(oneLine(redact(told)), { title: `Sluice: ${inputs.command}` });
    await summary.addRaw(redact(`**${plain(told)}**\n\n`)).write();
  } catch (error) {
    setFailed(redact(messageOf(error)));
  }
}

async function give(inputs: LoadedSteerInputs, env: Environment, tell: (message: string) => void, signal: AbortSignal) {
  const { client, namespace } = openCluster(inputs, env);
  const { rollout, command: verb, why = '', timeout: patience } = inputs;
  const facts = runnerFacts(env);
  const by = inputs.by ?? facts.startedBy;
  const object = { type: resources.configMap, namespace, name: `sluice-${rollout}` };
  const options = {
    client,
    object,
    rollout,
    clock: systemClock,
    patience,
    ...(inputs['only-this-run'] && { startedBy: facts.runPrefix }),
    version: packageJson.version,
    tell,
  };
  try {
    await checkPermissions(client, steerPermissions(namespace), signal);
    return await steer(options, { verb, by, why }, signal);
  } finally {
    await client.close();
  }
}

/** What it needs to do in a namespace. */
export function steerPermissions(namespace: string) {
  return [permissionTo(['get', 'patch'], resources.configMap, namespace)];
}

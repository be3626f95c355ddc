import packageJson from '../../../package.json' with { type: 'json' };
import type { KubernetesClient } from '../../cluster/client.ts';
import { permissionsToNamed } from '../../cluster/permissions.ts';
import { type ObjectReference, resources } from '../../cluster/resources.ts';
import type { Permission } from '../../core/permission.ts';
import type { SteerOptions } from '../../ledger/steer.ts';
import { type ClusterAccess, openCluster } from '../../runner/cluster.ts';
import type { Run } from '../../runner/define.ts';
import type { LoadedSteerInputs } from './inputs.ts';

/** The cluster and the rollout that the inputs name. Sends no request yet. */
export function assembleSteer(
  {
    inputs,
    facts,
    clock,
    ...access
  }: Pick<Run<LoadedSteerInputs, string>, 'inputs' | 'facts' | 'clock'> & ClusterAccess,
  tell: (message: string) => void,
): { readonly client: KubernetesClient; readonly permissions: readonly Permission[]; readonly options: SteerOptions } {
  const { client, namespace } = openCluster(inputs, access);
  const { rollout, timeout: patience } = inputs;
  const options = {
    client,
    object: { type: resources.configMap, namespace, name: `sluice-${rollout}` },
    rollout,
    clock,
    patience,
    ...(inputs['only-this-run'] && { startedBy: facts.runPrefix }),
    version: packageJson.version,
    tell,
  };
  return { client, permissions: steerPermissions(options.object), options };
}

/** The rights on the record that a command needs. */
export function steerPermissions(record: ObjectReference): readonly Permission[] {
  return permissionsToNamed(['get', 'patch'], record);
}

import { randomUUID } from 'node:crypto';
import { createInventoryStore } from '../../apply/inventory.ts';
import { type DeployObject, resolveObjects, type WrittenObject } from '../../apply/objects.ts';
import { checkPermissions } from '../../cluster/permissions.ts';
import { deployPermissions } from '../../kubectl/permissions.ts';
import type { DeployOptions, DeployWorld } from '../../kubectl/world.ts';
import { claimLease, LEASE_DURATION } from '../../ledger/lease.ts';
import { type ClusterAccess, openCluster } from '../../runner/cluster.ts';
import type { KubectlRun } from './report.ts';

export interface AssembledDeploy {
  readonly world: DeployWorld;
  readonly options: DeployOptions;
  /**
   * Resolves the objects in the cluster, after checking all rights that are needed.
   *
   * @throws SluiceError for kinds or rights that are missing
   */
  objects(written: readonly WrittenObject[], signal: AbortSignal): Promise<DeployObject[]>;
  close(): Promise<void>;
}

/** Builds the adapters that the inputs ask for. */
export function assembleDeploy({
  inputs,
  facts,
  clock,
  emit,
  ...access
}: Pick<KubectlRun, 'inputs' | 'facts' | 'clock' | 'emit'> & ClusterAccess): AssembledDeploy {
  const { client, namespace, seal } = openCluster(inputs, access);
  const name = inputs.name ?? '';
  const store = createInventoryStore(client, namespace, name, seal);
  const holder = { identity: facts.identity, description: facts.startedBy };
  const options: DeployOptions = {
    id: facts.identity,
    startedBy: facts.startedBy,
    name,
    namespace,
    createNamespace: inputs['create-namespace'],
    prune: inputs.prune,
    pruneKinds: inputs['prune-kinds'] ?? [],
    force: inputs['force-conflicts'],
    wait: inputs.wait,
    undoOnFailure: inputs['undo-on-failure'],
    timeout: inputs.timeout,
    maxRestarts: inputs['max-restarts'],
    dryRun: inputs['dry-run'],
  };
  return {
    world: {
      client,
      store,
      clock,
      emit,
      claim: (signal) =>
        claimLease(
          { client, lease: store.lease, rollout: name, holder, clock, duration: LEASE_DURATION, nonce: randomUUID },
          signal,
        ),
    },
    options,
    async objects(written, signal) {
      const objects = await resolveObjects(client, written, namespace, signal);
      await checkPermissions(client, deployPermissions(objects, options, store), signal);
      return objects;
    },
    close: client.close,
  };
}

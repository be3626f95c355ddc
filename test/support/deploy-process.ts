import type { DeployEvent } from '../../src/apply/events.ts';
import { createInventoryStore } from '../../src/apply/inventory.ts';
import { parseManifests, resolveObjects } from '../../src/apply/objects.ts';
import type { KubernetesClient } from '../../src/cluster/client.ts';
import { SluiceError } from '../../src/core/errors.ts';
import { conclude } from '../../src/kubectl/conclude.ts';
import { deploy } from '../../src/kubectl/deploy.ts';
import type { DeployOptions, DeployWorld } from '../../src/kubectl/world.ts';
import { createSeal } from '../../src/ledger/seal.ts';
import { createQuickClock, type EmbeddedCluster } from './embedded-cluster.ts';

const never = new AbortController().signal;
/** The reason why a process that has lost its Lease stops. */
export const takenOver = new SluiceError('locked', { about: 'Lease', problem: 'another run holds it.', next: '' });
const cancelled = new SluiceError('cancelled', { about: 'this run', problem: 'was asked to stop.', next: '' });

/** Common to all processes, which have the same credentials. */
const seal = createSeal();

/** What a test can do to a running process. */
export interface Process {
  cancel(): void;
  lose(): void;
}

/** One process that deploys into namespace `default`, or concludes, under this name. */
export function deployProcess(
  cluster: Pick<EmbeddedCluster, 'client'>,
  name: string,
  client: KubernetesClient,
  on?: (event: DeployEvent, process: Process) => void,
) {
  const events: DeployEvent[] = [];
  const cancel = new AbortController();
  const lost = new AbortController();
  const process: Process = { cancel: () => cancel.abort(cancelled), lose: () => lost.abort(takenOver) };
  const world: DeployWorld = {
    client,
    store: createInventoryStore(client, 'default', name, seal),
    clock: createQuickClock(100),
    emit: (event) => {
      events.push(event);
      on?.(event, process);
    },
    claim: async () => ({ lost: lost.signal, release: async () => undefined }),
  };
  const options: DeployOptions = {
    id: 'run',
    startedBy: 'alice',
    name,
    namespace: 'default',
    createNamespace: false,
    prune: true,
    pruneKinds: [],
    force: false,
    wait: true,
    undoOnFailure: true,
    timeout: 600_000,
    maxRestarts: 3,
    dryRun: false,
  };
  return {
    events,
    async deploy(text: string) {
      const written = parseManifests([{ name: 'app.yaml', text }]);
      return deploy(world, options, await resolveObjects(cluster.client, written, 'default', never), cancel.signal);
    },
    conclude: () => conclude(world, options, cancel.signal),
  };
}

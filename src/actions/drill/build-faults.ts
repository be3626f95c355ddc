import { resources } from '../../cluster/resources.ts';
import type { Fault } from '../../drills/ports.ts';
import type { FaultWorld } from '../../drills/faults/world.ts';
import { readManifestFaults } from './manifests.ts';
import type { DrillInputs } from './inputs.ts';
import type { FaultSettings } from './fault-kind.ts';
import { selectorOfService } from '../../drills/service-pods.ts';
import { selectorOf } from '../../sources/cluster/workload-pods.ts';

interface Place {
  readonly world: FaultWorld;
  readonly namespace: string;
  /** The folder of the repository. */
  readonly workspace: string;
}

/**
 * The faults of the inputs, in their order: those of lines, then those of manifests.
 *
 * @throws SluiceError for a workload or a Service that does not exist, and for manifests that can't be injected
 */
export async function buildFaults(inputs: DrillInputs, place: Place, signal: AbortSignal): Promise<Fault[]> {
  const { world, namespace } = place;
  const settings: FaultSettings = {
    namespace,
    maxDuration: inputs['max-duration'],
    stressImage: inputs['stress-image'],
    gitops: inputs.gitops,
    ignoreBudgets: inputs['ignore-budgets'],
    selectorOf(on, inNamespace) {
      const { client } = world;
      if (on.kind === 'service') {
        return selectorOfService(client, { type: resources.service, namespace: inNamespace, name: on.name }, signal);
      }
      const kind = on.kind === 'statefulset' ? 'statefulset' : 'deployment';
      return selectorOf({ kind, name: on.name }, { client, namespace: inNamespace }, signal);
    },
  };
  const written: Fault[] = [];
  for (const { form, kind } of inputs.faults ?? []) written.push(await kind.build(form, settings, world));
  return [...written, ...(await readManifestFaults(inputs, place))];
}

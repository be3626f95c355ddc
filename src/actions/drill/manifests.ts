import { readFaultManifests } from '../../drills/faults/chaos-mesh/manifests.ts';
import { makerChaosFault, manifestChaosFault } from '../../drills/faults/chaos-mesh/plans.ts';
import { litmusFault } from '../../drills/faults/litmus.ts';
import type { FaultWorld } from '../../drills/faults/world.ts';
import type { Fault } from '../../drills/ports.ts';
import { readManifests } from '../kubectl-deploy/manifests.ts';
import type { DrillInputs } from './inputs.ts';
import { chaosWorld } from './kinds/chaos-world.ts';
import { choosingAlike } from './kinds/same-choice.ts';

interface Place {
  readonly world: FaultWorld;
  readonly namespace: string;
  readonly workspace: string;
}

/**
 * The faults of the manifests that the inputs name.
 *
 * @throws SluiceError `invalid-input` for paths without manifests, and for everything that is wrong in one
 */
export async function readManifestFaults(
  inputs: Pick<DrillInputs, 'manifests' | 'namespaces' | 'max-duration'>,
  { world, namespace, workspace }: Place,
): Promise<Fault[]> {
  if (inputs.manifests === undefined) return [];
  const bounds = { namespace, namespaces: inputs.namespaces ?? [namespace], maxDuration: inputs['max-duration'] };
  const texts = await readManifests(inputs.manifests, workspace);
  return texts.flatMap(({ name, text }) =>
    readFaultManifests(text, { ...bounds, name }).map((written): Fault => {
      return choosingAlike(world, `${name} ${written.name}`, (own) => {
        if (written.tool === 'litmus') return litmusFault(written, chaosWorld(own));
        if (written.tool === 'chaos-mesh') return manifestChaosFault(written, chaosWorld(own));
        return makerChaosFault(written, chaosWorld(own));
      });
    }),
  );
}

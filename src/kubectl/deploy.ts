import { withDefaultLabels } from '../apply/default-labels.ts';
import { type DeployVerdict, type InventoryPlace, inventoryLabels } from '../apply/inventory.ts';
import { type DeployObject, withoutControlledFields } from '../apply/objects.ts';
import { inApplyOrder } from '../apply/order.ts';
import { carryOut } from '../change/carry-out.ts';
import { isRecord } from '../core/json.ts';
import { deployment } from './change.ts';
import { digestOf } from './digest.ts';
import { namespaceExists } from './namespace.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/** The objects to apply, with the label of their inventory. */
function labelled(objects: readonly DeployObject[], place: InventoryPlace): DeployObject[] {
  return objects.map((object) => {
    const { metadata } = object.manifest;
    const labels = isRecord(metadata.labels) ? metadata.labels : {};
    const marked = { ...metadata, labels: { ...labels, ...inventoryLabels(place, object.reference) } };
    return { ...object, manifest: { ...object.manifest, metadata: marked } };
  });
}

/**
 * Applies these objects, waits until they are ready, and deletes those that are no longer in the manifests; or restores the
 * state before.
 *
 * @returns undefined after a dry run
 * @throws SluiceError for what is refused before the first write
 */
export async function deploy(
  world: DeployWorld,
  options: DeployOptions,
  given: readonly DeployObject[],
  cancelled: AbortSignal,
): Promise<DeployVerdict | undefined> {
  const { clock, emit } = world;
  const { name, namespace, startedBy: by } = options;
  const objects = inApplyOrder(labelled(given.map(withoutControlledFields).map(withDefaultLabels), options));
  const digest = digestOf(given);
  emit({ type: 'started', at: clock.now(), name, namespace, by, digest });
  const hasNamespace = await namespaceExists(world, options, cancelled);
  return carryOut(deployment(world, options, { objects, digest, hasNamespace }), cancelled);
}

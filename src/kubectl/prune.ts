import { type Inventory, isOfInventory } from '../apply/inventory.ts';
import { inDeleteOrder } from '../apply/order.ts';
import { describe } from '../cluster/resources.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/** Deletes the objects to prune that still belong to the inventory. */
export async function prune(
  { client, clock, emit }: DeployWorld,
  place: DeployOptions,
  { prune: references = [] }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  for (const { reference } of inDeleteOrder(references.map((reference) => ({ reference })))) {
    const found = await client.find(reference, signal);
    if (!found || !isOfInventory(place, reference, found)) continue;
    await client.remove(reference, signal, found.metadata.uid);
    emit({ type: 'pruned', at: clock.now(), object: describe(reference) });
  }
}

import type { DeployVerdict, Inventory } from '../apply/inventory.ts';
import type { ObjectReference } from '../cluster/resources.ts';
import type { Work } from './plan.ts';

/** What is known of a deployment that has begun. */
export interface Mark {
  /** The inventory that was saved before the first write, or that an earlier run has left. */
  readonly begun: Inventory;
  /** What is deleted once all objects are ready. */
  readonly pruned: readonly ObjectReference[];
  /** The inventory at the end. */
  readonly done: Inventory;
}

/** A deployment, as a change. */
export interface DeployTypes {
  readonly found: { readonly former: Inventory | undefined };
  readonly plan: Work;
  readonly mark: Mark;
  readonly result: DeployVerdict | undefined;
}

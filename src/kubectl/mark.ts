import type { DeployVerdict, Inventory } from '../apply/inventory.ts';
import type { ObjectReference } from '../cluster/resources.ts';
import type { Work } from './plan.ts';

/** What is known of a deployment that has begun. */
export interface Mark {
  /** The inventory as it was saved before the first write, or as an earlier run has left it. */
  readonly begun: Inventory;
  /** What goes once all is ready. */
  readonly pruned: readonly ObjectReference[];
  /** The inventory at its end. */
  readonly done: Inventory;
}

/** A deployment, as a change. */
export interface DeployTypes {
  readonly found: { readonly former: Inventory | undefined };
  readonly plan: Work;
  readonly mark: Mark;
  readonly result: DeployVerdict | undefined;
}

import type { DeployEvent } from '../apply/events.ts';
import type { InventoryStore } from '../apply/inventory.ts';
import type { KubernetesClient } from '../cluster/client.ts';
import type { Clock } from '../core/clock.ts';
import type { Claim } from '../ledger/lease.ts';

export interface DeployOptions {
  /** The run's ID: the same in `main` and in `post`. */
  readonly id: string;
  readonly startedBy: string;
  /** The name of the inventory. */
  readonly name: string;
  readonly namespace: string;
  readonly createNamespace: boolean;
  readonly prune: boolean;
  /** Precious kinds that may be pruned although their data can't be restored. */
  readonly pruneKinds: readonly string[];
  readonly force: boolean;
  readonly wait: boolean;
  readonly undoOnFailure: boolean;
  /** Milliseconds for applying and getting ready, and again for an undo. */
  readonly timeout: number;
  readonly maxRestarts: number;
  readonly dryRun: boolean;
}

export interface DeployWorld {
  readonly client: KubernetesClient;
  readonly store: InventoryStore;
  readonly clock: Clock;
  readonly emit: (event: DeployEvent) => void;
  /** Excludes other runs of the same name. Throws `locked` with the holder. */
  readonly claim: (signal: AbortSignal) => Promise<Claim>;
}

import type { DeployEvent } from '../apply/events.ts';
import type { InventoryStore } from '../apply/inventory.ts';
import type { KubernetesClient } from '../cluster/client.ts';
import type { Clock } from '../core/clock.ts';
import type { Claim } from '../ledger/lease.ts';

export interface DeployOptions {
  /** Of this run: the same in `main` and in `post`. */
  readonly id: string;
  readonly startedBy: string;
  /** Of the inventory. */
  readonly name: string;
  readonly namespace: string;
  readonly createNamespace: boolean;
  readonly prune: boolean;
  /** Kinds that are pruned though the objects hold what can't be made again. */
  readonly pruneKinds: readonly string[];
  readonly force: boolean;
  readonly wait: boolean;
  readonly undoOnFailure: boolean;
  /** Milliseconds for applying and getting ready; and for an undo as much again. */
  readonly timeout: number;
  readonly maxRestarts: number;
  readonly dryRun: boolean;
}

export interface DeployWorld {
  readonly client: KubernetesClient;
  readonly store: InventoryStore;
  readonly clock: Clock;
  readonly emit: (event: DeployEvent) => void;
  /** Keeps two runs of one name apart. Throws `locked` with the holder. */
  readonly claim: (signal: AbortSignal) => Promise<Claim>;
}

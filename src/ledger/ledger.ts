import type { Ledger } from '../canary/ports.ts';
import type { KubernetesClient } from '../cluster/client.ts';
import { permissionTo } from '../cluster/permissions.ts';
import { describe, resources } from '../cluster/resources.ts';
import type { Clock } from '../core/clock.ts';
import { commandLine, followCommands } from './commands.ts';
import { claimLease, type Holder, LEASE_DURATION } from './lease.ts';
import { createRecordStore } from './record.ts';

export interface LedgerOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** Name of the route: two rollouts of the same name in a namespace exclude each other. */
  readonly rollout: string;
  readonly holder: Holder;
  readonly clock: Clock;
  /** Version of Sluice. */
  readonly version: string;
  /** A new word at each call, such as a random UUID. */
  readonly nonce: () => string;
  /** Milliseconds without a heartbeat after which a run counts as dead; default 15,000. */
  readonly leaseDuration?: number;
}

/** The Lease and the record of a route's rollouts: Lease and ConfigMap `sluice-ROUTE`. */
export function createLedger(options: LedgerOptions): Ledger {
  const { client, namespace, rollout, holder, clock, version, nonce, leaseDuration = LEASE_DURATION } = options;
  const name = `sluice-${rollout}`;
  const lease = { type: resources.lease, namespace, name };
  const record = { type: resources.configMap, namespace, name };
  const { load, save } = createRecordStore({ client, object: record, rollout, version });
  return {
    permissions: [
      permissionTo(['get', 'create', 'update'], resources.lease, namespace),
      permissionTo(['get', 'list', 'watch', 'create', 'patch'], resources.configMap, namespace),
    ],
    object: describe(record),
    commandLine: (verb) => commandLine(record, verb),
    claim: (signal) => claimLease({ client, lease, rollout, holder, clock, duration: leaseDuration, nonce }, signal),
    load,
    save,
    commands: (signal) => followCommands(client, record, clock, signal),
  };
}

import type { Ledger } from '../canary/ports.ts';
import type { KubernetesClient } from '../cluster/client.ts';
import { permissionsToNamed, permissionTo } from '../cluster/permissions.ts';
import { describe, resources } from '../cluster/resources.ts';
import type { Clock } from '../core/clock.ts';
import type { Permission } from '../core/permission.ts';
import { commandLine, followCommands } from './commands.ts';
import { claimLease, type Holder, LEASE_DURATION } from './lease.ts';
import { createRecordStore } from './record.ts';

export interface LedgerOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** The route's name: two rollouts of the same name in a namespace exclude each other. */
  readonly rollout: string;
  readonly holder: Holder;
  readonly clock: Clock;
  /** Version of Sluice. */
  readonly version: string;
  /** Returns a unique text at each call, such as a random UUID. */
  readonly nonce: () => string;
  /** Milliseconds without a heartbeat after which a run counts as dead; default 15,000. */
  readonly leaseDuration?: number;
}

/**
 * The rights on the Lease and the record.
 *
 * @param rollout undefined to look for it among all records of the namespace
 */
export function ledgerPermissions(namespace: string, rollout: string | undefined): readonly Permission[] {
  const onLease = ['get', 'create', 'update'];
  const onRecord = ['get', 'list', 'watch', 'create', 'patch'];
  if (rollout === undefined)
    return [permissionTo(onLease, resources.lease, namespace), permissionTo(onRecord, resources.configMap, namespace)];
  const name = `sluice-${rollout}`;
  return [
    ...permissionsToNamed(onLease, { type: resources.lease, namespace, name }),
    ...permissionsToNamed(onRecord, { type: resources.configMap, namespace, name }),
  ];
}

/** The Lease and the record of a route's rollouts, both named `sluice-ROUTE`; the record is a ConfigMap. */
export function createLedger(options: LedgerOptions): Ledger {
  const { client, namespace, rollout, holder, clock, version, nonce, leaseDuration = LEASE_DURATION } = options;
  const name = `sluice-${rollout}`;
  const lease = { type: resources.lease, namespace, name };
  const record = { type: resources.configMap, namespace, name };
  const { load, save } = createRecordStore({ client, object: record, rollout, version });
  return {
    permissions: ledgerPermissions(namespace, rollout),
    object: describe(record),
    commandLine: (verb) => commandLine(record, verb),
    claim: (signal) => claimLease({ client, lease, rollout, holder, clock, duration: leaseDuration, nonce }, signal),
    load,
    save,
    commands: (signal) => followCommands(client, record, clock, signal),
  };
}

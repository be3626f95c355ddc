import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Router } from '../../canary/ports.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import { checkPermissions, permissionTo } from '../../cluster/permissions.ts';
import { readPart } from '../../cluster/read-object.ts';
import { describe, resources } from '../../cluster/resources.ts';
import type { Clock } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Permission } from '../../core/permission.ts';
import { giveCommand } from '../../ledger/commands.ts';
import { createLedger, ledgerPermissions } from '../../ledger/ledger.ts';
import { GIVE_UP_RECORD, listRecords } from '../../ledger/record.ts';
import type { RollbackOptions, RollbackWorld } from '../../rollback/world.ts';
import { createRouter } from '../../routes/weights/index.ts';
import { type ClusterAccess, openCluster } from '../../runner/cluster.ts';
import type { RunnerFacts } from '../../runner/github.ts';
import { recordedArms } from '../../workloads/arms/arms.ts';
import { createContext } from '../../workloads/arms-context.ts';
import { canaryName } from '../../workloads/canary-workload.ts';
import { rolloutsOf, statementsOf } from '../../workloads/rollback/rollout-statements.ts';
import { rollbackPermissions, rollbackWorkload } from '../../workloads/rollback/target.ts';
import { referenceTo } from '../../workloads/workload.ts';
import { routerOf } from '../canary/contradictions.ts';
import { routerOptions, type Workloads } from '../canary/router-options.ts';
import type { loadRollbackInputs } from './inputs.ts';
import type { Audience } from './report.ts';

type Inputs = ReturnType<typeof loadRollbackInputs>;

export interface RollbackAssembly extends ClusterAccess {
  readonly inputs: Inputs;
  readonly facts: RunnerFacts;
  readonly clock: Clock;
  readonly audience: Audience;
  /** Aborts the watches in the background. */
  readonly lifetime: AbortSignal;
}

/**
 * Builds the adapters of a rollback. Checks the rights, and reads the records of the workload's rollouts.
 *
 * @throws SluiceError for credentials or rights that are missing
 */
export async function assembleRollback(
  { inputs, facts, clock, audience, lifetime, ...access }: RollbackAssembly,
  signal: AbortSignal,
): Promise<{ readonly world: RollbackWorld; readonly options: RollbackOptions; close(): Promise<void> }> {
  const { client, namespace } = openCluster(inputs, access);
  const object = describe(referenceTo(inputs.workload, namespace));

  const holder = { identity: facts.identity, description: facts.startedBy };
  await checkPermissions(client, rollbackRights(inputs, { client, namespace, clock }), signal);
  const known = rolloutsOf(await listRecords(client, namespace, signal), object);
  const rollout = rolloutName(
    inputs,
    object,
    known.map((each) => each.rollout),
  );

  const ledger = createLedger({ ...ledgerOptions, client, namespace, clock, rollout, holder });
  const armsOptions = { client, namespace, clock, rollout, drain: inputs.drain, lifetime };
  const service = inputs['stable-service'] ?? inputs.service;
  const world: RollbackWorld = {
    ...audience,
    workload: rollbackWorkload(createContext(armsOptions), {
      ...inputs.workload,
      service: service?.name,
      gitops: inputs.gitops,
    }),
    ledger,
    clock,
    router: routerFor(inputs, { client, namespace, clock }, assumedWorkloads(inputs)),
    statements: async (during) =>
      rolloutsOf(await listRecords(client, namespace, during), object).flatMap(statementsOf),
    command: (command, during) =>
      giveCommand(client, { type: resources.configMap, namespace, name: `sluice-${rollout}` }, command, during),
    concluding(record) {
      const router = routerFor(
        inputs,
        { client, namespace, clock },
        readPart(record.arms.data, foundWorkloads, ledger.object, GIVE_UP_RECORD),
      );
      return router && { router, arms: recordedArms(armsOptions, inputs.workload), clock, emit: audience.emit };
    },
  };
  const options: RollbackOptions = {
    wanted: inputs.revision,
    dryRun: inputs['dry-run'],
    startedBy: facts.startedBy,
    readyTimeout: inputs['ready-timeout'],
    confirmTimeout: inputs['confirm-timeout'],
    undoTimeout: inputs['undo-timeout'],
  };
  return { world, options, close: () => client.close() };
}

interface Place {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly clock: Clock;
}

const ledgerOptions = { version: packageJson.version, nonce: randomUUID };

/**
 * All rights that a rollback with these inputs needs. Ending a rollout that a dead run has left needs the rights of that
 * rollout.
 */
export function rollbackRights(inputs: Inputs, place: Place): Permission[] {
  const router = routerFor(inputs, place, assumedWorkloads(inputs));
  return [
    ...rollbackPermissions(place.namespace, inputs.workload),
    ...(router?.permissions ?? []),
    // The records of all routes are searched for those of the workload.
    permissionTo(['list'], resources.configMap, place.namespace),
    ...ledgerPermissions(place.namespace, namedRollout(inputs)),
  ];
}

/** The router that the inputs describe; undefined where they name no route. */
function routerFor(inputs: Inputs, { client, namespace, clock }: Place, workloads: Workloads): Router | undefined {
  if (routerOf(inputs) === undefined) return undefined;
  // Where two workloads exist, each has a Service or a subset of its own.
  const two = inputs['canary-service'] !== undefined || inputs['canary-subset'] !== undefined;
  const named = { ...inputs, workload: two ? undefined : inputs.workload };
  // A rollback only writes weights that an unfinished rollout has left, and that rollout has already checked "gitops".
  const options = routerOptions({ ...named, gitops: 'ignore-rule-present' }, { namespace, workloads });
  return createRouter(options, client, { clock });
}

const named = z.object({ kind: z.enum(['Deployment', 'StatefulSet']), name: z.string(), pods: z.string() });
const foundWorkloads = z.object({ stable: named, canary: named });

/** The workloads under the names that a release of this workload gives them. */
function assumedWorkloads({ workload }: Inputs): Workloads {
  const stable = { ...workload, pods: '' };
  return { stable, canary: { ...stable, name: canaryName(workload.name) } };
}

/** The name of the rollout, if the inputs name it. */
function namedRollout({ route, router, service }: Inputs): string | undefined {
  return route?.name ?? (router === 'replicas' ? service?.name : undefined);
}

/**
 * The name of record and Lease: the route's, as in `actions/canary`. If no input names the route, the recorded rollouts of the
 * workload do.
 */
function rolloutName(inputs: Inputs, object: string, known: readonly string[]): string {
  const named = namedRollout(inputs);
  if (named !== undefined) return named;
  const [only] = known;
  if (known.length <= 1) return only ?? inputs.service?.name ?? inputs.workload.name;
  throw new SluiceError('invalid-input', {
    about: object,
    problem: `was released through several routes: ${known.join(', ')}.`,
    next: 'Say which one serves it now, with "route" and "service".',
  });
}

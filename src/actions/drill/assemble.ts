import { randomUUID } from 'node:crypto';
import { checkPermissions } from '../../cluster/permissions.ts';
import { resources } from '../../cluster/resources.ts';
import { admitDrill } from '../../drills/admission.ts';
import { factsOf } from '../../drills/facts.ts';
import type { FaultWorld } from '../../drills/faults/world.ts';
import { successTarget } from '../../drills/measure/targets.ts';
import type { Fault } from '../../drills/ports.ts';
import { createDrillStore } from '../../drills/record-store.ts';
import type { ConcludingWorld, DrillOptions, DrillWorld } from '../../drills/world.ts';
import type { GateCheck } from '../../gates/check-watch.ts';
import { gate } from '../../gates/gate.ts';
import { claimLease, LEASE_DURATION } from '../../ledger/lease.ts';
import { expand } from '../../meters/queries/own-queries.ts';
import { openCluster } from '../../runner/cluster.ts';
import { inputRefusal } from '../../runner/parse-inputs.ts';
import { buildChecks, createCheckPlace } from '../checks/build.ts';
import type { Judging } from '../checks/check-kind.ts';
import { tellingOwn } from '../checks/own-traffic.ts';
import { prometheusConnection } from '../checks/prometheus-inputs.ts';
import { buildFaults } from './build-faults.ts';
import { buildResponders } from './build-responders.ts';
import type { DrillInputs, DrillRun } from './inputs.ts';
import { removeLeft } from './remove-left.ts';
import type { RequestsInput } from './requests-input.ts';
import { drillPermissions } from './roles.ts';

/** Milliseconds of the window that the checks of the steady state look at first, and between two looks at one. */
const WINDOW = 60_000;
const INTERVAL = 5_000;
/** Milliseconds that data may be missing. */
const NO_DATA = 60_000;
const MUST_DETECT = 0.05;

interface Assembled<World> {
  readonly world: World;
  readonly options: DrillOptions;
  close(): Promise<void>;
}

type Access = Pick<DrillRun, 'inputs' | 'facts' | 'clock' | 'emit' | 'env' | 'step' | 'mask' | 'annotate'>;

/** What is needed to remove what a stopped drill has left. Sends no request. */
export function assembleConclusion({ inputs, facts, clock, emit, ...access }: Access): Assembled<ConcludingWorld> & {
  readonly faultWorld: FaultWorld;
  readonly namespace: string;
} {
  const { client, namespace } = openCluster(inputs, access);
  const { service } = inputs;
  const place = { namespace, service };
  const holder = { identity: facts.identity, description: facts.startedBy };
  const lease = { type: resources.lease, namespace, name: `sluice-${service}` };
  const faultWorld = { client, clock, drill: service, run: facts.identity, random: Math.random };
  const { targets } = inputs;
  return {
    world: {
      store: createDrillStore(client, place),
      claim: (signal) =>
        claimLease(
          { client, lease, rollout: service, holder, clock, duration: LEASE_DURATION, nonce: randomUUID },
          signal,
        ),
      removeLeft: (kind, mark, signal) => removeLeft(faultWorld, { kind, mark }, signal),
      clock,
      emit,
    },
    options: {
      id: facts.identity,
      startedBy: facts.startedBy,
      service,
      dryRun: inputs['dry-run'],
      limits: {
        maxPods: inputs['max-pods'],
        maxShare: inputs['max-share'],
        namespaces: inputs.namespaces ?? [namespace],
      },
      targets,
      successTarget: successTarget(targets),
      stopWhen: inputs['stop-when'],
      baseline: inputs.baseline,
      steadyFor: inputs['steady-for'],
      recoveryTimeout: inputs['recovery-timeout'],
      pauses: (inputs.faults ?? []).map(({ pause }) => pause),
      removeTimeout: inputs['undo-timeout'],
    },
    faultWorld,
    namespace,
    close: () => client.close(),
  };
}

/**
 * Builds the adapters of a drill. Reads the manifests and the workloads that faults name, and checks the rights.
 *
 * @throws SluiceError for what the inputs name and is not there, and for rights that are missing
 */
export async function assembleDrill(run: DrillRun): Promise<Assembled<DrillWorld>> {
  const { inputs, clock, env, facts, signal } = run;
  const conclusion = assembleConclusion(run);
  const { faultWorld, namespace, options } = conclusion;
  const { client } = faultWorld;
  try {
    const place = createCheckPlace(
      {
        connections: inputs.connections,
        prometheus: prometheusConnection(inputs),
        token: inputs.token,
        judging: judgingOf(inputs),
        expand: (template, arm) => {
          const names = { workload: options.service, service: options.service };
          return expand(template, arm, { namespace, stable: names, canary: names });
        },
      },
      { clock, env, opened: () => ({ client, namespace }) },
    );
    const { requests: measured, checks } = inputs;
    if (!measured) throw new TypeError('inputs without requests are refused before');
    const responders = buildResponders(inputs, place, namespace);
    const faults = await buildFaults(inputs, { world: faultWorld, namespace, workspace: facts.workspace }, signal);
    const control = controlHeader(faults, measured);
    const requests = measured.build(place, { interval: inputs['count-interval'], control });
    await checkPermissions(client, drillPermissions({ faults, requests, responders, options, namespace }), signal);
    const world: DrillWorld = {
      ...conclusion.world,
      faults,
      requests,
      responders,
      steady: checks && ((when, during) => steady(run, { checks, place }, when, during)),
      admit: (namespaces, during) => admitDrill({ client, clock, hours: inputs.hours, namespaces }, during),
      facts: (during) => factsOf(client, { namespace, service: options.service }, during),
    };
    return { world, options, close: conclusion.close };
  } catch (error) {
    await conclusion.close();
    throw error;
  }
}

/**
 * The header that faults look for, which own requests then carry.
 *
 * @throws SluiceError `invalid-input` for faults with different ones, and for requests that can't carry it
 */
function controlHeader(faults: readonly Fault[], { check }: RequestsInput): Fault['header'] {
  const [header, ...others] = faults.flatMap((fault) => fault.header ?? []);
  if (!header) return undefined;
  const differs = others.some(({ name, value }) => name !== header.name || value !== header.value);
  if (differs) throw inputRefusal(['Faults look for different headers: give all of them the same one.'], 'drill');
  if (check !== 'load')
    throw inputRefusal(['A fault with "header" hits no user: let "requests" be a "check: load".'], 'drill');
  return header;
}

interface SteadyChecks {
  readonly checks: NonNullable<DrillInputs['checks']>;
  readonly place: ReturnType<typeof createCheckPlace>;
}

/** One answer of the checks; they keep what they saw, so they are made anew each time. */
async function steady(
  { clock, emit }: Pick<DrillRun, 'clock' | 'emit'>,
  { checks, place }: SteadyChecks,
  when: 'before' | 'after',
  signal: AbortSignal,
) {
  const built = await buildChecks(checks, place, 'drill');
  const gateChecks = built.map(({ check, ...asks }): GateCheck => {
    const { name, onBreach, key, weight, group } = check;
    const rule = tellingOwn(asks.rule, name, checks);
    return { name, onBreach, key, weight, ...(group !== undefined && { group }), ...asks, rule };
  });
  return gate(
    { checks: gateChecks, clock, emit: (event) => emit({ type: 'steady', at: event.at, when, event }) },
    { requirement: { kind: 'all' }, watch: 0, interval: INTERVAL, noDataPatience: NO_DATA },
    signal,
  );
}

/** The checks share the error probability of the two answers. */
function judgingOf(inputs: DrillInputs): Judging {
  const sharing = (inputs.checks ?? []).filter(({ isStatistical, onBreach }) => isStatistical && onBreach === 'fail');
  return {
    alpha: inputs['false-failure-probability'] / Math.max(1, 2 * sharing.length),
    parts: 1,
    partLength: 1,
    designEffect: 1,
    mustDetect: MUST_DETECT,
    window: WINDOW,
  };
}

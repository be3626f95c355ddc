import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Emit } from '../../canary/events.ts';
import { forecast } from '../../canary/observation/forecast.ts';
import type { RolloutOptions } from '../../canary/options.ts';
import type { ArmsSnapshot, RolloutRecord } from '../../canary/ports.ts';
import { concerns } from '../../canary/recover.ts';
import { isReleased } from '../../canary/resume.ts';
import { isUnfinished } from '../../canary/unfinished.ts';
import type { SourceCheck, World } from '../../canary/world.ts';
import { checkPermissions } from '../../cluster/permissions.ts';
import { readPart } from '../../cluster/read-object.ts';
import type { Clock } from '../../core/clock.ts';
import { isSluiceError } from '../../core/errors.ts';
import type { Permission } from '../../core/permission.ts';
import { createPanel } from '../../judge/panel.ts';
import { createLedger } from '../../ledger/ledger.ts';
import { GIVE_UP_RECORD } from '../../ledger/record.ts';
import { createMeter } from '../../meters/index.ts';
import { createRouter } from '../../routes/weights/index.ts';
import { type ClusterAccess, openCluster } from '../../runner/cluster.ts';
import type { RunnerFacts } from '../../runner/github.ts';
import { derivedArms, existingArms } from '../../workloads/arms/arms.ts';
import type { FirstRelease } from '../../workloads/arms/first-release.ts';
import { canaryName } from '../../workloads/canary-workload.ts';
import { type FirstPlace, lookForFirst } from './first-release.ts';
import { judgeSettings, watchedChecks } from './judge-settings.ts';
import type { LoadedInputs } from './load-inputs.ts';
import { meterOptions } from './meter-options.ts';
import { observedShare } from './observed-share.ts';
import { fingerprintOf, rolloutSettings, targetOf } from './rollout-settings.ts';
import { type Place, routerOptions, type Workloads } from './router-options.ts';

/** Error rates that the forecast assumes: of an ordinary service, and of a release that must not pass. */
const FORECAST = { stableRate: 0.005, detects: 0.05 } as const;
/** Number of simulated rollouts: few for a run, so that it starts soon; many for a dry run, for precision. */
const REHEARSALS = { run: 200, dryRun: 2_000 } as const;

export interface Assembly extends ClusterAccess {
  readonly loaded: LoadedInputs;
  readonly facts: RunnerFacts;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Ends the watches in the background. */
  readonly lifetime: AbortSignal;
}

export interface Assembled {
  readonly world: World;
  readonly options: RolloutOptions;
  /** Set where nothing serves yet, so that there is nothing to compare with. */
  readonly first?: FirstRelease | undefined;
  /** The cluster for a first release. */
  readonly cluster: FirstPlace['cluster'];
  close(): Promise<void>;
}

/**
 * Builds the adapters that the inputs ask for. Checks the rights that they need, and reads the workloads that the inputs name;
 * writes nothing.
 *
 * @throws SluiceError for credentials, rights or workloads that are missing
 */
export async function assemble(assembly: Assembly, signal: AbortSignal): Promise<Assembled> {
  const opened = open(assembly);
  const { client, rights, ledger, arms } = opened;
  const asked = await sharedChecks(assembly, opened, opened.assumedPlace);
  await checkPermissions(client, [...rights, ...asked.flatMap(({ source }) => source.permissions)], signal);
  const left = await ledger.load(signal);
  // A rollout that is under way or over has changed the workloads, so its record says what they were.
  const recorded = await recordedFound(opened, left, signal);
  if (recorded) return composeRelease(assembly, opened, recorded);
  const first = await lookForFirst({ cluster: opened.armsOptions, inputs: assembly.loaded.inputs }, signal);
  if (first) return { ...compose(assembly, opened, noArms(first)), first };
  return composeRelease(assembly, opened, await arms.inspect(signal));
}

/** As `compose`, with the checks that ask something else than the meter: only a release looks at those. */
async function composeRelease(assembly: Assembly, opened: Opened, found: ArmsSnapshot): Promise<Assembled> {
  return compose(assembly, opened, found, await sharedChecks(assembly, opened, placeOf(opened, found)));
}

/** Loads what these checks are made of only where one is listed. */
async function sharedChecks(
  { loaded, clock, env }: Assembly,
  { client, namespace }: Opened,
  place: Place,
): Promise<readonly SourceCheck[]> {
  if (loaded.shared.length === 0) return [];
  const { buildSharedChecks } = await import('./shared-checks.ts');
  return buildSharedChecks(loaded, place, { clock, env, client, namespace });
}

function placeOf({ namespace, ledger }: Opened, { data }: ArmsSnapshot): Place {
  return { namespace, workloads: readPart(data, foundWorkloads, ledger.object, GIVE_UP_RECORD) };
}

/** A placeholder for the arms where there are none yet. */
function noArms({ about }: FirstRelease): ArmsSnapshot {
  const nothing = { kind: 'Deployment', name: '', pods: '' };
  return { stable: about, canary: about, revision: '', data: { stable: nothing, canary: nothing } };
}

/** The workloads from the record of a rollout that is under way, or of a finished one of this same release. */
async function recordedFound(
  { arms, fingerprint }: Pick<Opened, 'arms' | 'fingerprint'>,
  left: RolloutRecord | undefined,
  signal: AbortSignal,
): Promise<ArmsSnapshot | undefined> {
  if (!isUnfinished(left) && !isReleased(left, fingerprint)) return undefined;
  const { arms: recorded } = left;
  try {
    await arms.confirm(recorded, left.fingerprint === fingerprint, signal);
    return recorded;
  } catch (error) {
    // The record of a finished rollout must not block a release.
    if (!isUnfinished(left) && isSluiceError(error, 'unsupported')) return undefined;
    throw error;
  }
}

/**
 * Like `assemble`, for the rollout in which a run was stopped, by its record. Does not check rights: an undo does what it can.
 *
 * @returns undefined where the run has left nothing to do or to report, so that what it was refused for is not checked again
 */
export async function assembleLeft(
  assembly: Assembly,
  id: string,
  signal: AbortSignal,
): Promise<Assembled | undefined> {
  const opened = open(assembly);
  const left = await opened.ledger.load(signal);
  if (concerns(left, { id, fingerprint: opened.fingerprint })) {
    await opened.arms.confirm(left.arms, false, signal);
    return compose(assembly, opened, left.arms);
  }
  await opened.client.close();
  return undefined;
}

/**
 * Like `assemble`, for any unfinished rollout of the route, whoever began it; if there is none, says whether anything serves
 * yet.
 */
export async function assembleUnfinished(
  assembly: Assembly,
  signal: AbortSignal,
): Promise<{ readonly assembled?: Assembled; readonly first?: FirstRelease }> {
  const opened = open(assembly);
  const left = await opened.ledger.load(signal);
  if (isUnfinished(left)) {
    await opened.arms.confirm(left.arms, false, signal);
    return { assembled: compose(assembly, opened, left.arms) };
  }
  const { emit, clock, loaded } = assembly;
  try {
    // An undo before a release reports that there is nothing to compare with yet.
    const first = await lookForFirst({ cluster: opened.armsOptions, inputs: loaded.inputs }, signal);
    if (first) emit({ type: 'first-release', at: clock.now(), about: first.about, deploys: false });
    return first ? { first } : {};
  } finally {
    await opened.client.close();
  }
}

/** What is needed to discard the record: the Lease, and the objects that are read to report what stays. */
export function assembleDiscard(assembly: Assembly) {
  const { client, namespace, ledger, armsOptions, assumed } = open(assembly);
  return { client, ledger, router: assumed.router, place: { namespace, rollout: armsOptions.rollout } };
}

type Opened = ReturnType<typeof open>;

/** The adapters that do not depend on the workloads in the cluster. */
function open({ loaded, facts, clock, lifetime, ...access }: Assembly) {
  const { inputs } = loaded;
  const { client, namespace } = openCluster(inputs, access);
  const rollout = inputs.route?.name ?? inputs.service?.name ?? '';

  const armsOptions = {
    ...{ client, namespace, clock, rollout, drain: inputs.drain, lifetime },
    imageTimeout: inputs['image-timeout'],
  };
  const target = targetOf(loaded, namespace);
  const arms =
    target.kind === 'existing' ? existingArms(armsOptions, target.workloads) : derivedArms(armsOptions, target.release);
  const ledger = createLedger({
    client,
    namespace,
    rollout,
    holder: { identity: facts.identity, description: facts.startedBy },
    clock,
    version: packageJson.version,
    nonce: randomUUID,
  });
  const share = observedShare();
  const adapters = (place: Place) => ({
    router: createRouter(routerOptions(inputs, place), client, { clock, observeShare: share.observe }),
    meter: createMeter(meterOptions(inputs, place), { client, clock, env: access.env, signal: lifetime }),
  });
  // The required rights are the same whatever the workloads turn out to be.
  const assumedPlace = { namespace, workloads: assumedWorkloads(loaded) };
  const assumed = adapters(assumedPlace);
  const rights = permissionsOf({ ...assumed, arms, ledger });
  const fingerprint = fingerprintOf(loaded, namespace);
  return { client, namespace, arms, armsOptions, ledger, share, adapters, assumed, assumedPlace, rights, fingerprint };
}

function compose(
  { loaded, facts, clock, emit }: Assembly,
  opened: Opened,
  found: ArmsSnapshot,
  checks: readonly SourceCheck[] = [],
): Assembled {
  const { client, arms, armsOptions, ledger, share, adapters, fingerprint } = opened;
  const { inputs, plan } = loaded;
  const judge = judgeSettings(loaded);
  const chosen = adapters(placeOf(opened, found));

  const world: World = {
    ...chosen,
    arms,
    ledger,
    clock,
    judge: {
      panel: createPanel([...judge.checks, ...watchedChecks(inputs)], judge.panel),
      checks,
      onPodProblem: judge.onPodProblem,
    },
    emit,
    counted: share.counted,
    forecast: (readiness, asked) =>
      forecast(
        {
          ...FORECAST,
          plan: asked,
          interval: chosen.meter.interval,
          alpha: inputs['false-rollback-probability'],
          tolerance: inputs.tolerance,
          excess: inputs['absolute-tolerance'],
          designEffect: inputs['burst-size'],
          rollouts: inputs['dry-run'] ? REHEARSALS.dryRun : REHEARSALS.run,
        },
        readiness,
      ),
  };
  const options: RolloutOptions = {
    ...rolloutSettings(inputs, plan),
    id: facts.identity,
    fingerprint,
    startedBy: facts.startedBy,
    commit: facts.commit,
    arms: { stable: found.stable, canary: found.canary, revision: found.revision, versions: found.versions },
  };
  return { world, options, cluster: armsOptions, close: () => client.close() };
}

/** All rights that a run with these adapters needs. */
export function permissionsOf({
  router,
  meter,
  arms,
  ledger,
}: Pick<World, 'router' | 'meter' | 'arms' | 'ledger'>): Permission[] {
  return [router, meter, arms, ledger].flatMap(({ permissions }) => permissions);
}

const foundWorkloads = z.object({
  stable: z.object({ kind: z.enum(['Deployment', 'StatefulSet']), name: z.string(), pods: z.string() }),
  canary: z.object({ kind: z.enum(['Deployment', 'StatefulSet']), name: z.string(), pods: z.string() }),
});

/** The workloads by the names in the inputs, before the cluster is asked. */
function assumedWorkloads({ inputs }: LoadedInputs): Workloads {
  const named = (given: typeof inputs.stable) =>
    given && 'name' in given ? { ...given, pods: '' } : { kind: 'Deployment' as const, name: 'unknown', pods: '' };
  const { workload } = inputs;
  if (!workload) return { stable: named(inputs.stable), canary: named(inputs.canary) };
  return { stable: named(workload), canary: named({ ...workload, name: canaryName(workload.name) }) };
}

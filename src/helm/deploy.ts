import { isDeepStrictEqual } from 'node:util';
import { carryOut } from '../change/carry-out.ts';
import type { Change } from '../change/change.ts';
import * as change from '../change/conclude.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import { once } from '../core/lazy.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import { concludable, presentRelease, type ReleasePlan, type ReleaseTypes, releaseChange } from './change.ts';
import { type Desired, isUnknownKind } from './cli.ts';
import type { HelmOutcome } from './events.ts';
import { releaseFacts } from './facts.ts';
import { type History, isAbsent, latest } from './history.ts';
import { hookEvents, randomHooks, refuseUnnamedHooks, sameHooks } from './hooks.ts';
import { countOf, nameOf, note, seen } from './notes.ts';
import type { DeployRequest, HelmRequest, HelmWorld } from './ports.ts';
import type { Release } from './release.ts';
import { besideEachOther } from './side-by-side.ts';

/** What is to be deployed, and what is known about it so far. */
interface DeployPlan extends ReleasePlan {
  readonly rendered: Release & { readonly definitions?: string };
  /** The release that is installed now. */
  readonly found: Release | undefined;
  readonly writes: readonly PlannedWrite[];
  /** Why it is deployed although no object changes. */
  readonly difference: string | undefined;
}

/**
 * Installs or upgrades a release. All checks that can be made in advance are made before the first write; a failure after that
 * is undone.
 */
export async function deploy(world: HelmWorld, request: DeployRequest, cancelled: AbortSignal): Promise<HelmOutcome> {
  // Asks for Helm's version while the chart is fetched and the Lease is taken.
  world.helm.version(cancelled).catch(() => undefined);
  const chart = await world.fetchChart(cancelled);
  world.emit({ type: 'chart', at: world.clock.now(), digest: chart.digest });
  const desired: Desired = { ...request.desired, chart: chart.path };
  return carryOut(deployChange(world, request, desired, cancelled), cancelled);
}

function deployChange(
  world: HelmWorld,
  request: DeployRequest,
  desired: Desired,
  cancelled: AbortSignal,
): Change<ReleaseTypes<DeployPlan>> {
  const deployment = releaseChange<DeployPlan>(world, request, {
    plan: ({ history }, signal) => planOf(history, signal),
    refuse: async ({ history, rendered }) => refuseUnnamedHooks(rendered, hookEvents(isAbsent(history), request.test)),
    announce({ rendered, writes, difference }) {
      const why = writes.length === 0 && difference !== undefined ? ` (${difference})` : '';
      return `Writing revision ${rendered.version}: ${countOf(writes)}${why}.`;
    },
    act: ({ rendered, writes }) => ({
      // The client cannot render what the cluster would get without the CRDs, so what Helm really writes shows only
      // afterwards.
      manifest: rendered.definitions === undefined ? rendered.manifest : undefined,
      writes,
      act: (acting) => world.helm.upgrade(desired, acting),
      endEarly: true,
    }),
    async confirm({ found }, signal) {
      if (request.change.wait && found) await world.objects.watch(found.manifest, undefined, signal);
    },
    words: {
      planned: ({ writes }) => ({
        verdict: undefined,
        reason: `Dry run: ${countOf(writes)} would change in ${nameOf(request)}.`,
      }),
      unchanged: (plan, signal) => unchanged(world, request, plan, signal),
      applied: (plan, signal) => deployed(world, request, plan, signal),
      undone: 'rolled-back',
    },
  });
  const early = once(() => lookEarly(world, desired, cancelled));
  const lint = once(() => linted(world, desired, cancelled));

  return {
    ...deployment,
    async claim(signal) {
      await makeNamespace(signal);
      return deployment.claim(signal);
    },
    // Starts all slow reads at once, and waits for them before anything is changed.
    async look(signal) {
      const [found] = await Promise.all([deployment.look(signal), early(), lint()]);
      return found;
    },
  };

  /**
   * Makes the namespace after all checks except those of the API server, which checks objects only in a namespace that exists.
   */
  async function makeNamespace(signal: AbortSignal): Promise<void> {
    const make = await world.missingNamespace(signal);
    if (!make) return;
    await lint();
    const { rendered } = await planned(world, { history: [], desired }, signal);
    refuseUnnamedHooks(rendered, hookEvents(true, request.test));
    await make(signal);
  }

  async function planOf(history: History, signal: AbortSignal): Promise<DeployPlan> {
    const { rendered, found, writes } = await planned(world, { history, desired, early: await early() }, signal);
    // Where something is written anyway, no further reason is needed.
    const asks = writes.length === 0 && !request.dryRun;
    const difference =
      found && asks ? await differenceOf(world, { found, rendered, history, desired }, signal) : undefined;
    const isNeeded = request.force || writes.length > 0 || !found || difference !== undefined;
    return { isNeeded, history, rendered, found, writes, difference: found ? difference : 'it is new' };
  }
}

/**
 * Warns about what lint reports. It does not stop the deploy: lint renders without a cluster and is stricter than an install.
 */
async function linted(world: HelmWorld, desired: Desired, signal: AbortSignal): Promise<void> {
  try {
    await world.helm.lint(desired.chart, desired.values, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!isSluiceError(error)) throw error;
    note(world, 'warning', error.problem);
  }
}

/** The rendered release and the installed one, read early. */
interface Early {
  readonly rendered?: Release | undefined;
  readonly found?: Release | undefined;
}

/**
 * What Helm renders and has installed, read together with its history to save time. Undefined where Helm refuses: after a
 * recovery it may succeed.
 */
async function lookEarly({ helm }: HelmWorld, desired: Desired, signal: AbortSignal): Promise<Early> {
  const unlessRefused = async (asked: Promise<Release>) => {
    try {
      return await asked;
    } catch (error) {
      signal.throwIfAborted();
      if (isSluiceError(error)) return undefined;
      throw error;
    }
  };
  const [rendered, found] = await Promise.all([
    unlessRefused(helm.render(desired, signal)),
    unlessRefused(helm.release(undefined, signal)),
  ]);
  return { rendered, found };
}

interface Intended {
  readonly history: History;
  readonly desired: Desired;
  readonly early?: Early;
}

async function planned(world: HelmWorld, { history, desired, early = {} }: Intended, signal: AbortSignal) {
  const last = latest(history)?.revision ?? 0;
  // If a recovery or another run has written a revision meanwhile, what was read early is stale.
  const isCurrent = early.found?.version === last && !isAbsent(history);
  const [found, rendered] = await Promise.all([
    isCurrent ? early.found : presentRelease(world, history, signal),
    early.rendered?.version === last + 1 ? early.rendered : rendering(world, history, desired, signal),
  ]);
  const beside = world.stable && besideEachOther(await world.stable(signal), rendered.manifest);
  if (beside) {
    await refuseUnderRollout(world, rendered.manifest, signal);
    world.emit({ type: 'beside', at: world.clock.now(), ...beside });
  }
  const writes = await world.objects.changes(rendered, found, signal);
  return { rendered, found, writes };
}

/** What Helm would write; includes the chart's CRDs where Helm cannot render on a cluster without them. */
async function rendering(
  { helm }: HelmWorld,
  history: History,
  desired: Desired,
  signal: AbortSignal,
): Promise<Release & { readonly definitions?: string }> {
  try {
    return await helm.render(desired, signal);
  } catch (error) {
    // Helm installs a chart's CRDs only with a new release.
    if (!isUnknownKind(error) || !isAbsent(history)) throw error;
    const definitions = await helm.definitions(desired.chart, signal);
    if (definitions.trim() === '') throw error;
    return { ...(await helm.render(desired, signal, 'client')), definitions };
  }
}

/**
 * Refuses to change a canary that gets requests by the weights of a rollout: another version in its place was never judged,
 * and without it those requests would fail.
 */
export async function refuseUnderRollout(world: HelmWorld, manifest: string, signal: AbortSignal): Promise<void> {
  const [rollouts, objects] = await Promise.all([world.underRollout(signal), world.objects.names(manifest, signal)]);
  for (const object of objects) {
    const found = rollouts.get(object);
    if (!found) continue;
    throw new SluiceError('conflict', {
      about: object,
      problem: `is in a rollout on ${found.route.object} that is not over (${found.startedBy}).`,
      next: 'Wait until it has ended, or end it by actions/canary with "mode: undo".',
    });
  }
}

interface Comparison {
  readonly found: Release;
  readonly rendered: Release;
  readonly history: History;
  readonly desired: Desired;
}

/** What Helm would record differently; undefined where chart, rendered objects and values are the same. */
async function differenceOf(
  world: HelmWorld,
  { found, rendered, history, desired }: Comparison,
  signal: AbortSignal,
): Promise<string | undefined> {
  const last = latest(history);
  const { name = '', version = '', appVersion = '' } = rendered.chart?.metadata ?? {};
  if (last?.status !== 'deployed') return `the last revision is ${last?.status ?? 'unknown'}`;
  if (last.chart !== `${name}-${version}` || last.app_version !== appVersion) return 'the chart has another version';
  if (found.manifest.trim() !== rendered.manifest.trim()) return 'its manifest has changed';
  if (!isDeepStrictEqual(found.config ?? {}, rendered.config ?? {})) return 'its values have changed';
  if (sameHooks(found, rendered)) return undefined;
  // Hooks that differ between two renderings of the same input are random, and are no change.
  const again = await world.helm.render(desired, signal);
  return sameHooks(found, rendered, randomHooks(rendered, again)) ? undefined : 'its hooks have changed';
}

async function unchanged(
  world: HelmWorld,
  request: DeployRequest,
  { history, found }: DeployPlan,
  signal: AbortSignal,
): Promise<HelmOutcome> {
  const last = latest(history);
  const reason = `Revision ${last?.revision} has this chart and these values already${seen(request)}; no new one was written.`;
  const release = last && found && (await releaseFacts(world, last, found.manifest, signal));
  return { verdict: 'unchanged', reason, ...(release && { release }) };
}

async function deployed(
  world: HelmWorld,
  request: DeployRequest,
  { rendered }: DeployPlan,
  signal: AbortSignal,
): Promise<HelmOutcome> {
  const isKnown = rendered.definitions === undefined;
  const { manifest, version: revision } = isKnown ? rendered : await world.helm.release(undefined, signal);
  const { name = '', version = '', appVersion = '' } = rendered.chart?.metadata ?? {};
  const written = { revision, chart: `${name}-${version}`, app_version: appVersion };
  return {
    verdict: 'deployed',
    reason: `Revision ${revision} is deployed${seen(request)}.`,
    release: await releaseFacts(world, written, manifest, signal),
  };
}

/** The `post` step: concludes what `main` was stopped in. Undefined where there was nothing to conclude. */
export function conclude(
  world: HelmWorld,
  request: HelmRequest,
  signal: AbortSignal,
): Promise<HelmOutcome | undefined> {
  return change.conclude(concludable(world, request), signal);
}

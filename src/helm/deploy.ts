import { isDeepStrictEqual } from 'node:util';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import { type HelmOutcome, holding, manifestOf, recovered, seenThrough } from './change.ts';
import { type Desired, isUnknownKind } from './cli.ts';
import { releaseFacts } from './facts.ts';
import { type History, isAbsent, latest } from './history.ts';
import { hookEvents, randomHooks, refuseUnnamedHooks, sameHooks } from './hooks.ts';
import { nameOf, note } from './notes.ts';
import type { DeployRequest, HelmRequest, HelmWorld } from './ports.ts';
import type { Release } from './release.ts';
import { besideEachOther } from './side-by-side.ts';

/**
 * Installs or upgrades a release. Everything that can be known to be wrong is known before the first write; what turns out to be
 * wrong later is taken back.
 */
export async function deploy(world: HelmWorld, request: DeployRequest, cancelled: AbortSignal): Promise<HelmOutcome> {
  // Helm says what it is while the chart is fetched and the Lease is taken.
  world.helm.version(cancelled).catch(() => undefined);
  const chart = await world.fetchChart(cancelled);
  world.emit({ type: 'chart', at: world.clock.now(), digest: chart.digest });
  const desired: Desired = { ...request.desired, chart: chart.path };
  const lint = (signal: AbortSignal) => linted(world, desired, signal);
  if (request.dryRun) {
    await lint(cancelled);
    return rehearsed(world, request, desired, cancelled);
  }
  const makeNamespace = await world.missingNamespace(cancelled);
  if (makeNamespace) {
    await lint(cancelled);
    // Where nothing can be refused any more, save for what only the API server knows of objects in a namespace.
    const { rendered } = await planned(world, [], desired, cancelled);
    refuseUnnamedHooks(rendered, hookEvents(true, request.test));
    await makeNamespace(cancelled);
  }
  return holding(world, cancelled, async (signal) => {
    const early = lookEarly(world, desired, signal);
    const checked = Promise.all([early, lint(signal)]);
    const history = await recovered(world, request, signal, checked);
    const { rendered, found, writes } = await planned(world, history, desired, signal, await early);
    refuseUnnamedHooks(rendered, hookEvents(isAbsent(history), request.test));
    tellPlan(world, history, writes);
    const difference = found ? await differenceOf(world, found, rendered, { history, desired }, signal) : 'it is new';
    if (!request.force && writes.length === 0 && found && difference === undefined) {
      return unchanged(world, request, history, found, signal);
    }
    const why = writes.length === 0 && difference !== undefined ? ` (${difference})` : '';
    note(world, 'info', `Writing revision ${rendered.version}: ${countOf(writes)}${why}.`);
    const act = (acting: AbortSignal) => world.helm.upgrade(desired, acting);
    // Without its definitions the cluster could not render it: what Helm really writes shows only afterwards.
    const isKnown = rendered.definitions === undefined;
    const change = { manifest: isKnown ? rendered.manifest : undefined, writes, act, endEarly: true };
    const undone = await seenThrough(world, request, history, change, signal);
    if (undone) return undone;
    const { manifest, version: revision } = isKnown ? rendered : await world.helm.release(undefined, signal);
    const { name = '', version = '', appVersion = '' } = rendered.chart?.metadata ?? {};
    const written = { revision, chart: `${name}-${version}`, app_version: appVersion };
    return {
      verdict: 'deployed',
      reason: `Revision ${revision} is deployed${seen(request)}.`,
      release: await releaseFacts(world, written, manifest, signal),
    };
  });
}

/** What lint says is told. It does not stop a chart that Helm installs: lint renders without a cluster, and is stricter. */
async function linted(world: HelmWorld, desired: Desired, signal: AbortSignal): Promise<void> {
  try {
    await world.helm.lint(desired.chart, desired.values, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!isSluiceError(error)) throw error;
    note(world, 'warning', error.problem);
  }
}

/** What a deploy would do; nothing is written, and an unfinished release is only looked at. */
async function rehearsed(
  world: HelmWorld,
  request: DeployRequest,
  desired: Desired,
  signal: AbortSignal,
): Promise<HelmOutcome> {
  const history = await world.helm.history(signal);
  const { rendered, writes } = await planned(world, history, desired, signal);
  refuseUnnamedHooks(rendered, hookEvents(isAbsent(history), request.test));
  tellPlan(world, history, writes);
  return { verdict: undefined, reason: `Dry run: ${countOf(writes)} would change in ${nameOf(request)}.` };
}

/** The release as it is to be and as it is. */
interface Early {
  readonly rendered?: Release | undefined;
  readonly found?: Release | undefined;
}

/**
 * What Helm tells while its history is read, so that nobody waits for one process after the other. Nothing where it refuses:
 * it may not do so after a recovery.
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

async function planned(world: HelmWorld, history: History, desired: Desired, signal: AbortSignal, early: Early = {}) {
  const last = latest(history)?.revision ?? 0;
  // Of another revision, it may be another one: a recovery, or another run, was in between.
  const isCurrent = early.found?.version === last && !isAbsent(history);
  const [found, rendered] = await Promise.all([
    isCurrent ? early.found : manifestOf(world, history, signal),
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

/** What Helm would write; with the definitions that it installs first, where it can't render on a cluster without them. */
async function rendering(
  { helm }: HelmWorld,
  history: History,
  desired: Desired,
  signal: AbortSignal,
): Promise<Release & { readonly definitions?: string }> {
  try {
    return await helm.render(desired, signal);
  } catch (error) {
    // Helm installs the definitions of a chart only with a release that is new.
    if (!isUnknownKind(error) || !isAbsent(history)) throw error;
    const definitions = await helm.definitions(desired.chart, signal);
    if (definitions.trim() === '') throw error;
    return { ...(await helm.render(desired, signal, 'client')), definitions };
  }
}

/**
 * A canary that gets requests by the weights of a rollout is that rollout's: another version in its place was never judged,
 * and nothing in its place answers nobody.
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

export function tellPlan(world: HelmWorld, history: History, writes: readonly PlannedWrite[]): void {
  const last = latest(history);
  const at = world.clock.now();
  if (last && !isAbsent(history)) world.emit({ type: 'found', at, revision: last.revision });
  world.emit({ type: 'planned', at, writes });
}

/** What Helm would record otherwise than it has; undefined for the same chart, rendered to the same, by the same values. */
async function differenceOf(
  world: HelmWorld,
  found: Release,
  rendered: Release,
  { history, desired }: { readonly history: History; readonly desired: Desired },
  signal: AbortSignal,
): Promise<string | undefined> {
  const last = latest(history);
  const { name = '', version = '', appVersion = '' } = rendered.chart?.metadata ?? {};
  if (last?.status !== 'deployed') return `the last revision is ${last?.status ?? 'unknown'}`;
  if (last.chart !== `${name}-${version}` || last.app_version !== appVersion) return 'the chart has another version';
  if (found.manifest.trim() !== rendered.manifest.trim()) return 'its manifest has changed';
  if (!isDeepStrictEqual(found.config ?? {}, rendered.config ?? {})) return 'its values have changed';
  if (sameHooks(found, rendered)) return undefined;
  // What differs between two renderings of the same is random, and says nothing.
  const again = await world.helm.render(desired, signal);
  return sameHooks(found, rendered, randomHooks(rendered, again)) ? undefined : 'its hooks have changed';
}

async function unchanged(
  world: HelmWorld,
  request: DeployRequest,
  history: History,
  { manifest }: Release,
  signal: AbortSignal,
): Promise<HelmOutcome> {
  const last = latest(history);
  if (request.change.wait) {
    await world.objects.watch(manifest, undefined, signal);
  }
  return {
    verdict: 'unchanged',
    reason: `Revision ${last?.revision} has this chart and these values already${seen(request)}; no new one was written.`,
    ...(last && { release: await releaseFacts(world, last, manifest, signal) }),
  };
}

/** The `post` step: concludes what `main` was stopped in. Gives nothing where there was nothing to conclude. */
export async function conclude(
  world: HelmWorld,
  request: HelmRequest,
  signal: AbortSignal,
): Promise<HelmOutcome | undefined> {
  const record = await world.changes.load(signal);
  if (record?.id !== request.id) return undefined;
  return holding(world, signal, async (held) => {
    const history = await recovered(world, request, held);
    const last = latest(history);
    const rolledBack = last?.rollback_revision !== undefined || last?.description.startsWith('Rollback to') === true;
    const state = last ? `revision ${last.revision} (${last.status})` : 'nothing: it is not installed';
    return {
      verdict: isAbsent(history)
        ? 'uninstalled'
        : rolledBack
          ? 'rolled-back'
          : last?.status === 'deployed'
            ? 'deployed'
            : 'failed',
      reason: `The run was stopped in the middle; the release is at ${state}.`,
    };
  });
}

/** `1 object`, `3 objects` */
export function countOf(writes: readonly PlannedWrite[]): string {
  return writes.length === 1 ? '1 object' : `${writes.length} objects`;
}

/** Ends a sentence about what was done. */
export function seen({ change: { wait } }: HelmRequest): string {
  return wait ? ', and its workloads are ready' : '';
}

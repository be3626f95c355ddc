import { isDeepStrictEqual } from 'node:util';
import { isSluiceError, SluiceError } from '../canary/errors.ts';
import type { PlannedWrite } from '../canary/ports.ts';
import { besideEachOther } from './beside.ts';
import { type HelmOutcome, holding, manifestOf, nameOf, note, recovered, releaseFacts, seenThrough } from './change.ts';
import type { Desired, Release } from './cli.ts';
import { type History, healthyBefore, isAbsent, latest, type Revision } from './history.ts';
import type { DeployRequest, HelmRequest, HelmWorld } from './ports.ts';
import { returnTo } from './record.ts';

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
  const lint = (signal: AbortSignal) => world.helm.lint(chart.path, desired.values, signal);
  if (request.dryRun) {
    await lint(cancelled);
    return rehearsed(world, request, desired, cancelled);
  }
  const makeNamespace = await world.missingNamespace(cancelled);
  if (makeNamespace) {
    await lint(cancelled);
    // Where nothing can be refused any more, save for what only the API server knows of objects in a namespace.
    await planned(world, [], desired, cancelled);
    await makeNamespace(cancelled);
  }
  return holding(world, cancelled, async (signal) => {
    const early = lookEarly(world, desired, signal);
    const checked = Promise.all([early, lint(signal)]);
    const history = await recovered(world, request, signal, checked);
    const { rendered, found, writes } = await planned(world, history, desired, signal, await early);
    tellPlan(world, history, writes);
    if (!request.force && writes.length === 0 && found && isSame(found, rendered, latest(history))) {
      return unchanged(world, request, history, found, signal);
    }
    note(world, 'info', `Writing revision ${rendered.version}: ${countOf(writes)}.`);
    const act = (acting: AbortSignal) => world.helm.upgrade(desired, acting);
    const change = { manifest: rendered.manifest, writes, act, endEarly: true };
    const undone = await seenThrough(world, request, history, change, signal);
    if (undone) return undone;
    const { name = '', version = '', appVersion = '' } = rendered.chart?.metadata ?? {};
    const written = { revision: rendered.version, chart: `${name}-${version}`, app_version: appVersion };
    return {
      verdict: 'deployed',
      reason: `Revision ${rendered.version} is deployed${seen(request)}.`,
      release: await releaseFacts(world, written, rendered.manifest, signal),
    };
  });
}

/** What a deploy would do; nothing is written, and an unfinished release is only looked at. */
async function rehearsed(
  world: HelmWorld,
  request: DeployRequest,
  desired: Desired,
  signal: AbortSignal,
): Promise<HelmOutcome> {
  const history = await world.helm.history(signal);
  const { writes } = await planned(world, history, desired, signal);
  tellPlan(world, history, writes);
  return { verdict: 'unchanged', reason: `Dry run: ${countOf(writes)} would be written for ${nameOf(request)}.` };
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
    early.rendered?.version === last + 1 ? early.rendered : world.helm.render(desired, signal),
  ]);
  const beside = world.stable && besideEachOther(await world.stable(signal), rendered.manifest);
  if (beside) {
    await refuseUnderRollout(world, rendered.manifest, signal);
    world.emit({ type: 'beside', at: world.clock.now(), ...beside });
  }
  const writes = await world.objects.changes(rendered.manifest, found, signal);
  return { rendered, found, writes };
}

/**
 * A canary that gets requests by the weights of a rollout is that rollout's: another version in its place was never judged,
 * and nothing in its place answers nobody.
 */
async function refuseUnderRollout(world: HelmWorld, manifest: string, signal: AbortSignal): Promise<void> {
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

function tellPlan(world: HelmWorld, history: History, writes: readonly PlannedWrite[]): void {
  const last = latest(history);
  const at = world.clock.now();
  if (last && !isAbsent(history)) world.emit({ type: 'found', at, revision: last.revision });
  world.emit({ type: 'planned', at, writes });
}

/** Helm would record the same once more: the same chart, rendered to the same, by the same values. */
function isSame(found: Release, rendered: Release, last: Revision | undefined): boolean {
  const { name = '', version = '', appVersion = '' } = rendered.chart?.metadata ?? {};
  return (
    last?.status === 'deployed' &&
    last.chart === `${name}-${version}` &&
    last.app_version === appVersion &&
    found.manifest.trim() === rendered.manifest.trim() &&
    isDeepStrictEqual(found.config ?? {}, rendered.config ?? {}) &&
    isDeepStrictEqual(hooksOf(found), hooksOf(rendered))
  );
}

function hooksOf({ hooks }: Release): string[] {
  return (hooks ?? []).map(({ path, manifest, events }) => [path, events, manifest].join('\n')).toSorted();
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

/** Goes back to a revision: the named one, or the last that was healthy. */
export async function rollBack(
  world: HelmWorld,
  request: HelmRequest & { readonly revision: number | undefined },
  cancelled: AbortSignal,
): Promise<HelmOutcome> {
  return holding(world, cancelled, async (signal) => {
    const history = request.dryRun ? await world.helm.history(signal) : await recovered(world, request, signal);
    const target = targetOf(request, history);
    if (returnTo(target.revision, history).kind === 'none') {
      return { verdict: 'unchanged', reason: `The release is at the content of revision ${target.revision} already.` };
    }
    const [found, wanted] = await Promise.all([
      manifestOf(world, history, signal),
      world.helm.release(target.revision, signal),
    ]);
    const writes = await world.objects.changes(wanted.manifest, found, signal);
    tellPlan(world, history, writes);
    const what = `revision ${target.revision} (${target.chart})`;
    if (request.dryRun) {
      return { verdict: 'unchanged', reason: `Dry run: ${countOf(writes)} would be written to go back to ${what}.` };
    }
    note(world, 'info', `Rolling back to ${what}: ${countOf(writes)}.`);
    const act = (acting: AbortSignal) => world.helm.rollback(target.revision, request.change, acting);
    const change = { manifest: wanted.manifest, writes, act, endEarly: false };
    const undone = await seenThrough(world, request, history, change, signal);
    // The way back did not work either: what was asked for was not reached.
    if (undone) return { ...undone, verdict: 'failed' };
    return { verdict: 'rolled-back', reason: `The release is back at the content of ${what}${seen(request)}.` };
  });
}

function targetOf(request: HelmRequest & { readonly revision: number | undefined }, history: History): Revision {
  const listed = history.map(({ revision, status }) => `${revision} (${status})`).join(', ');
  const about = nameOf(request);
  if (isAbsent(history)) {
    throw new SluiceError('not-found', {
      about,
      problem: 'is not installed.',
      next: 'Check "release" and "namespace".',
    });
  }
  const { revision } = request;
  const target =
    revision === undefined ? healthyBefore(history) : history.find((candidate) => candidate.revision === revision);
  if (target) return target;
  throw new SluiceError('not-found', {
    about,
    problem:
      revision === undefined
        ? `has no earlier revision that was healthy; there are ${listed}.`
        : `has no revision ${revision}; there are ${listed}.`,
    next: 'Name one of them as "revision", or deploy the version that is wanted.',
  });
}

/** Removes a release and waits until its objects are gone. One that is not there is fine. */
export async function uninstall(
  world: HelmWorld,
  request: HelmRequest & { readonly keepHistory: boolean },
  cancelled: AbortSignal,
): Promise<HelmOutcome> {
  const gone: HelmOutcome = {
    verdict: 'uninstalled',
    reason: `There is no ${nameOf(request)}; nothing was to be done.`,
  };
  if (isAbsent(await world.helm.history(cancelled))) return gone;
  return holding(world, cancelled, async (signal) => {
    const history = await world.helm.history(signal);
    const found = await manifestOf(world, history, signal);
    if (!found) return gone;
    await refuseUnderRollout(world, found.manifest, signal);
    const writes = await world.objects.changes('', found, signal);
    tellPlan(world, history, writes);
    if (request.dryRun) return { verdict: 'unchanged', reason: `Dry run: ${countOf(writes)} would be deleted.` };
    note(world, 'info', `Uninstalling ${nameOf(request)}: ${countOf(writes)}.`);
    const { revision = 0 } = latest(history) ?? {};
    const record = { id: request.id, baseline: null, latest: revision, undoing: false, keepFailed: true };
    await world.changes.save(record, signal);
    await world.helm.uninstall({ ...request.change, keepHistory: request.keepHistory }, signal);
    await world.changes.save(undefined, signal);
    return { verdict: 'uninstalled', reason: `${nameOf(request)} and its objects are gone.` };
  });
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

function countOf(writes: readonly PlannedWrite[]): string {
  return writes.length === 1 ? '1 object' : `${writes.length} objects`;
}

function seen({ change: { wait } }: HelmRequest): string {
  return wait ? ', and its workloads are ready' : '';
}

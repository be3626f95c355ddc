import { carryOut } from '../change/carry-out.ts';
import type { Change } from '../change/change.ts';
import { isSluiceError, messageOf, SluiceError } from '../core/errors.ts';
import { concludable, presentRelease, type ReleasePlan, type ReleaseTypes, tellPlan } from './change.ts';
import { refuseUnderRollout } from './deploy.ts';
import { errorOf } from './ending.ts';
import type { HelmOutcome } from './events.ts';
import { isGivenUp, removedWithoutHelm } from './gone-kinds.ts';
import { isAbsent, latest } from './history.ts';
import { CANCEL_TIME, countOf, nameOf, note, writing } from './notes.ts';
import type { HelmRequest, HelmWorld } from './ports.ts';

type UninstallRequest = HelmRequest & { readonly keepHistory: boolean };

interface UninstallPlan extends ReleasePlan {
  /** The manifest of the installed release. */
  readonly manifest: string;
}

/** Removes a release and waits until its objects are gone. Succeeds where there is no release. */
export async function uninstall(
  world: HelmWorld,
  request: UninstallRequest,
  cancelled: AbortSignal,
): Promise<HelmOutcome> {
  if (isAbsent(await world.helm.history(cancelled))) return nothingToRemove(request);
  return carryOut(removal(world, request), cancelled);
}

/** A removal that Helm has begun cannot be undone: if it fails, the next run continues it. */
function removal(world: HelmWorld, request: UninstallRequest): Change<ReleaseTypes<UninstallPlan>> {
  return {
    ...concludable<UninstallPlan>(world, request),
    dryRun: request.dryRun,
    leftover: 'taken over',
    // What an earlier run has left is removed as well.
    look: async (signal) => ({ history: await world.helm.history(signal), left: undefined }),
    async plan({ history }, signal) {
      const found = await presentRelease(world, history, signal);
      if (!found) return { isNeeded: false, history, manifest: '', writes: undefined };
      const { manifest } = found;
      await refuseUnderRollout(world, manifest, signal);
      const writes = await world.objects.changes({ manifest: '' }, found, signal);
      return { isNeeded: true, history, manifest, writes };
    },
    tell: (plan) => tellPlan(world, plan),
    async record({ history, writes }, signal) {
      note(world, 'info', `Uninstalling ${nameOf(request)}: ${countOf(writes)}.`);
      const { revision = 0 } = latest(history) ?? {};
      const record = { id: request.id, baseline: null, latest: revision, undoing: false, keepFailed: true };
      await world.changes.save(record, signal);
      return { kind: 'begun', record };
    },
    async apply(plan, signal) {
      await removed(world, request, plan.manifest, signal);
      return plan;
    },
    verify: async () => undefined,
    undo: async (mark) => ({ how: 'kept', state: '', mark }),
    async end(ending, signal) {
      if (ending.verdict === 'failed') throw 'error' in ending ? ending.error : errorOf(ending.cause);
      if (ending.verdict === 'applied') {
        await world.changes.save(undefined, signal);
        return { verdict: 'uninstalled', reason: `${nameOf(request)} and its objects are gone.` };
      }
      if (ending.verdict === undefined && ending.plan.isNeeded) {
        return { verdict: undefined, reason: `Dry run: ${countOf(ending.plan.writes)} would be deleted.` };
      }
      return nothingToRemove(request);
    },
  };
}

function nothingToRemove(request: HelmRequest): HelmOutcome {
  return { verdict: 'uninstalled', reason: `There is no ${nameOf(request)}; nothing was to be done.` };
}

/**
 * Lets Helm remove a release, and reports what is left where Helm fails.
 *
 * @throws SluiceError
 */
async function removed(
  world: HelmWorld,
  request: UninstallRequest,
  manifest: string,
  signal: AbortSignal,
): Promise<void> {
  writing(world, true);
  try {
    await world.helm.uninstall({ ...request.change, keepHistory: request.keepHistory }, signal);
  } catch (error) {
    const late = signal.aborted ? AbortSignal.timeout(CANCEL_TIME) : signal;
    const remains = await world.objects.remains(manifest, late);
    const isLeftToUs = !signal.aborted && !request.keepHistory && isGivenUp(error);
    if (isLeftToUs && (await removedWithoutHelm(world, request, { manifest, remains }, signal))) return;
    const { gone, left } = remains;
    throw notRemoved(request, error, gone, left);
  }
}

function notRemoved(
  request: HelmRequest,
  cause: unknown,
  gone: readonly string[],
  left: readonly string[],
): SluiceError {
  const parts = [
    isSluiceError(cause) ? cause.problem : messageOf(cause),
    `Of its objects ${gone.length === 0 ? 'none is' : `${gone.length} of ${gone.length + left.length} are`} gone.`,
    ...(left.length === 0 ? [] : [`Left: ${left.join('; ')}.`]),
  ];
  return new SluiceError(isSluiceError(cause) ? cause.code : 'failed', {
    about: nameOf(request),
    problem: parts.join(' '),
    next: 'Let the controllers of the finalizers end, or take those off that nobody works on any more; a longer "timeout" helps where it only needs more time. Then run again.',
    cause,
  });
}

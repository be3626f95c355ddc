import { isSluiceError, messageOf, SluiceError } from '../core/errors.ts';
import { type HelmOutcome, holding, manifestOf } from './change.ts';
import { countOf, refuseUnderRollout, tellPlan } from './deploy.ts';
import { isGivenUp, removedWithoutHelm } from './gone-kinds.ts';
import { isAbsent, latest } from './history.ts';
import { CANCEL_TIME, nameOf, note, writing } from './notes.ts';
import type { HelmRequest, HelmWorld } from './ports.ts';

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
    const writes = await world.objects.changes({ manifest: '' }, found, signal);
    tellPlan(world, history, writes);
    if (request.dryRun) return { verdict: undefined, reason: `Dry run: ${countOf(writes)} would be deleted.` };
    note(world, 'info', `Uninstalling ${nameOf(request)}: ${countOf(writes)}.`);
    const { revision = 0 } = latest(history) ?? {};
    const record = { id: request.id, baseline: null, latest: revision, undoing: false, keepFailed: true };
    await world.changes.save(record, signal);
    await removed(world, request, found.manifest, signal);
    await world.changes.save(undefined, signal);
    return { verdict: 'uninstalled', reason: `${nameOf(request)} and its objects are gone.` };
  });
}

/**
 * Lets Helm remove a release, and says what of it is left where that is not the end.
 *
 * @throws SluiceError
 */
async function removed(
  world: HelmWorld,
  request: HelmRequest & { readonly keepHistory: boolean },
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

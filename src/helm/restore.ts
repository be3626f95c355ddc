import { isGivenUp, refuseGoneKinds, removedWithoutHelm } from './gone-kinds.ts';
import { guarded } from './guard.ts';
import type { Recovery, Revision } from './history.ts';
import { nameOf, note, writing } from './notes.ts';
import type { HelmRequest, HelmWorld } from './ports.ts';

/** Carries out a recovery, and checks that the resulting workloads are ready. */
export async function restore(
  world: HelmWorld,
  request: HelmRequest,
  recovery: Recovery,
  signal: AbortSignal,
): Promise<void> {
  if (recovery.kind === 'none') return;
  const { from } = recovery;
  if (recovery.kind === 'uninstall') {
    writing(world, true);
    note(world, 'info', `Uninstalling ${nameOf(request)}: no revision of it has ever worked.`);
    await uninstalled(world, request, from, signal);
    return;
  }
  const { to } = recovery;
  const [present, { manifest }] = await Promise.all([
    world.helm.release(from.revision, signal),
    world.helm.release(to.revision, signal),
  ]);
  await refuseGoneKinds(world, request, [present.manifest, manifest], signal);
  writing(world, true);
  note(world, 'info', `Rolling back to revision ${to.revision} (${to.chart}).`);
  const act = (acting: AbortSignal) => world.helm.rollback(to.revision, request.change, acting);
  await guarded(world, request, { manifest, writes: undefined, act, endEarly: false }, signal);
  note(world, 'good', `Revision ${to.revision} serves again, and its workloads are ready.`);
}

async function uninstalled(world: HelmWorld, request: HelmRequest, { revision }: Revision, signal: AbortSignal) {
  try {
    await world.helm.uninstall({ ...request.change, keepHistory: false }, signal);
  } catch (error) {
    if (signal.aborted || !isGivenUp(error)) throw error;
    const { manifest } = await world.helm.release(revision, signal);
    const remains = await world.objects.remains(manifest, signal);
    if (!(await removedWithoutHelm(world, request, { manifest, remains }, signal))) throw error;
  }
}

/** The state of a release after a recovery, as a sentence. */
export function wayBack(recovery: Recovery): string {
  if (recovery.kind === 'rollback') return `The release is back at the content of revision ${recovery.to.revision}.`;
  if (recovery.kind === 'uninstall') return 'The release was removed, as it had no revision before.';
  return 'The release is as it was.';
}

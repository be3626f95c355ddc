import { SluiceError } from '../core/errors.ts';
import { type HelmOutcome, holding, manifestOf, recovered, seenThrough } from './change.ts';
import { countOf, seen, tellPlan } from './deploy.ts';
import { refuseGoneKinds } from './gone-kinds.ts';
import { type History, healthyBefore, isAbsent, type Revision } from './history.ts';
import { nameOf, note } from './notes.ts';
import type { HelmRequest, HelmWorld } from './ports.ts';
import { returnTo } from './record.ts';

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
    await refuseGoneKinds(world, request, [found?.manifest ?? '', wanted.manifest], signal);
    const writes = await world.objects.changes(wanted, found, signal);
    tellPlan(world, history, writes);
    const what = `revision ${target.revision} (${target.chart})`;
    if (request.dryRun) {
      return { verdict: undefined, reason: `Dry run: ${countOf(writes)} would change on the way back to ${what}.` };
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

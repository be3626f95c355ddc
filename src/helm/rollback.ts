import { carryOut } from '../change/carry-out.ts';
import { SluiceError } from '../core/errors.ts';
import { presentRelease, type ReleasePlan, type ReleaseSteps, releaseChange } from './change.ts';
import type { HelmOutcome } from './events.ts';
import { refuseGoneKinds } from './gone-kinds.ts';
import { type History, healthyBefore, isAbsent, type Revision } from './history.ts';
import { countOf, nameOf, seen } from './notes.ts';
import type { HelmRequest, HelmWorld } from './ports.ts';
import { returnTo } from './record.ts';

type RollbackRequest = HelmRequest & { readonly revision: number | undefined };

interface RollbackPlan extends ReleasePlan {
  readonly target: Revision;
  /** The manifest that the release will have. */
  readonly manifest: string;
}

/** Rolls back to the named revision, or else to the last healthy one. */
export async function rollBack(
  world: HelmWorld,
  request: RollbackRequest,
  cancelled: AbortSignal,
): Promise<HelmOutcome> {
  const steps: ReleaseSteps<RollbackPlan> = {
    plan: ({ history }, signal) => planOf(world, request, history, signal),
    announce: ({ target, writes }) => `Rolling back to ${whatOf(target)}: ${countOf(writes)}.`,
    act: ({ target, manifest, writes }) => ({
      manifest,
      writes,
      act: (acting) => world.helm.rollback(target.revision, request.change, acting),
      endEarly: false,
    }),
    words: {
      planned: ({ isNeeded, target, writes }) =>
        isNeeded
          ? {
              verdict: undefined,
              reason: `Dry run: ${countOf(writes)} would change on the way back to ${whatOf(target)}.`,
            }
          : unchanged(target),
      unchanged: async ({ target }) => unchanged(target),
      applied: async ({ target }) => ({
        verdict: 'rolled-back',
        reason: `The release is back at the content of ${whatOf(target)}${seen(request)}.`,
      }),
      // The rollback that was asked for did not succeed.
      undone: 'failed',
    },
  };
  return carryOut(releaseChange(world, request, steps), cancelled);
}

async function planOf(
  world: HelmWorld,
  request: RollbackRequest,
  history: History,
  signal: AbortSignal,
): Promise<RollbackPlan> {
  const target = targetOf(request, history);
  if (returnTo(target.revision, history).kind === 'none') {
    return { isNeeded: false, history, target, manifest: '', writes: undefined };
  }
  const [found, { manifest, ...wanted }] = await Promise.all([
    presentRelease(world, history, signal),
    world.helm.release(target.revision, signal),
  ]);
  await refuseGoneKinds(world, request, [found?.manifest ?? '', manifest], signal);
  const writes = await world.objects.changes({ ...wanted, manifest }, found, signal);
  return { isNeeded: true, history, target, manifest, writes };
}

function unchanged({ revision }: Revision): HelmOutcome {
  return { verdict: 'unchanged', reason: `The release is at the content of revision ${revision} already.` };
}

/** `revision 3 (shop-1.2.3)` */
function whatOf({ revision, chart }: Revision): string {
  return `revision ${revision} (${chart})`;
}

function targetOf(request: RollbackRequest, history: History): Revision {
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

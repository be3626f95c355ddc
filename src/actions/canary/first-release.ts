import type { Emit } from '../../canary/events.ts';
import type { RolloutOptions } from '../../canary/options.ts';
import { announce } from '../../canary/preflight.ts';
import type { World } from '../../canary/world.ts';
import type { Clock } from '../../core/clock.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import { deployFirst, type FirstRelease, findFirstRelease } from '../../workloads/arms/first-release.ts';
import type { ArmsOptions } from '../../workloads/arms-context.ts';
import type { CanaryInputs } from './inputs.ts';

/** What is needed for a first release. */
export interface FirstPlace {
  readonly cluster: Pick<ArmsOptions, 'client' | 'namespace' | 'clock' | 'lifetime' | 'rollout' | 'drain'>;
  readonly inputs: CanaryInputs;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** The workload of a first release, where nothing serves yet; undefined where something serves. */
export function lookForFirst({ cluster, inputs }: Pick<FirstPlace, 'cluster' | 'inputs'>, signal: AbortSignal) {
  const serving = inputs.workload ?? inputs.stable;
  const service = inputs['stable-service']?.name ?? inputs.service?.name ?? '';
  return serving ? findFirstRelease(cluster, serving, service, signal) : undefined;
}

/**
 * Handles a first release as the inputs ask: deploys it, leaves it to later steps, or refuses it.
 *
 * @throws SluiceError `not-found` if it is refused or this action cannot deploy it; `not-ready`
 */
export async function releaseFirst(
  first: FirstRelease,
  place: FirstPlace,
  announced: { readonly world: World; readonly options: RolloutOptions },
  signal: AbortSignal,
): Promise<void> {
  const { inputs, emit, clock, cluster } = place;
  const { workload, image, 'first-release': wanted, 'dry-run': dryRun } = inputs;
  announce(announced.world, announced.options, dryRun);
  if (wanted === 'refuse') throw refused(first);
  const deploys = wanted === 'deploy' && first.exists && workload !== undefined && image !== undefined;
  if (wanted === 'deploy' && !deploys) throw await notHere(first, announced.world, signal);
  emit({ type: 'first-release', at: clock.now(), about: first.about, deploys });
  if (!deploys || dryRun) return;
  const { digest, evidence, versions } = await deployFirst(
    cluster,
    { workload, images: image, timeout: announced.options.readyTimeout },
    signal,
  );
  emit({ type: 'verified', at: clock.now(), digest, evidence });
  emit({
    type: 'ended',
    at: clock.now(),
    verdict: 'promoted',
    passed: true,
    reason: `first release: nothing served yet, so there was nothing to compare it with; ${evidence}`,
    reached: 100,
    weight: 0,
    revision: digest,
    digest,
    arms: { stable: first.about, canary: first.about, revision: digest, versions },
  });
}

function refused({ about }: FirstRelease): SluiceError {
  return new SluiceError('not-found', {
    about,
    problem: 'serves nothing yet, so a new version has nothing to be compared with; "first-release: refuse" is set.',
    next: 'Deploy a first version another way, or set "first-release: deploy".',
  });
}

const WAYS =
  'A first release has nothing to be compared with: deploy it once by actions/kubectl-deploy or actions/helm-deploy; OWNER/sluice@v1 with "chart" does so by itself. Where a later step deploys it, set "first-release: skip".';

/** The error for the missing workload, with similar workloads that exist, and the ways to make a first release. */
async function notHere({ about }: FirstRelease, { arms }: World, signal: AbortSignal): Promise<SluiceError> {
  try {
    await arms.inspect(signal);
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    return new SluiceError(error.code, {
      about: error.about,
      problem: error.problem,
      next: `${error.next} ${WAYS}`,
      cause: error,
    });
  }
  return new SluiceError('not-found', {
    about,
    problem: 'has never served, and can not be deployed here.',
    next: WAYS,
  });
}

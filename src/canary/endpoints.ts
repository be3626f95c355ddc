import { never } from '../core/abort.ts';
import { deadline } from '../core/deadline.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import type { Arm } from '../judge/readings.ts';
import type { RolloutOptions } from './options.ts';
import type { ArmReach, RolloutRecord } from './ports.ts';
import { hasEnough, LOOK, onlyCanaryServes, stableBroke } from './serving.ts';
import { type ConcludingWorld, warn } from './world.ts';

/** Milliseconds between two looks at EndpointSlices that are waited for. */
const INTERVAL = 500;

/**
 * Milliseconds that an undo waits at most for the first endpoint of the stable arm: an EndpointSlice controller that was
 * restarted takes up its work when the Lease of the one before has run out, which is after 15 s by default.
 * https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/ (--leader-elect-lease-duration)
 */
const UNDO_PATIENCE = 20_000;

type Subject = Pick<RolloutRecord, 'arms'>;
type SeenReach = Extract<ArmReach, { readonly service: string }>;

/**
 * Before the requests go back to the stable arm after a promotion: waits until the EndpointSlices of its Service list its ready
 * pods. A Deployment may be complete while they are still behind, and proxies know pods from them alone. The canary keeps the
 * requests for as long; where it gets none itself, the stable arm takes them with the first pod that is listed. Where the slices
 * can't be seen, the pods' readiness has to do.
 *
 * @throws SluiceError `not-ready` after the `confirm-timeout`, or as soon as the stable pods are not ready any more while those of
 *   the canary are
 */
export async function awaitEndpoints(
  world: ConcludingWorld,
  record: Subject,
  { confirmTimeout }: Pick<RolloutOptions, 'confirmTimeout'>,
  signal: AbortSignal,
): Promise<void> {
  const { arms, clock } = world;
  let last: SeenReach | undefined;
  using limit = deadline(clock, confirmTimeout, () => notListed(record, last, confirmTimeout), signal);
  for (;;) {
    const stable = await arms.reach(record.arms, 'stable', limit.signal);
    if ('unseen' in stable) {
      warn(world, `The route goes back by the readiness of the pods alone: ${stable.unseen}`);
      if (await onlyCanaryServes(world, record)) throw stableBroke(record);
      return;
    }
    last = stable;
    if (await mayTakeRequests(world, record, stable, limit.signal)) return;
    await clock.sleep(INTERVAL, limit.signal);
  }
}

async function mayTakeRequests(
  world: ConcludingWorld,
  record: Subject,
  stable: SeenReach,
  signal: AbortSignal,
): Promise<boolean> {
  const isAway = await onlyCanaryServes(world, record);
  const enough = hasEnough(stable);
  if (isAway && !enough) throw stableBroke(record);
  // What looks after the route while it goes back sees the pods by a watch: it has to have brought them as well.
  if (enough && stable.reachable >= stable.ready) return !isAway;
  const canary = await world.arms.reach(record.arms, 'canary', signal);
  const canaryGetsNone = 'service' in canary && canary.reachable === 0;
  if (enough) return stable.reachable > 0 && canaryGetsNone;
  return stable.reachable > 0 || canaryGetsNone;
}

/**
 * Before an undo gives the route back: waits, and not for long, while the stable arm has ready pods to which its Service does not
 * lead, and the canary has some to which its own does. All requests would be lost on the way back, and by a bad canary only a part.
 * In any other case, and where it can't be seen at once, the undo goes on.
 *
 * @param begin called before it is waited
 */
export async function awaitFirstEndpoint(
  world: ConcludingWorld,
  record: Subject,
  begin: (service: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = world;
  const until = clock.now() + UNDO_PATIENCE;
  let service = await serviceWithoutEndpoints(world, record);
  if (service === undefined) return;
  await begin(service);
  while (service !== undefined && clock.now() < until) {
    await clock.sleep(INTERVAL, signal);
    service = await serviceWithoutEndpoints(world, record);
  }
  if (service === undefined) return;
  warn(world, `The route goes back although ${service} still has no ready endpoint after ${UNDO_PATIENCE / 1_000} s.`);
}

/** The stable arm's Service where all requests would be lost that the canary's gets by now. */
async function serviceWithoutEndpoints(world: ConcludingWorld, record: Subject): Promise<string | undefined> {
  const stable = await look(world, record, 'stable');
  // Pods that are not there at all come back with the route, or by what an undo does first.
  if (stable === undefined || stable.ready === 0 || stable.reachable > 0) return undefined;
  const canary = await look(world, record, 'canary');
  return canary !== undefined && canary.reachable > 0 ? stable.service : undefined;
}

/** @returns undefined where it can't be seen, or not soon enough */
async function look(
  { arms, clock }: ConcludingWorld,
  { arms: found }: Subject,
  arm: Arm,
): Promise<SeenReach | undefined> {
  using limit = deadline(clock, LOOK, () => new Error('the endpoints were not seen in time'), never());
  try {
    const reach = await arms.reach(found, arm, limit.signal);
    return 'service' in reach ? reach : undefined;
  } catch (error) {
    if (limit.signal.aborted || isSluiceError(error)) return undefined;
    throw error;
  }
}

function notListed({ arms }: Subject, last: SeenReach | undefined, milliseconds: number): SluiceError {
  const listed = last ? `${last.reachable} of ${last.ready} ready pods of ${arms.stable}` : 'no pods';
  return new SluiceError('not-ready', {
    about: last?.service ?? arms.stable,
    problem: `has ${listed} in its EndpointSlices after ${milliseconds / 1_000} s, so the route stays on the canary.`,
    next: 'See whether the endpoints of the Service follow its pods (kubectl get endpointslices), then run the workflow again: it goes on with the promotion.',
  });
}

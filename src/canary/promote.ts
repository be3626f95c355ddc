import { never } from '../core/abort.ts';
import { messageOf } from '../core/errors.ts';
import { persist } from '../core/persist.ts';
import { confirm } from './confirm.ts';
import { awaitEndpoints } from './endpoints.ts';
import type { RolloutOptions } from './options.ts';
import type { ArmsSnapshot } from './ports.ts';
import type { Journal } from './record.ts';
import { onlyCanaryServes, whileStableServes } from './serving.ts';
import { type ConcludingWorld, type World, warn } from './world.ts';

/**
 * Gives all users the new revision. At weight 100 the canary serves while the stable workload gets the new revision. The route
 * goes back to it only when its pods are available and its Service leads to them, and the canary's pods are removed last.
 * `completePromotion` does what follows.
 *
 * @throws SluiceError `not-ready` if the pods do not become available or run another revision
 */
export async function promote(world: World, journal: Journal, signal: AbortSignal): Promise<void> {
  const { arms, clock, emit } = world;
  emit({ type: 'promoting', at: clock.now() });
  await journal.write({ phase: 'promoting' }, signal);
  const learn = (learned: ArmsSnapshot) => journal.write({ arms: learned }, signal);
  const { routeBackToStable } = await arms.promote(journal.record.arms, learn, signal);
  await journal.write({ phase: routeBackToStable ? 'returning' : 'retiring' }, signal);
}

/**
 * The part of a promotion after which only a breach leads to a rollback: from `returning` on. Safe to repeat from any point.
 *
 * @returns the image digest that was seen to serve
 * @throws SluiceError `not-confirmed` while requests still go to the canary, whose pods are kept as long; `not-ready` if the
 *   stable pods, which are to take over the requests, are no longer ready or their Service does not lead to them
 */
export async function completePromotion(
  world: ConcludingWorld,
  journal: Journal,
  options: Pick<RolloutOptions, 'confirmTimeout'>,
  signal: AbortSignal,
): Promise<string> {
  const { arms, router } = world;
  const { route, arms: found } = journal.record;
  const digest =
    journal.record.phase === 'returning'
      ? await restoreRoute(world, journal, options, signal)
      : await seeServing(world, journal, signal);
  await arms.retire(found, signal);
  // If the weights on the route stay as the rollout has written them, it keeps their ownership.
  if (journal.record.weight.to === route.weight) await router.relinquish(route, signal);
  const reason = 'every step ended without a breach';
  await journal.write({ phase: 'ended', verdict: 'promoted', reason, endedAt: world.clock.now() }, signal);
  return digest;
}

/**
 * Moves requests from the canary to the stable arm, which has the new version by now. Both keep their pods until the stable arm
 * was seen to serve.
 */
async function restoreRoute(
  world: ConcludingWorld,
  journal: Journal,
  options: Pick<RolloutOptions, 'confirmTimeout'>,
  signal: AbortSignal,
): Promise<string> {
  const { route, weight } = journal.record;
  await awaitEndpoints(world, journal.record, options, signal);
  // This write is not aborted if the pods fail, because an aborted write may still take effect after the next one.
  await world.router.restore(route, [weight.to, weight.from, route.weight], signal);
  using guard = whileStableServes(world, journal.record, signal);
  await confirm(world, { route, weight: route.weight }, options, guard.signal);
  // From here on the route is restored, even if a later step fails.
  await journal.write({ weight: { from: weight.to, to: route.weight } }, signal);
  const digest = await seeServing(world, journal, guard.signal);
  await journal.write({ phase: 'retiring', weight: { from: route.weight, to: route.weight } }, signal);
  return digest;
}

/** Whether a promotion whose route goes back to the stable arm, or went, needs the canary to serve. */
export async function canaryHasToServe(world: ConcludingWorld, { record }: Journal): Promise<boolean> {
  return record.phase === 'returning' && (await onlyCanaryServes(world, record));
}

/**
 * Sends requests back to the canary, whose pods are ready and of the same version. The promotion then continues from where the
 * canary serves all traffic.
 */
export async function returnToCanary(
  world: ConcludingWorld,
  journal: Journal,
  options: Pick<RolloutOptions, 'confirmTimeout'>,
  signal: AbortSignal,
): Promise<void> {
  const { router, clock, emit } = world;
  const { route, weight } = journal.record;
  try {
    // The record says whether requests have gone back to the stable arm.
    const back = { from: route.weight, to: Math.max(weight.from, weight.to) };
    await persist(world, signal, () => journal.write({ phase: 'promoting', weight: back }, signal));
    await persist(world, signal, () => router.shift(route, back.from, back.to, never()));
    emit({ type: 'shifted', at: clock.now(), ...back });
    await confirm(world, { route, weight: back.to }, options, signal);
  } catch (error) {
    // The written weights are right. Whether the proxies follow is only reported, as it changes no decision now.
    warn(world, `Requests were to go back to the canary, but: ${messageOf(error)}`);
  }
}

async function seeServing({ arms, clock, emit }: ConcludingWorld, journal: Journal, signal: AbortSignal) {
  const { digest, evidence } = await arms.verify(journal.record.arms, signal);
  emit({ type: 'verified', at: clock.now(), digest, evidence });
  return digest;
}

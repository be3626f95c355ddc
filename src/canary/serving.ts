import { never } from '../core/abort.ts';
import { deadline } from '../core/deadline.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import type { ArmHealth, RolloutRecord } from './ports.ts';
import type { ConcludingWorld } from './world.ts';

/** Milliseconds for a look at pods that decides where requests go. */
export const LOOK = 2_000;

/** Milliseconds between two looks at the stable arm while requests go back to it. */
const INTERVAL = 500;

/**
 * The part of an arm's pods that must be ready to take all requests: what a Deployment's rolling update keeps by default
 * (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable).
 */
const ENOUGH = 0.75;

type Subject = Pick<RolloutRecord, 'arms'>;

/**
 * Whether the stable arm has pods for all requests. False if that can't be read: an unknown state is no reason to move all
 * traffic.
 */
export async function stableServes(world: ConcludingWorld, record: Subject): Promise<boolean> {
  const stable = await look(world, record, 'stable');
  return stable !== undefined && stable.ready > 0 && stable.ready >= stable.desired;
}

/**
 * Whether the canary has ready pods without trouble and the stable arm has too few. False if that can't be read: requests then
 * go to the stable arm.
 */
export async function onlyCanaryServes(world: ConcludingWorld, record: Subject): Promise<boolean> {
  const stable = await look(world, record, 'stable');
  if (stable === undefined || hasEnough(stable)) return false;
  const canary = await look(world, record, 'canary');
  return canary !== undefined && hasEnough(canary) && canary.problems.length === 0;
}

export function hasEnough({ ready, desired }: Pick<ArmHealth, 'ready' | 'desired'>): boolean {
  return ready > 0 && ready >= Math.ceil(desired * ENOUGH);
}

/** As `onlyCanaryServes`, but ready pods of the canary are enough, even with trouble. */
export async function stableIsAway(world: ConcludingWorld, record: Subject): Promise<boolean> {
  const stable = await look(world, record, 'stable');
  if (stable === undefined || hasEnough(stable)) return false;
  const canary = await look(world, record, 'canary');
  return canary !== undefined && canary.ready > 0;
}

async function look(
  { arms, clock }: ConcludingWorld,
  { arms: found }: Subject,
  arm: 'stable' | 'canary',
): Promise<ArmHealth | undefined> {
  using limit = deadline(clock, LOOK, () => new Error('the pods were not seen in time'), never());
  try {
    return await arms.health(found, arm, limit.signal);
  } catch (error) {
    if (limit.signal.aborted || isSluiceError(error)) return undefined;
    throw error;
  }
}

/**
 * A signal that aborts with the given one, or with `not-ready` as soon as the stable arm can't take the requests and the canary
 * could: the requests then stay with the canary. Dispose it to stop looking.
 */
export function whileStableServes(world: ConcludingWorld, record: Subject, signal: AbortSignal) {
  const broken = new AbortController();
  const done = new AbortController();
  const watched = AbortSignal.any([done.signal, signal]);
  async function watch(): Promise<void> {
    while (!watched.aborted) {
      if (await onlyCanaryServes(world, record)) broken.abort(stableBroke(record));
      await world.clock.sleep(INTERVAL, watched);
    }
  }
  // The watch ends when the guarded work is over, or with an error that ends the guarded work.
  watch().catch((error: unknown) => {
    if (!watched.aborted) broken.abort(error);
  });
  return {
    signal: AbortSignal.any([broken.signal, signal]),
    [Symbol.dispose]: () => done.abort(),
  };
}

export function stableBroke({ arms }: Subject): SluiceError {
  return new SluiceError('not-ready', {
    about: arms.stable,
    problem: 'has too few ready pods to get its requests back, while those of the canary are ready.',
    next: 'Look at its pods and events, then run the workflow again: it goes on with the promotion.',
  });
}

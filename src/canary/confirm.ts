import { deadline } from '../core/deadline.ts';
import { SluiceError } from '../core/errors.ts';
import type { RolloutOptions } from './options.ts';
import type { RouteSnapshot } from './ports.ts';
import { type World, warn } from './world.ts';

/** A weight that was written to a route. */
interface Written {
  readonly route: RouteSnapshot;
  readonly weight: number;
}

/**
 * Waits until the data plane follows a weight, and reports the evidence.
 *
 * @throws SluiceError `not-confirmed` after the `confirm-timeout`
 */
export async function confirm(
  { router, clock, emit }: Pick<World, 'router' | 'clock' | 'emit'>,
  { route, weight }: Written,
  { confirmTimeout }: Pick<RolloutOptions, 'confirmTimeout'>,
  signal: AbortSignal,
): Promise<void> {
  using limit = deadline(clock, confirmTimeout, () => notConfirmed(route.object, confirmTimeout), signal);
  const { evidence, warning } = await router.confirm(route, weight, limit.signal);
  if (warning !== undefined) warn({ clock, emit }, warning);
  emit({ type: 'confirmed', at: clock.now(), weight, evidence });
}

function notConfirmed(object: string, confirmTimeout: number): SluiceError {
  return new SluiceError('not-confirmed', {
    about: object,
    problem: `was written, but the data plane was not seen to follow within ${confirmTimeout / 1_000} s.`,
    next: 'Look at the status of the route and at its gateway, or give it longer with "confirm-timeout".',
  });
}

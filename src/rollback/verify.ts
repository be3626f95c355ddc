import { confirm } from '../canary/confirm.ts';
import type { Router, RouteSnapshot } from '../canary/ports.ts';
import { deadline } from '../core/deadline.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import type { Revision } from './ports.ts';
import type { RollbackOptions, RollbackWorld } from './world.ts';

/** Milliseconds that pods of the former version get to end: twice their default grace period. */
const ENDING = 60_000;

/** Milliseconds between two looks at pods that are ending. */
const INTERVAL = 1_000;

/** Confirms that the version serves everything: all pods run it and are available, and the route sends nothing elsewhere. */
export async function verifyServed(
  world: RollbackWorld,
  to: Revision,
  options: RollbackOptions,
  signal: AbortSignal,
): Promise<{ readonly digest: string; readonly evidence: string }> {
  const { workload, clock, router, tell } = world;
  const late = () => notReady(workload.object, to, options.readyTimeout);
  using limit = deadline(clock, options.readyTimeout, late, signal);
  const { digest, evidence } = await workload
    .confirm(to, (text) => tell('info', text), limit.signal)
    .catch((error: unknown) => {
      throw isSluiceError(error, 'not-ready') ? staysAskedFor(error, to) : error;
    });
  tell('good', `${workload.object} runs revision ${to.number}: ${evidence}`);
  await othersEnded(world, to, signal);
  if (!router) return { digest, evidence };
  const found = await requireUnshifted(router, signal);
  let followed = '';
  const emit = (event: { type: string; evidence?: string }) => {
    followed = event.evidence ?? '';
  };
  await confirm({ router, clock, emit }, { route: found, weight: 0 }, options, signal);
  tell('good', `${found.object} sends it everything: ${followed}`);
  return { digest, evidence: `${evidence}; ${found.object} sends it everything (${followed})` };
}

/** Waits up to `ENDING` for pods of other versions to end, then warns. Such pods take no new connections. */
async function othersEnded({ workload, clock, tell }: RollbackWorld, to: Revision, signal: AbortSignal): Promise<void> {
  const end = clock.now() + ENDING;
  for (;;) {
    const left = await workload.leftovers(to, signal);
    if (left === 0) return;
    if (clock.now() >= end) {
      const seconds = ENDING / 1_000;
      tell(
        'warning',
        `Pods of other versions that have not ended after ${seconds} s: ${left}. They answer on connections that they have.`,
      );
      return;
    }
    await clock.sleep(INTERVAL, signal);
  }
}

/**
 * The route as found. Its weight must be 0, since requests that go to the other arm are not served by this workload.
 *
 * @throws SluiceError `unsupported`
 */
export async function requireUnshifted(router: Router, signal: AbortSignal): Promise<RouteSnapshot> {
  const found = await router.inspect(signal);
  if (found.weight === 0) return found;
  throw new SluiceError('unsupported', {
    about: found.object,
    problem: `sends ${found.weight} % to the other arm, and no rollout under way explains it.`,
    next: 'Of two workloads that take turns, shift the traffic back by a release with "stable" and "canary" swapped (actions/canary). Else set that weight to 0.',
  });
}

function notReady(object: string, { number }: Revision, milliseconds: number): SluiceError {
  return new SluiceError('not-ready', {
    about: object,
    problem: `was set to revision ${number}, which did not become available within ${milliseconds / 1_000} s.`,
    next: 'Look at the events of its pods, or give it longer with "ready-timeout".',
  });
}

/** The workload keeps asking for this version, since the version before is the one in trouble. */
function staysAskedFor({ about, problem, next }: SluiceError, { number }: Revision): SluiceError {
  return new SluiceError('not-ready', {
    about,
    problem,
    next: `${next} Revision ${number} stays asked for, and pods of the version before stay until its pods are ready: run again to go on waiting, or name another revision.`,
  });
}

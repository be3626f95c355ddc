import { isSluiceError, SluiceError } from '../core/errors.ts';
import { createPatience, outOfTime } from './patience.ts';
import { createView, type Sight } from './sight.ts';
import { giveUp } from './stuck.ts';
import { createTeller } from './teller.ts';
import type { WaitOptions } from './wait-options.ts';
import { waitedFor } from './watch-list.ts';

/** Milliseconds between two looks while the API server does not answer. */
const RETRY = 1_000;

/**
 * Waits until every object is done: workloads are rolled out, Jobs complete, claims bound, custom resources ready. Watches
 * them, and reports each change once.
 *
 * @throws SluiceError `not-ready` at the deadline, or as soon as waiting can't help: with pods, reasons, warnings, last
 *   lines
 */
export async function waitUntilRolledOut(given: WaitOptions, signal: AbortSignal): Promise<void> {
  const options = { ...given, references: waitedFor(given.references) };
  const { client, references, clock, deadline, emit } = options;
  if (references.length === 0) return;
  const over = new AbortController();
  const lifetime = AbortSignal.any([signal, over.signal]);
  let change = Promise.withResolvers<void>();
  const view = createView(options, lifetime, () => change.resolve());
  const teller = createTeller(options, signal);
  const patience = createPatience(clock);
  try {
    for (;;) {
      // Set before the look, so that a change during the look is not missed.
      change = Promise.withResolvers<void>();
      const sights = await look();
      if (sights) {
        await teller.tell(sights);
        const open = sights.filter(({ progress }) => progress.state !== 'done');
        if (open.length === 0) return;
        const hopeless = patience.hopeless(open);
        if (hopeless.length > 0) throw await giveUp(hopeless, options, signal);
        if (clock.now() >= deadline) throw await giveUp(open.map(outOfTime), options, signal);
        await wakeUp(Math.min(deadline, patience.end(), teller.next(), view.next()));
      } else {
        if (clock.now() >= deadline) throw unanswered(client.server);
        await clock.sleep(RETRY, signal);
      }
    }
  } finally {
    over.abort();
  }

  /** @returns undefined while the API server does not answer */
  async function look(): Promise<Sight[] | undefined> {
    try {
      return await view.look(signal);
    } catch (error) {
      if (!isSluiceError(error, 'unreachable')) throw error;
      emit({ type: 'unreachable', at: clock.now(), text: error.message });
      return undefined;
    }
  }

  async function wakeUp(at: number): Promise<void> {
    const awake = new AbortController();
    const alarm = clock.sleep(Math.max(0, at - clock.now()), AbortSignal.any([signal, awake.signal]));
    try {
      await Promise.race([change.promise, alarm]);
    } finally {
      awake.abort();
      // Nobody awaits the alarm any more, so its rejection is ignored.
      alarm.catch(() => undefined);
    }
  }
}

function unanswered(server: string): SluiceError {
  return new SluiceError('not-ready', {
    about: `Kubernetes API server ${server}`,
    problem: 'did not answer until the deadline, so nobody saw whether the objects got ready.',
    next: 'Check that the cluster is reachable from this runner, and run again.',
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Shop } from './shop.ts';

/** The canary's weight, as the route showed it at a time in milliseconds since the epoch. */
interface Shown {
  readonly at: number;
  readonly weight: number;
}

export interface Rise {
  readonly from: number;
  readonly to: number;
  /** When the lower weight was seen last, and the higher one first. */
  readonly after: number;
  readonly before: number;
}

/** Looks at the route until it is stopped, more often than a weight can last. */
export function watchWeights(shop: Shop) {
  const stop = new AbortController();
  const seen: Shown[] = [];
  const looking = (async () => {
    while (!stop.signal.aborted) {
      const at = Date.now();
      // A look that fails says nothing about the weight.
      const weight = await shop.weight().catch(() => undefined);
      if (weight !== undefined) seen.push({ at, weight });
      await sleep(150, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  return {
    /** Resolves with every rise of the weight. */
    async stop(): Promise<Rise[]> {
      stop.abort();
      await looking;
      return seen.slice(1).flatMap(({ at, weight }, index) => {
        const last = seen[index];
        return last && weight > last.weight ? [{ from: last.weight, to: weight, after: last.at, before: at }] : [];
      });
    },
  };
}

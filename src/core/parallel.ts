import pMap from 'p-map';

/** How many calls to a server run at the same time. */
const PARALLEL = 8;

/**
 * Calls `act` for each item, at most `most` at a time; returns the results in the order of the items. Starts no more after an
 * error.
 */
export function inParallel<T, R>(items: readonly T[], act: (item: T) => Promise<R>, most = PARALLEL): Promise<R[]> {
  return pMap(items, (item) => act(item), { concurrency: most });
}

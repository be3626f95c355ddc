import pMap from 'p-map';

/** Calls to a server that are under way at the same time. */
const PARALLEL = 8;

/** Does the same for each item, so many at a time; gives the results in the order of the items. After an error it begins no more. */
export function inParallel<T, R>(items: readonly T[], act: (item: T) => Promise<R>, most = PARALLEL): Promise<R[]> {
  return pMap(items, (item) => act(item), { concurrency: most });
}

import type { Selector } from '../series/selector.ts';
import type { Found } from './cluster-names.ts';
import { type DefaultQueries, defaultQueries } from './default-queries.ts';
import { type OwnQueries, ownQueries } from './own-queries.ts';
import type { Names, Place, Rule } from './rules.ts';

/** What counts the requests: default queries for the kind of router or service, or the user's own. */
export type Queries = DefaultQueries | ({ readonly kind: 'own' } & OwnQueries);

/**
 * The questions for both arms, as variants: the first whose series exist is used.
 *
 * @throws SluiceError as of `defaultQueries` and `ownQueries`
 */
export async function ruleVariants(queries: Queries, names: Names, place: Place, found: Found = {}): Promise<Rule[][]> {
  if (queries.kind !== 'own') return defaultQueries(queries, names, place, found);
  return [await ownQueries(queries, names, place, found)];
}

/** Selectors of which one must match something. */
export function stableRequestSelectors(variants: readonly (readonly Rule[])[]): Selector[] {
  const requests = variants.flat().filter(({ arm, kind }) => arm === 'stable' && kind === 'requests');
  return requests.map(({ selector }) => selector);
}

/** The selectors of the stable arm's histogram. */
export function stableBucketSelectors(rules: readonly Rule[]): Selector[] {
  const buckets = rules.filter(({ arm, kind }) => arm === 'stable' && kind === 'bucket');
  return buckets.map(({ selector }) => selector);
}

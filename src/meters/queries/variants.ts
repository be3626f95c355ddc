import type { ClusterNames, Found } from './cluster-names.ts';
import { type Queries, ruleVariants } from './queries.ts';
import type { Names, Place, Rule } from './rules.ts';

/** The variants of the questions for the current names in the cluster; the same ones as before if nothing has changed. */
export type Variants = (signal: AbortSignal) => Promise<readonly Rule[][]>;

export function createVariants(queries: Queries, names: Names, place: Place, namesNow: ClusterNames): Variants {
  let last: { readonly found: Found; readonly rules: readonly Rule[][] } | undefined;
  return async (signal) => {
    const found = await namesNow(signal);
    if (last?.found !== found) last = { found, rules: await ruleVariants(queries, names, place, found) };
    return last.rules;
  };
}

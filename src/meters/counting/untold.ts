import type { Arm } from '../../judge/readings.ts';
import type { Classified, Sample } from './classify.ts';

/** Which arms can be judged, and warnings about the others. */
interface Told {
  known(arm: Arm): boolean;
  readonly warnings: readonly string[];
}

/**
 * Remembers the arms with a request whose ending the labels do not tell. An unknown status is no success, and the counts of
 * such an arm can't be compared. Values in the first look are from before the rollout and do not count.
 */
export function createUntoldGuard(): (found: readonly Classified<Sample>[]) => Told {
  const values = new Map<string, number>();
  const unknown = new Map<Arm, string>();
  let first = true;
  return (found) => {
    for (const { arm, counter, sample, untold } of found) {
      if (!untold) continue;
      const key = `${counter.instance} ${counter.series}`;
      const before = values.get(key) ?? (first ? counter.value : 0);
      values.set(key, counter.value);
      // Any difference counts, not only an increase: after a restart a counter begins at zero.
      if (counter.value !== before && counter.value > 0 && !unknown.has(arm)) unknown.set(arm, describe(arm, sample));
    }
    first = false;
    return { known: (arm) => !unknown.has(arm), warnings: [...unknown.values()] };
  };
}

function describe(arm: Arm, { labels }: Sample): string {
  return `It can't be told how requests of the ${arm} arm ended that are counted as ${JSON.stringify(labels)}, so nothing is known of this arm. Write its statuses as numbers, or count with queries of your own.`;
}

import { type Labels, NAME } from './selector.ts';

/** The labels that a scrape gave to all series of one target, without a name. */
export type TargetLabels = Labels;

/** Finds the target that a series was scraped from; undefined if no known one matches. */
export type FindTarget = (labels: Labels) => TargetLabels | undefined;

/**
 * Finds targets by series that have only the target's labels: `up`, which Prometheus writes itself, and
 * `process_start_time_seconds`.
 *
 * A series belongs to the target with the same job and instance and the most labels in common. Labels may still differ: with
 * `honor_labels` a series keeps its own value.
 */
export function createTargets(witnesses: readonly Labels[]): FindTarget {
  const byPlace = Map.groupBy(distinct(witnesses), placeOf);
  return (labels) => {
    const fitting = (byPlace.get(placeOf(labels)) ?? [])
      .map((target) => ({ target, ...compare(target, labels) }))
      // Without a job and an instance, only the other labels identify the target.
      .filter(({ differing }) => differing === 0 || labels.instance !== undefined);
    const [best] = fitting.toSorted((a, b) => b.equal - a.equal || a.differing - b.differing);
    return best?.target;
  };
}

/** Identity of a target. */
export function targetKey(target: TargetLabels): string {
  return JSON.stringify(Object.entries(target).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function distinct(witnesses: readonly Labels[]): TargetLabels[] {
  const targets = witnesses.map(({ [NAME]: _, ...target }) => target);
  return [...new Map(targets.map((target) => [targetKey(target), target])).values()];
}

function placeOf({ job, instance }: Labels): string {
  return JSON.stringify([job, instance]);
}

function compare(target: TargetLabels, labels: Labels): { equal: number; differing: number } {
  const entries = Object.entries(target);
  const equal = entries.filter(([label, value]) => labels[label] === value).length;
  return { equal, differing: entries.length - equal };
}

import type { CheckHistory, Report } from './canary-report-schema.ts';

/** The most looks of one check that are kept; more of them are thinned out. */
const MOST_LOOKS = 240;

/** The figures of opinions that plots show; all others can be derived, or are in the last opinion. */
const plotted: ReadonlySet<string> = new Set([
  ...['canaryRequests', 'canaryBad', 'stableRequests', 'stableBad'],
  ...['canary', 'stable', 'limit', 'evidence'],
  ...['value', 'reference', 'breachAbove', 'breachBelow', 'total', 'bad', 'referenceTotal', 'referenceBad', 'seen'],
]);

interface Judged extends Pick<Report, 'opinions'> {
  readonly at: number;
  readonly weight: number;
  /** Looked at by itself, and not with the meter. */
  readonly apart?: boolean;
}

/** The histories of the checks with the opinions of one more time. */
export function withLooks(
  histories: readonly CheckHistory[],
  { at, weight, opinions, apart = false }: Judged,
): CheckHistory[] {
  const known = new Map(histories.map((history) => [history.check, history]));
  for (const { check, state, progress, missing, figures } of opinions) {
    const found = known.get(check);
    // The meter's looks are none of such a check.
    if (found?.apart && !apart) continue;
    const shown = Object.entries(figures).filter(([name]) => plotted.has(name));
    const look = {
      at,
      weight,
      state,
      progress,
      ...(missing !== undefined && { missing }),
      figures: Object.fromEntries(shown),
    };
    // A breach is told again right after the interval that shows it.
    const before = (found?.looks ?? []).filter((earlier) => earlier.at !== at);
    known.set(check, { check, ...(apart && { apart }), looks: thinned([...before, look]) });
  }
  return [...known.values()];
}

/**
 * Keeps the last look of each share of the time, for each weight, with data and without them, where there are too many looks:
 * counts add up within a step, so what is left is as it was measured.
 */
function thinned(looks: CheckHistory['looks']): CheckHistory['looks'] {
  const [first, newest] = [looks[0], looks.at(-1)];
  if (!first || !newest || looks.length <= MOST_LOOKS) return looks;
  const share = Math.max(1, newest.at - first.at) / (MOST_LOOKS / 3);
  const kept = Map.groupBy(looks, ({ at, weight, missing }) =>
    [Math.floor((at - first.at) / share), weight, missing === undefined].join(),
  );
  return [...kept.values()].flatMap((group) => group.slice(-1)).toSorted((a, b) => a.at - b.at);
}

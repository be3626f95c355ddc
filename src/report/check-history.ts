import type { CheckHistory, Report } from './canary-report-schema.ts';
import { thinned } from './thin.ts';

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
    const looks = thinned(
      [...before, look],
      MOST_LOOKS,
      ({ weight: at, missing: lacks }) => `${at} ${lacks === undefined}`,
    );
    known.set(check, { check, ...(apart && { apart }), looks: [...looks] });
  }
  return [...known.values()];
}

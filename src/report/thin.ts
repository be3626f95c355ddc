/** A value with the time that it was measured at, milliseconds since the Unix epoch. */
interface Timed {
  readonly at: number;
}

/**
 * Keeps the last one of each share of the time where there are too many, and at least one of each kind in each share: what is
 * left is as it was measured, and as dense at the beginning as at the end.
 *
 * @param most how many are kept at about, where there are three kinds of them
 */
export function thinned<T extends Timed>(
  measured: readonly T[],
  most: number,
  kindOf: (one: T) => string,
): readonly T[] {
  return thinnedBy(measured, most, (share) =>
    [...Map.groupBy(share, kindOf).values()].flatMap((group) => group.slice(-1)),
  );
}

/**
 * As `thinned`, with what is kept of each share of the time.
 *
 * @param most how many are kept at about, where `keep` leaves three of a share
 */
export function thinnedBy<T extends Timed>(
  measured: readonly T[],
  most: number,
  keep: (share: readonly T[]) => readonly T[],
): readonly T[] {
  const [first, newest] = [measured[0], measured.at(-1)];
  if (!first || !newest || measured.length <= most) return measured;
  // A power of two: the shares of a longer time have the borders of those before, so nothing is thinned twice.
  const share = 2 ** Math.ceil(Math.log2(Math.max(1, newest.at - first.at) / (most / 3)));
  const shares = Map.groupBy(measured, ({ at }) => Math.floor((at - first.at) / share));
  return [...shares.values()].flatMap(keep).toSorted((a, b) => a.at - b.at);
}

import type { Reading } from '../../judge/readings.ts';

type Due = NonNullable<Reading['due']>;

/**
 * Milliseconds of requests that the canary's first measurement should include: with fewer it tells little, with more of them
 * more users are at risk.
 */
const LEAD = 1_200;

/** Milliseconds by which the shift precedes a comparable measurement of the stable arm. */
const MARGIN = 200;

/**
 * The best moment for the canary's first requests: shortly before the canary is measured, and before a measurement of the
 * stable arm that the judge can compare it with. Between two scrapes nobody sees what the canary does.
 *
 * @returns milliseconds since the epoch; `now` if it is not known when the canary is measured
 */
export function bestMoment({ stable, canary }: Due, now: number): number {
  const [best] = canary
    .map((measured) => {
      const compared = stable.filter((time) => time <= measured && time - MARGIN >= now);
      return { moment: Math.min(measured - LEAD, ...compared.slice(-1).map((time) => time - MARGIN)), measured };
    })
    .filter(({ moment }) => moment >= now)
    .toSorted((a, b) => a.measured - a.moment - (b.measured - b.moment) || a.moment - b.moment);
  return best?.moment ?? now;
}

/** Milliseconds until a measurement can be read: a scrape takes some time after its timestamp. */
const READABLE = 100;

/**
 * Milliseconds until the next look at the metrics: right after the canary is measured if that time is known, else a fixed time.
 *
 * @param interval the longest pause; the shortest is a fifth of it, so that many pods do not cause many looks
 */
export function pauseUntilNews(due: Due | undefined, interval: number, now: number): number {
  const waits = (due?.canary ?? []).map((measured) => measured + READABLE - now).filter((wait) => wait > 0);
  return Math.max(Math.min(interval, ...waits), interval / 5);
}

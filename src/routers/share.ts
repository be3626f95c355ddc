import type { Clock } from '../canary/ports.ts';

/** How many requests the arms have served since some fixed instant; `undefined` where it can't be told now. */
export type ObserveShare = (
  signal: AbortSignal,
) => Promise<{ readonly canary: number; readonly total: number } | undefined>;

/** What a look at the data plane says: it follows, with a sentence for the log, or what is still awaited. */
export type Look = { readonly followed: true; readonly evidence: string } | { readonly awaits: string };

/** Standard deviations within which an observed share counts as the weight: 3 in 1,000 correct ones lie outside. */
const DEVIATIONS = 3;
/** A share may be off by this much for other reasons: retries, kept-alive connections, rounding in the proxy. */
const SLACK = 0.01;
/** Milliseconds to wait for enough requests, after which a share can't be compared. */
const PATIENCE = 10_000;

/**
 * Compares the share of requests that reaches the canary with its weight, from the first look on. Requests from before the
 * data plane followed are left out: a window whose share is wrong is thrown away and the next one begins.
 *
 * @param weight per cent
 */
export function createShareWatch(observe: ObserveShare, weight: number, clock: Clock) {
  const expected = weight / 100;
  let start: { canary: number; total: number; at: number } | undefined;

  return async function look(signal: AbortSignal): Promise<Look> {
    const now = await observe(signal);
    const at = clock.now();
    start ??= { canary: now?.canary ?? 0, total: now?.total ?? 0, at };
    const canary = (now?.canary ?? 0) - start.canary;
    const total = (now?.total ?? 0) - start.total;
    if (now !== undefined && (total < 0 || canary < 0)) start = { ...now, at };

    const measured = `${percent(canary, total)} of ${total.toLocaleString('en-US')} requests reached the canary`;
    if (now !== undefined && total >= requestsNeeded(expected)) {
      if (agrees(canary, total, expected)) return { followed: true, evidence: measured };
      start = { ...now, at };
      return { awaits: `${measured}, where ${weight} % are expected` };
    }
    if (at - start.at >= PATIENCE)
      return { followed: true, evidence: `${total.toLocaleString('en-US')} requests were too few to compare shares` };
    return { awaits: `requests to compare shares (${total.toLocaleString('en-US')} so far)` };
  };
}

/** Requests after which the binomial deviation is at most half of the smaller share. */
function requestsNeeded(share: number): number {
  const smaller = Math.min(share, 1 - share);
  if (smaller === 0) return 100;
  return Math.ceil((2 * DEVIATIONS) ** 2 * ((1 - smaller) / smaller));
}

function agrees(canary: number, total: number, share: number): boolean {
  const deviation = Math.sqrt(total * share * (1 - share));
  return Math.abs(canary - total * share) <= DEVIATIONS * deviation + SLACK * total;
}

function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (part / whole) * 100).toFixed(1)} %`;
}

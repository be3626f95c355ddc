import type { Clock } from '../canary/ports.ts';

/**
 * How many requests the arms have served since some fixed instant; `undefined` where nobody counts them at present, and
 * then nothing is compared.
 */
export type ObserveShare = (signal: AbortSignal) => Promise<RequestCounts | undefined>;

interface RequestCounts {
  readonly canary: number;
  /** Of both arms. */
  readonly total: number;
}

/** What a look at the data plane says: it follows, with a sentence for the log, or what is still awaited. */
export type Look = { readonly followed: true; readonly evidence: string } | { readonly awaits: string };

/** Standard deviations within which an observed share counts as the weight: 3 in 1,000 correct ones lie outside. */
const DEVIATIONS = 3;
/** Part of the smaller share by which one may be off for other reasons: retries, kept-alive connections, rounding. */
const SLACK = 0.1;
/** What the smaller share is taken for at 0 and at 100 %, so that a straggler is no contradiction. */
const STRAGGLERS = 0.1;
/** Requests below which a share says too little about a step from another weight. */
const LEAST_REQUESTS = 150;
/** Milliseconds that the longer window may take. A scrape interval has to fit in. */
const LONG_WINDOW = 40_000;
/** Milliseconds to wait for enough requests, after which shares can't be compared. */
const PATIENCE = 10_000;

/**
 * Compares the share of requests that reaches the canary with its weight, from the first look on. Requests from before the
 * data plane followed are left out: a window whose share is wrong is thrown away and the next one begins. Where the arms are
 * measured at different moments such a window may hold one arm's requests only, again and again; a longer one goes on beside
 * it, and is right when every pod has been measured once more.
 *
 * @param weight per cent
 */
export function createShareWatch(observe: ObserveShare, weight: number, clock: Clock) {
  let windows: { short: Window; long: Window } | undefined;
  let contradiction: string | undefined;

  return async function look(signal: AbortSignal): Promise<Look> {
    const counts = await observe(signal);
    if (counts === undefined) return { followed: true, evidence: 'nobody counts requests at present' };
    const now = { counts, at: clock.now() };
    // A source that counts anew is a new beginning.
    if (windows === undefined || isAnew(windows.short, counts)) windows = { short: now, long: now };
    if (now.at - windows.long.at > LONG_WINDOW) windows.long = windows.short;
    const { short, long } = windows;

    const wrong: string[] = [];
    for (const { canary, total } of [since(short, counts), since(long, counts)]) {
      if (total < requestsNeeded(weight / 100)) continue;
      const measured = `${((canary / total) * 100).toFixed(1)} % of ${inWords(total)} reached the canary`;
      if (agrees(canary, total, weight / 100)) return { followed: true, evidence: measured };
      wrong.push(measured);
    }
    const { total } = since(short, counts);
    if (total >= requestsNeeded(weight / 100)) {
      windows.short = now;
      contradiction = `${wrong[0]}, where ${weight} % are expected`;
    } else if (now.at - short.at >= PATIENCE) {
      return { followed: true, evidence: `${inWords(total)} were too few to compare shares` };
    }
    return { awaits: contradiction ?? `more than ${inWords(total)} to compare shares` };
  };
}

/** The beginning of what is compared. */
interface Window {
  readonly counts: RequestCounts;
  readonly at: number;
}

function isAnew({ counts }: Window, now: RequestCounts): boolean {
  return now.total < counts.total || now.canary < counts.canary;
}

function since({ counts }: Window, now: RequestCounts): RequestCounts {
  return { canary: now.canary - counts.canary, total: now.total - counts.total };
}

function inWords(requests: number): string {
  return `${requests.toLocaleString('en-US')} requests`;
}

/** Requests after which the binomial deviation is at most half of the smaller share. */
function requestsNeeded(share: number): number {
  const smaller = Math.min(share, 1 - share);
  if (smaller === 0) return LEAST_REQUESTS;
  return Math.max(LEAST_REQUESTS, Math.ceil((2 * DEVIATIONS) ** 2 * ((1 - smaller) / smaller)));
}

function agrees(canary: number, total: number, share: number): boolean {
  const deviation = Math.sqrt(total * share * (1 - share));
  const slack = SLACK * (Math.min(share, 1 - share) || STRAGGLERS) * total;
  return Math.abs(canary - total * share) <= DEVIATIONS * deviation + slack;
}

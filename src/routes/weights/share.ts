import type { Clock } from '../../core/clock.ts';

/**
 * How many requests the arms have served since some fixed instant; `undefined` if nobody counts them at present, and then
 * shares are not compared.
 */
export type ObserveShare = (signal: AbortSignal) => Promise<RequestCounts | undefined>;

interface RequestCounts {
  readonly canary: number;
  /** Requests of both arms. */
  readonly total: number;
  /** No counter of the canary has ever been seen, so missing requests prove nothing about the route. */
  readonly canaryUnmeasured?: boolean;
}

/** The share of requests at the last weight, which the next weight must change. */
export interface ShareMemory {
  last: { readonly weight: number; readonly share: number } | undefined;
  /** The warning about requests from elsewhere was already given. */
  told: boolean;
}

export function createShareMemory(): ShareMemory {
  return { last: undefined, told: false };
}

/** The result of a look at the data plane: it follows, with a sentence for the log, or what is still awaited. */
export type Look =
  | {
      readonly followed: true;
      readonly evidence: string;
      /** A warning for the reader. */
      readonly warning?: string;
    }
  | { readonly awaits: string };

/** Compares shares, look by look. */
export interface ShareWatch {
  look(signal: AbortSignal): Promise<Look>;
  /**
   * The result when the time is over: a share that has moved counts as followed, however far it still is from the weight.
   * Undefined if it did not move, or if the share before is unknown.
   */
  verdict(): Look | undefined;
  /** The number of stable requests, if no canary request was ever measured. */
  unmeasured(): number | undefined;
}

/** An observed share within this many standard deviations counts as the weight: 3 in 1,000 correct ones lie outside. */
const DEVIATIONS = 3;
/** Relative error of the smaller share that is accepted for other reasons: retries, kept-alive connections, rounding. */
const SLACK = 0.1;
/** The smaller share at 0 and at 100 % counts as this, so that a straggler is no contradiction. */
const STRAGGLERS = 0.1;
/** With fewer requests, a share proves too little about a step from another weight. */
const LEAST_REQUESTS = 150;
/** The longest time of the longer window in milliseconds. A scrape interval has to fit in. */
const LONG_WINDOW = 40_000;
/** Milliseconds to wait for enough requests, after which shares can't be compared. */
const PATIENCE = 10_000;

/**
 * Compares the share of requests that reaches the canary with its weight, from the first look on. Requests from before the data
 * plane followed are left out: a window with a wrong share is dropped and the next one begins. If the arms are measured at
 * different moments, such a window may again and again have one arm's requests only; a longer window runs in parallel, and is
 * right when every pod has been measured once more.
 *
 * Pods also count requests that do not come through the route: calls inside the cluster, other routes, health checks of load
 * balancers. So a share below the weight is no contradiction if it has risen with the weight: in proportion to the last one, or
 * to a share that stays the same from one window to the next. A share that did not rise is one.
 *
 * @param weight per cent
 * @param memory the share at the last weight; without it, only the share of the weight itself is right
 */
export function createShareWatch(
  observe: ObserveShare,
  weight: number,
  clock: Clock,
  memory?: ShareMemory,
): ShareWatch {
  const wanted = weight / 100;
  const before = memory?.last && memory.last.weight < weight ? memory.last : { weight: 0, share: 0 };
  const known = memory?.told ?? false;
  let windows: { short: Window; long: Window } | undefined;
  let contradiction: string | undefined;
  let beginning: RequestCounts | undefined;
  let last: RequestCounts | undefined;
  let all: RequestCounts | undefined;
  let unmeasured: number | undefined;

  function hasRisen({ canary, total }: RequestCounts): boolean {
    if (memory === undefined || wanted === 0 || canary >= total * wanted) return false;
    const expected = total * before.share;
    const deviation = Math.sqrt(Math.max(expected, 1) * (1 - before.share));
    return canary - expected > DEVIATIONS * deviation + SLACK * expected;
  }

  /** Whether the share is as expected if the part of requests from elsewhere is the same as at the last weight. */
  function inProportion(counts: RequestCounts): boolean {
    if (before.weight === 0) return false;
    return hasRisen(counts) && agrees(counts.canary, counts.total, (before.share / before.weight) * weight);
  }

  function follows({ canary, total }: RequestCounts): Look {
    if (memory) memory.last = { weight, share: canary / total };
    return { followed: true, evidence: inWords(canary, total) };
  }

  function followsBeside(counts: RequestCounts): Look {
    const seen = inWords(counts.canary, counts.total);
    const looked = follows(counts);
    if (memory === undefined || known) return looked;
    memory.told = true;
    return { ...looked, warning: `${seen}, where the route sends ${weight} %. ${ELSEWHERE}` };
  }

  return {
    unmeasured: () => unmeasured,

    // With few requests, a small share shows only if all of them are counted.
    verdict: () => (all && hasRisen(all) ? followsBeside(all) : undefined),

    async look(signal) {
      const counts = await observe(signal);
      if (counts === undefined) return { followed: true, evidence: 'nobody counts requests at present' };
      const now = { counts, at: clock.now() };
      // Counts that restart begin a new window.
      if (windows === undefined || isAnew(windows.short, counts)) {
        windows = { short: now, long: now };
        beginning = counts;
      }
      all = beginning && difference(beginning, counts);
      if (now.at - windows.long.at > LONG_WINDOW) windows.long = windows.short;
      const { short, long } = windows;

      const wrong: string[] = [];
      for (const seen of [since(short, counts), since(long, counts)]) {
        if (seen.total < requestsNeeded(wanted)) continue;
        if (agrees(seen.canary, seen.total, wanted)) return follows(seen);
        if (inProportion(seen)) return followsBeside(seen);
        wrong.push(inWords(seen.canary, seen.total));
      }
      const seen = since(short, counts);
      unmeasured = counts.canaryUnmeasured ? seen.total : undefined;
      if (seen.total >= requestsNeeded(wanted)) {
        if (last && hasRisen(seen) && hasRisen(last) && isSame(last, seen)) return followsBeside(seen);
        last = seen;
        windows.short = now;
        const above = seen.canary > seen.total * wanted && weight > 0;
        contradiction = `${wrong[0]}, where ${weight} % are expected${above ? ABOVE : ''}`;
      } else if (now.at - short.at >= PATIENCE) {
        return { followed: true, evidence: `${requests(seen.total)} were too few to compare shares` };
      }
      return { awaits: contradiction ?? `more than ${requests(seen.total)} to compare shares` };
    },
  };
}

const ABOVE = ': something else than this route sends requests to its pods';

/** The explanation for a share that is below the weight but has risen with it. */
const ELSEWHERE =
  'It has risen with the weight, so the other requests do not come through this route: calls inside the cluster, another route, health checks. They are compared as well.';

/** The start of a comparison window. */
interface Window {
  readonly counts: RequestCounts;
  readonly at: number;
}

function isAnew({ counts }: Window, now: RequestCounts): boolean {
  return now.total < counts.total || now.canary < counts.canary;
}

function since({ counts }: Window, now: RequestCounts): RequestCounts {
  return difference(counts, now);
}

function difference(before: RequestCounts, now: RequestCounts): RequestCounts {
  return { canary: now.canary - before.canary, total: now.total - before.total };
}

function requests(number: number): string {
  return `${number.toLocaleString('en-US')} requests`;
}

function inWords(canary: number, total: number): string {
  return `${((canary / total) * 100).toFixed(1)} % of ${requests(total)} reached the canary`;
}

/** Whether two windows may have the same share. */
function isSame(a: RequestCounts, b: RequestCounts): boolean {
  const share = (a.canary + b.canary) / (a.total + b.total);
  const deviation = Math.sqrt(share * (1 - share) * (1 / a.total + 1 / b.total));
  return Math.abs(a.canary / a.total - b.canary / b.total) <= DEVIATIONS * deviation;
}

/** The number of requests from which the binomial deviation is at most half of the smaller share. */
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

import { count, percent } from '../../core/wording.ts';
import { badAtLeast, binomialAtMost } from '../../judge/exact-tests.ts';
import type { Effect, Tally } from '../ports.ts';

/** What is injected into requests, as they feel it. */
export type InjectedIntoRequests =
  | {
      readonly kind: 'abort';
      /** The fault of a tally that was aborted: `HTTP 503`. */
      readonly fault: string;
      /** Per cent of the requests. */
      readonly share: number;
    }
  | { readonly kind: 'delay'; readonly milliseconds: number; readonly share: number };

/** Probability that luck is taken for a fault, or the other way round. */
const ALPHA = 0.001;

/**
 * Whether own requests felt an injected fault. `felt`: more of them failed with this very status, or took longer by half of the delay,
 * than luck explains from those before, and not fewer than the injected share gives. `not-felt`: fewer than that share, and no more
 * than before. All else is `unknown`.
 *
 * @param before requests without the fault: earlier ones, or those of the clean arm
 * @param during requests that are all subject to the fault
 */
export function feltByRequests(
  before: readonly Tally[],
  during: readonly Tally[],
  injected: InjectedIntoRequests,
): Effect {
  const isHit = hitBy(before, injected);
  if (isHit === undefined) return { felt: 'unknown', evidence: 'no answer before the fault was timed' };
  const [usual, now] = [tallied(before, isHit), tallied(during, isHit)];
  if (now.requests === 0) return { felt: 'unknown', evidence: 'no request was sent during the fault' };

  const share = injected.share / 100;
  const rose =
    usual.requests > 0 &&
    badAtLeast({ requests: now.requests, bad: now.hit }, { requests: usual.requests, bad: usual.hit }) <= ALPHA;
  // A request whose failure has no reason may be one of them.
  const tooFew = binomialAtMost(now.hit + now.doubtful, now.requests, share) <= ALPHA;
  const did =
    injected.kind === 'abort' ? `failed with ${injected.fault}` : `took ${injected.milliseconds / 2} ms longer`;
  const told = `${count(now.hit)} of ${count(now.requests)} requests ${did} (${percent(now.hit / now.requests)}), ${count(usual.hit)} of ${count(usual.requests)} before; injected into ${injected.share} %`;
  if (rose && !tooFew) return { felt: 'felt', evidence: told };
  if (rose)
    return {
      felt: 'unknown',
      evidence: `${told}: more than before, but fewer than the share, so that only a part of them is subject to it`,
    };
  if (tooFew) return { felt: 'not-felt', evidence: told };
  return { felt: 'unknown', evidence: `${told}; too few to tell${enough(share)}` };
}

interface Tallied {
  readonly requests: number;
  readonly hit: number;
  /** Failed for a reason that is not known. */
  readonly doubtful: number;
}

/** How many requests of a tally were hit: as sure, and as doubtful; undefined where it does not tell. */
type Hits = (tally: Tally) => Pick<Tallied, 'hit' | 'doubtful'> | undefined;

function tallied(tallies: readonly Tally[], hitsOf: Hits): Tallied {
  let [requests, hit, doubtful] = [0, 0, 0];
  for (const tally of tallies) {
    const hits = hitsOf(tally);
    if (hits === undefined) continue;
    requests += tally.good + tally.bad;
    hit += hits.hit;
    doubtful += hits.doubtful;
  }
  return { requests, hit, doubtful };
}

function hitBy(before: readonly Tally[], injected: InjectedIntoRequests): Hits | undefined {
  if (injected.kind === 'abort')
    return ({ bad, fault }) => ({
      hit: fault === injected.fault ? bad : 0,
      doubtful: fault === undefined ? bad : 0,
    });
  const times = before.flatMap(({ took }) => (took === undefined ? [] : [took])).toSorted((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)];
  if (median === undefined) return undefined;
  const least = median + injected.milliseconds / 2;
  return ({ from, to, good, bad, took }) => {
    // Of requests that are counted together, the times are not known.
    if (good + bad !== 1) return undefined;
    if (took === undefined && good === 1) return undefined;
    // An answer that did not come took at least as long as was waited for it.
    return { hit: (took ?? to - from) >= least ? 1 : 0, doubtful: 0 };
  };
}

function enough(share: number): string {
  if (share >= 1) return '';
  return `, which takes some ${count(Math.ceil(Math.log(ALPHA) / Math.log1p(-share)))} requests`;
}

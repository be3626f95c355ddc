/** How often gates of rates fail, over simulated traffic: `npm run test:real -- gate`. Nothing is asserted here; the unit tests do that for fewer gates. */
import { pathToFileURL } from 'node:url';
import type { Outcome } from '../../src/judge/likelihood.ts';
import { leastRequests, wouldDiffer, wouldExceed } from '../../src/judge/looks/detectable.ts';
import type { Look, LookRule } from '../../src/judge/looks/look.ts';
import { rateComparisonRule, rateLimitRule } from '../../src/judge/looks/rate-rules.ts';
import { binomial, type Random, seeded } from '../../src/judge/random.ts';

/** One kind of gate: the rate that is accepted, and the one that must be found. */
export interface GateCase {
  readonly accepted: number;
  readonly faulty: number;
  /** Requests of the reference for each request; undefined for a fixed limit. */
  readonly referenceShare?: number;
  readonly looks: number;
}

const ALPHA = 0.01;
const sought = { limit: Math.log(1 / ALPHA), designEffect: 1 };
const words = { counted: 'requests', failing: 'failed' };

/** Requests from which on the gate says that it would find the faulty rate; of the whole watch. */
export function requestsNeeded({ accepted, faulty, referenceShare }: GateCase): number {
  const enough = (requests: number) => {
    if (referenceShare === undefined) return wouldExceed(requests, faulty, accepted, sought);
    const reference: Outcome = {
      requests: requests * referenceShare,
      bad: Math.round(requests * referenceShare * accepted),
    };
    return wouldDiffer(requests, faulty, reference, sought);
  };
  return leastRequests(enough) ?? Number.POSITIVE_INFINITY;
}

/** Share of gates that fail where the rate is `rate`, each with `requests` in all. */
export function failures(one: GateCase, rate: number, requests: number, gates: number, random: Random): number {
  let failed = 0;
  for (let gate = 0; gate < gates; gate += 1) if (fails(one, rate, requests, random)) failed += 1;
  return failed / gates;
}

function fails(one: GateCase, rate: number, requests: number, random: Random): boolean {
  const { accepted, referenceShare = 0, looks } = one;
  const rule = ruleOf(one);
  const perLook = Math.ceil(requests / looks);
  const counted = (total: number, chance: number): Look => ({
    kind: 'counts',
    total,
    bad: binomial(random, total, chance),
  });
  for (let look = 0; look < looks; look += 1) {
    const reference = counted(Math.round(perLook * referenceShare), accepted);
    rule.add(counted(perLook, rate), one.referenceShare === undefined ? undefined : reference, look * 1_000);
    if (rule.finding().state === 'breach') return true;
  }
  return false;
}

function ruleOf({ accepted, faulty, referenceShare, looks }: GateCase): LookRule {
  const parts = looks === 1 ? 1 : 8;
  const options = {
    alpha: ALPHA,
    parts,
    partLength: (looks * 1_000) / parts,
    designEffect: 1,
    mustDetect: faulty,
    words,
  };
  if (referenceShare === undefined) return rateLimitRule({ ...options, limit: accepted });
  return rateComparisonRule({ ...options, tolerance: 1, excess: 0, reference: 'stable' });
}

const cases: readonly GateCase[] = [1, 40].flatMap((looks) => [
  { accepted: 0.001, faulty: 0.01, looks },
  { accepted: 0.01, faulty: 0.05, looks },
  { accepted: 0.05, faulty: 0.1, looks },
  { accepted: 0.3, faulty: 0.6, looks },
  { accepted: 0.001, faulty: 0.02, referenceShare: 19, looks },
  { accepted: 0.005, faulty: 0.05, referenceShare: 9, looks },
  { accepted: 0.02, faulty: 0.08, referenceShare: 1, looks },
]);

function print(gates: number): void {
  const random = seeded(1);
  console.log(
    `${gates} gates each, alpha ${ALPHA}. Needed: requests from which on the gate says that it would find the faulty rate.`,
  );
  for (const one of cases) {
    const needed = requestsNeeded(one);
    const against = one.referenceShare === undefined ? 'a limit' : `a reference, 1 to ${one.referenceShare}`;
    const power = [0.25, 0.5, 1, 2].map((part) =>
      failures(one, one.faulty, Math.ceil(needed * part), gates / 10, random),
    );
    const falsely = failures(one, one.accepted, needed * 4, gates, random);
    console.log(
      `${one.looks === 1 ? 'one look ' : `${one.looks} looks`}  ${one.accepted} → ${one.faulty} against ${against}: needed ${needed}; found with a quarter, half, all, twice of it ${power.map((share) => share.toFixed(3)).join(', ')}; false failures ${falsely}`,
    );
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) print(Number(process.argv[2] ?? 10_000));

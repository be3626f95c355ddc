import { count, percent } from '../core/wording.ts';
import type { Tallies, Tally } from '../judge/types.ts';
import type { Conclusion } from './conclude.ts';
import type { RolloutOptions } from './options.ts';
import type { LeftObject, RolloutRecord, Verdict } from './ports.ts';
import type { ServesAlready } from './resume.ts';
import type { World } from './world.ts';

/** How a rollout ended, and what was seen. Times are milliseconds since the epoch. */
export interface Outcome extends Tallies {
  readonly verdict: Verdict;
  /** Every step of the plan was passed: a promotion, or a rollout that is held until the stable workload is deployed. */
  readonly passed?: boolean;
  readonly reason: string;
  /** The highest weight that was reached. */
  readonly weight: number;
  /** The route shows exactly what was found before the first write. */
  readonly routeRestored: boolean;
  readonly revision: string;
  /** Image digest that was seen to serve; only after a promotion. */
  readonly digest?: string;
  /** What an undo could not restore. */
  readonly left?: readonly LeftObject[];
  readonly startedAt: number;
  readonly endedAt: number;
}

/** The outcome of a job that is run again and has nothing to do, which is no failure. */
export function tellReleasedAlready(world: World, record: RolloutRecord, digest: string): Outcome {
  const { arms, startedBy } = record;
  const reason = `${arms.stable} serves this release already, promoted by ${startedBy}: nothing was changed`;
  const conclusion = { verdict: 'promoted' as const, reason, routeRestored: false, digest };
  return tellOutcome(world, { ...record, startedAt: world.clock.now() }, conclusion, { reached: 100 });
}

/** The outcome of a job whose release served before the rollout that was just undone. */
export function tellServedAlready(world: World, { undone, digest, reason }: ServesAlready): Outcome {
  const arms = { ...undone.arms, revision: digest };
  const conclusion = { verdict: 'promoted' as const, reason, routeRestored: true, digest };
  return tellOutcome(world, { ...undone, arms, startedAt: world.clock.now() }, conclusion, { reached: 100 });
}

/** The conclusion of a passed plan, with what it is based on. */
export function withComparison(
  conclusion: Conclusion,
  { meter }: World,
  { mode }: RolloutOptions,
  totals: Tallies,
): Conclusion {
  const compared = meter.kind === 'none' ? UNCOUNTED : compare(totals);
  if (conclusion.passed) return { ...conclusion, reason: `${compared}; ${conclusion.reason}` };
  if (conclusion.verdict === 'promoted' && mode === 'release') return { ...conclusion, reason: compared };
  return conclusion;
}

/** What a promotion is based on if requests are not counted. */
const UNCOUNTED =
  'the pods stayed healthy for the time of every step; requests were not counted, so errors and latency were not looked at';

function compare({ stable, canary }: Tallies): string {
  const rate = ({ requests, errors }: Tally) =>
    requests === 0 ? 'no requests' : `${percent(errors / requests)} of ${count(requests)} requests`;
  return `no step ended in a breach: canary errors ${rate(canary)}, stable ${rate(stable)}`;
}

const nothingCounted: Tallies = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } };

/** Emits the last event of a rollout and returns its outcome. */
export function tellOutcome(
  { clock, emit }: World,
  { arms, startedAt, weight }: RolloutRecord,
  conclusion: Conclusion,
  { reached, totals }: { readonly reached: number; readonly totals?: Tallies },
): Outcome {
  const { revision } = arms;
  const { verdict, reason, digest, left } = conclusion;
  const passed = conclusion.passed ?? verdict === 'promoted';
  const { shown, ...rest } = conclusion;
  const counted = totals ?? nothingCounted;
  const outcome = { ...rest, ...counted, passed, weight: reached, revision, startedAt, endedAt: clock.now() };
  emit({
    type: 'ended',
    at: outcome.endedAt,
    verdict,
    passed,
    reason,
    reached,
    weight: shown ? shown.weight : weight.to,
    revision,
    arms,
    ...(digest !== undefined && { digest }),
    ...(left && { left }),
    ...(totals && { total: totals }),
  });
  return outcome;
}

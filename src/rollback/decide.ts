import type { RolloutRecord } from '../canary/ports.ts';
import { isUnfinished } from '../canary/unfinished.ts';
import { SluiceError } from '../core/errors.ts';
import {
  describeCandidate,
  judgeRevisions,
  LAST_HEALTHY,
  lastHealthy,
  namedRevision,
  nothingToGoBackTo,
} from './choose.ts';
import type { Revision, RollbackPlan, Sight } from './ports.ts';
import type { RollbackOptions, RollbackWorld } from './world.ts';

/** What the rollback has to do, decided from the state of the cluster. */
export interface Decision {
  /** The version that the workload had when the rollback began. */
  readonly from: Revision;
  readonly current: Revision;
  readonly to: Revision;
  readonly why: string;
  readonly underWay: RolloutRecord | undefined;
  /** The plan of an earlier run that wanted the same version. */
  readonly continued: RollbackPlan | undefined;
  /** The run of that plan did not finish. */
  readonly unfinished: boolean;
}

export async function decide(
  world: RollbackWorld,
  { wanted }: RollbackOptions,
  signal: AbortSignal,
): Promise<Decision> {
  const { workload, ledger } = world;
  const [sight, left, told] = await Promise.all([workload.look(signal), ledger.load(signal), world.statements(signal)]);
  const underWay = isUnfinished(left) ? left : undefined;
  if (underWay?.arms.canary === workload.object) throw isCanary(workload.object, underWay);
  const candidates = judgeRevisions(sight.revisions, [...told, ...sight.statements]);
  const { current } = sight;
  const byId = (id: string) => sight.revisions.find((revision) => revision.id === id);
  const decided = (to: Revision, why: string, continued?: RollbackPlan): Decision => {
    world.considered(candidates, to);
    const unfinished = continued !== undefined && continued.endedAt === undefined;
    const from = (unfinished && byId(continued.from)) || current;
    return { from, current, to, why, underWay, continued, unfinished };
  };

  const continued = continuedPlan(sight, wanted);
  const planned = continued && byId(continued.to);
  if (continued && planned) {
    const ended = continued.endedAt !== undefined;
    const why = ended
      ? `${continued.by} went back to it already; name a revision to go further back`
      : `what ${continued.by} began is gone on with`;
    return decided(planned, why, continued);
  }
  if (wanted !== LAST_HEALTHY) {
    const named = namedRevision(candidates, wanted);
    if (!named) throw nothingToGoBackTo(workload.object, wanted, candidates);
    if (named.state === 'rolled-back' && named.revision.id !== current.id) {
      world.tell('warning', `Revision ${describeCandidate(named)}. It was named, so it is gone back to all the same.`);
    }
    return decided(named.revision, `revision "${wanted}" was asked for`);
  }
  if (underWay) {
    const found = byId(await workload.foundBy(underWay, signal));
    if (found) return decided(found, `it served when the rollout began that is undone (${underWay.startedBy})`);
  }
  const earlier = candidates.filter(({ revision }) => revision.id !== current.id);
  const chosen = lastHealthy(earlier);
  if (!chosen) throw nothingToGoBackTo(workload.object, wanted, earlier);
  if (chosen.state === 'unknown') {
    world.tell(
      'warning',
      `Nothing is known of any earlier version; revision ${chosen.revision.number} is the newest that no record speaks against.`,
    );
  }
  return decided(chosen.revision, `the last healthy version is revision ${describeCandidate(chosen)}`);
}

/** The plan that an earlier run with the same target has left, as long as the current version is one that it names. */
function continuedPlan({ plan, current, settled }: Sight, wanted: string): RollbackPlan | undefined {
  if (plan?.wanted !== wanted) return undefined;
  if (plan.endedAt === undefined) return current.id === plan.to || current.id === plan.from ? plan : undefined;
  // When the target of that plan is itself in trouble, another version is the last healthy one.
  return current.id === plan.to && (wanted !== LAST_HEALTHY || settled) ? plan : undefined;
}

export function planOf(
  { from, to, continued }: Decision,
  { wanted, startedBy }: RollbackOptions,
  at: number,
): RollbackPlan {
  return continued ?? { wanted, from: from.id, to: to.id, by: startedBy, at };
}

function isCanary(object: string, { arms }: RolloutRecord): SluiceError {
  return new SluiceError('invalid-input', {
    about: object,
    problem: `is the canary of a rollout that is under way from ${arms.stable}.`,
    next: `Name ${arms.stable}: its rollback takes the canary off the route.`,
  });
}

import type { RolloutRecord } from '../../canary/ports.ts';
import { digestOf } from '../../cluster/pods.ts';
import type { KnownRollouts, PastRollout } from '../../ledger/record.ts';
import type { Revision, Statement } from '../../rollback/ports.ts';
import { type DerivedData, derivedData } from '../derived/release.ts';

/** The rollouts in which a workload is one of the arms. */
export function rolloutsOf(known: readonly KnownRollouts[], object: string): KnownRollouts[] {
  return known.filter(({ record: { arms } }) => arms.stable === object || arms.canary === object);
}

/** What the records of rollouts say of a workload's versions. A rollout that is frozen or held says nothing. */
export function statementsOf({ record, past }: KnownRollouts): Statement[] {
  const newest = { ...record, revision: record.arms.revision };
  return [newest, ...past].flatMap(verdictOf).concat(found(record));
}

function verdictOf({ verdict, endedAt, startedAt, startedBy, revision }: PastRollout): Statement[] {
  if (verdict !== 'promoted' && verdict !== 'rolled-back') return [];
  const said = verdict === 'promoted' ? `promoted by ${startedBy}` : `rolled back in the rollout of ${startedBy}`;
  return [{ verdict, at: endedAt ?? startedAt, said, isAbout: (candidate) => isRevision(candidate, revision) }];
}

/** The version before a rollout has served, since a rollout is refused if that version is not available. */
function found({ arms, startedAt, startedBy }: RolloutRecord): Statement[] {
  const derived = derivedData.safeParse(arms.data);
  if (!derived.success) return [];
  const { change } = derived.data;
  const said = `served when the rollout of ${startedBy} began`;
  return [{ verdict: 'served', at: startedAt, said, isAbout: (candidate) => wasBefore(candidate, change) }];
}

/** Always false for a release of config alone: it changes no image, so images do not identify the version before. */
function wasBefore({ images }: Revision, change: DerivedData['change']): boolean {
  return change.images.length > 0 && change.images.every(({ container, before }) => images.get(container) === before);
}

/** A record identifies a version by the digest of its single new image, else by its template. */
function isRevision({ id, images }: Revision, revision: string): boolean {
  return id === revision || [...images.values()].some((image) => digestOf(image) === revision);
}

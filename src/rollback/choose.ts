import { SluiceError } from '../core/errors.ts';
import { splitReference } from '../core/image-reference.ts';
import type { Revision, Statement } from './ports.ts';

/** The value of the input that asks for the newest version known to be healthy. */
export const LAST_HEALTHY = 'last-healthy';

/** A version that a rollback could choose, with what is known of it. */
export interface Candidate {
  readonly revision: Revision;
  readonly state: 'healthy' | 'unknown' | 'rolled-back';
  /** Why, in a few words. */
  readonly remark: string;
}

/**
 * What is known of each version, newest first. Of several statements about a version, the newest counts. Ready pods show that a
 * version is healthy, unless its newest statement says that it was rolled back.
 */
export function judgeRevisions(revisions: readonly Revision[], statements: readonly Statement[]): Candidate[] {
  return revisions.map((revision) => {
    const about = statements.filter(({ isAbout }) => isAbout(revision));
    const last = about.toSorted((a, b) => b.at - a.at)[0];
    const told = last === undefined ? '' : `${last.said}, ${timeOf(last.at)}`;
    if (last?.verdict === 'rolled-back') return { revision, state: 'rolled-back', remark: told };
    if (revision.ready > 0)
      return { revision, state: 'healthy', remark: `pods of it are ready now: ${revision.ready}` };
    if (last) return { revision, state: 'healthy', remark: told };
    return { revision, state: 'unknown', remark: 'no record tells anything of it' };
  });
}

/** The newest version that is known to be healthy, or else the newest of which nothing is known. */
export function lastHealthy(candidates: readonly Candidate[]): Candidate | undefined {
  return candidates.find(({ state }) => state === 'healthy') ?? candidates.find(({ state }) => state === 'unknown');
}

/** The version that a name means: its number, the digest of one of its images, or its identity. Of several, the newest. */
export function namedRevision(candidates: readonly Candidate[], name: string): Candidate | undefined {
  return candidates.find(
    ({ revision: { number, id, images } }) =>
      String(number) === name ||
      id === name ||
      [...images.values()].some((image) => splitReference(image).digest === name),
  );
}

/** The error for a cluster that keeps no version such as was asked for. */
export function nothingToGoBackTo(object: string, wanted: string, candidates: readonly Candidate[]): SluiceError {
  const others = candidates.map(describeCandidate).join('; ');
  const problem =
    wanted === LAST_HEALTHY
      ? 'has no earlier version that could be healthy.'
      : `has no revision "${wanted}" any more, or never had one.`;
  return new SluiceError('not-found', {
    about: object,
    problem,
    next:
      others === ''
        ? 'The cluster keeps no other version of it (revisionHistoryLimit): release the one that is wanted.'
        : `Name one of those that the cluster keeps, by its number or digest: ${others}.`,
  });
}

/** `3 (checkout:1.0.0): promoted by alice, 2026-11-26 10:00 UTC` */
export function describeCandidate({ revision, remark }: Candidate): string {
  return `${revision.number} (${[...revision.images.values()].join(', ')}): ${remark}`;
}

function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

import * as z from 'zod';
import { SluiceError } from '../core/errors.ts';
import { tryParseJson } from '../core/json.ts';

/** The statuses of a revision in Helm's record: https://pkg.go.dev/helm.sh/helm/v4/pkg/release/common#Status */
const statuses = [
  'deployed',
  'superseded',
  'failed',
  'pending-install',
  'pending-upgrade',
  'pending-rollback',
  'uninstalling',
  'uninstalled',
  'unknown',
] as const;

/** One line of `helm history -o json`. */
const revisionSchema = z.looseObject({
  revision: z.number(),
  status: z.enum(statuses).catch('unknown'),
  /** `shop-1.2.3` */
  chart: z.string().default(''),
  app_version: z.string().default(''),
  description: z.string().default(''),
  /** Since Helm 4.2; before that, only the description says so. */
  rollback_revision: z.number().optional(),
});
export type Revision = Readonly<z.infer<typeof revisionSchema>>;

/** The revisions of a release, oldest first; none where there is no release. */
export type History = readonly Revision[];

/**
 * Reads the output of `helm history -o json`.
 *
 * @throws SluiceError `unsupported` for any other output
 */
export function parseHistory(json: string): History {
  const parsed = z.array(revisionSchema).safeParse(tryParseJson(json));
  if (!parsed.success) {
    throw new SluiceError('unsupported', {
      about: 'helm history',
      problem: 'answered something else than the revisions of a release as JSON.',
      next: 'See that "helm" is Helm 3 or 4, and that nothing else writes to its output.',
    });
  }
  return parsed.data.toSorted((a, b) => a.revision - b.revision);
}

/** The newest revision, whatever its state. */
export function latest(history: History): Revision | undefined {
  return history.at(-1);
}

/** Whether no release is installed: never installed, or uninstalled with its history kept. */
export function isAbsent(history: History): boolean {
  const last = latest(history);
  return last === undefined || last.status === 'uninstalled';
}

/** The revision whose objects should be in the cluster when no change is under way. */
export function lastGood(history: History): Revision | undefined {
  // Revisions before an uninstall are no state to go back to.
  const uninstalled = history.findLastIndex(({ status }) => status === 'uninstalled');
  const lifetime = history.slice(uninstalled + 1);
  // Helm marks the deployed revision as superseded before it knows how a rollback ends.
  return lifetime.findLast(({ status }) => status === 'deployed') ?? lifetime.findLast(hasWorked);
}

/**
 * The target of a rollback without a named revision: the last revision that worked before the present one. Revisions that a
 * rollback has left are no candidates: after `1, 2, 3, 4 = back to 2` the target is 1, so that a second rollback never returns
 * to what the first one took away.
 */
export function healthyBefore(history: History): Revision | undefined {
  const last = latest(history);
  // A revision that failed, or that a dead run left unfinished, is the one to leave.
  if (last?.status !== 'deployed') return lastGood(history);
  const content = contentOf(last, history);
  return history.findLast((revision) => revision.revision < content && hasWorked(revision));
}

/** The number of the revision whose content this one has: its own, unless it is a rollback. */
export function contentOf({ revision, rollback_revision: target, description }: Revision, history: History): number {
  const number = target ?? Number(/^Rollback to (\d+)$/.exec(description)?.[1] ?? revision);
  const origin = history.find((candidate) => candidate.revision === number && number < revision);
  return origin ? contentOf(origin, history) : number;
}

function hasWorked(revision: Revision): boolean {
  return revision.status === 'superseded' && !neverWorked(revision);
}

/** A failed revision that a later rollback marked as superseded keeps its description. */
function neverWorked({ description }: Revision): boolean {
  return /\bfailed\b|^Preparing |^Initial install underway/.test(description);
}

/** What brings a release that a dead run has left to a state from which Helm can continue. */
export type Recovery =
  | { readonly kind: 'none' }
  /** Nothing was deployed before, so the objects and the record are removed. */
  | { readonly kind: 'uninstall'; readonly from: Revision }
  | { readonly kind: 'rollback'; readonly from: Revision; readonly to: Revision };

/**
 * How to recover, by the newest revision. Only the holder of the Lease may ask: a `pending-…` of a run that is still working
 * looks the same.
 */
export function recoveryOf(history: History): Recovery {
  const last = latest(history);
  switch (last?.status) {
    case 'pending-install':
    case 'pending-upgrade':
    case 'pending-rollback':
      return undoOf(history);
    case 'uninstalling':
      return { kind: 'uninstall', from: last };
    default:
      return { kind: 'none' };
  }
}

/** How to undo the newest revision: back to the last good one, or uninstall where there is none. */
export function undoOf(history: History): Recovery {
  const from = latest(history);
  if (from === undefined || from.status === 'uninstalled') return { kind: 'none' };
  const to = lastGood(history);
  if (to === undefined) return { kind: 'uninstall', from };
  return to.revision === from.revision ? { kind: 'none' } : { kind: 'rollback', from, to };
}

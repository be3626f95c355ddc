import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { describe, type ObjectReference } from '../cluster/resources.ts';
import { SluiceError } from '../core/errors.ts';
import { tryParseJson, tryShape } from '../core/json.ts';
import {
  contentOf,
  type History,
  isAbsent,
  lastGood,
  latest,
  type Recovery,
  type Revision,
  recoveryOf,
  undoOf,
} from './history.ts';

const ANNOTATION = 'sluice.dev/helm-change';

const recordSchema = z.object({
  /** Identity of the run. */
  id: z.string(),
  /** Revision to return to if the change fails; null where there was no release. */
  baseline: z.int().positive().nullable(),
  /** The newest revision before the change; 0 where there was none. */
  latest: z.int().nonnegative(),
  /** The change has failed and is being undone. */
  undoing: z.boolean(),
  /** A failed revision stays as it is. */
  keepFailed: z.boolean(),
});

/**
 * What a run is about to do to a release, saved before Helm does it. Helm's own `pending-…` says that a change was under way;
 * this record says how it must end, also where Helm had finished already: with a revision that failed, or one that was
 * deployed and did not pass its tests.
 */
export type ChangeRecord = Readonly<z.infer<typeof recordSchema>>;

export interface ChangeStore {
  load(signal: AbortSignal): Promise<ChangeRecord | undefined>;
  save(record: ChangeRecord | undefined, signal: AbortSignal): Promise<void>;
}

/** Keeps the record as an annotation of the Lease, which exists while a run works on the release. */
export function createChangeStore(
  client: Pick<KubernetesClient, 'find' | 'patchMerge'>,
  lease: ObjectReference,
): ChangeStore {
  return {
    async load(signal) {
      const text = (await client.find(lease, signal))?.metadata.annotations?.[ANNOTATION];
      if (text === undefined) return undefined;
      const record = tryShape(recordSchema, tryParseJson(text));
      if (record) return record;
      throw new SluiceError('unsupported', {
        about: describe(lease),
        problem: `has an annotation ${ANNOTATION} that this version of Sluice does not read. Nothing of it is acted upon.`,
        next: `Find out who wrote it, and take it off: kubectl -n ${lease.namespace} annotate lease/${lease.name} ${ANNOTATION}-. Then Helm's own history alone says what was under way.`,
      });
    },
    async save(record, signal) {
      const value = record === undefined ? null : JSON.stringify(record);
      await client.patchMerge(lease, { metadata: { annotations: { [ANNOTATION]: value } } }, signal);
    },
  };
}

/**
 * What brings a release to a known state, by the record of a run that was interrupted, or else by Helm's own records.
 */
export function conclusionOf(record: ChangeRecord | undefined, history: History): Recovery {
  const last = latest(history);
  if (!record || last === undefined || last.revision <= record.latest) return recoveryOf(history);
  if (!isConfirmed(record, history)) return recoveryOf(history);
  if (last.status === 'failed') return record.keepFailed ? { kind: 'none' } : returnTo(record.baseline, history);
  if (last.status === 'deployed') return record.undoing ? returnTo(record.baseline, history) : { kind: 'none' };
  return recoveryOf(history);
}

/** The most revisions that a change and its undo write. */
const MOST_WRITTEN = 2;

/**
 * Whether Helm's history fits the record. Otherwise anyone who may write the Lease could name any revision to go back to, or
 * have a working release uninstalled: the record of another run never uninstalls a deployed release.
 */
function isConfirmed({ baseline, latest: before }: ChangeRecord, history: History): boolean {
  const last = latest(history);
  if (last === undefined || last.revision - before > MOST_WRITTEN) return false;
  const former = history.filter(({ revision }) => revision <= before);
  const good = isAbsent(former) ? undefined : lastGood(former);
  if (baseline === null) return good === undefined && last.status !== 'deployed' && (before === 0 || former.length > 0);
  // A baseline that the history limit has pruned cannot be gone back to.
  return baseline === good?.revision || !history.some(({ revision }) => revision === baseline);
}

/** Goes back to a revision, or to no release where `baseline` is null. */
export function returnTo(baseline: number | null, history: History): Recovery {
  const from = latest(history);
  if (from === undefined || isAbsent(history)) return { kind: 'none' };
  if (baseline === null) return { kind: 'uninstall', from };
  const to = history.find(({ revision }) => revision === baseline);
  // The history limit has pruned the baseline.
  if (!to) return undoOf(history);
  return isAt(from, to, history) ? { kind: 'none' } : { kind: 'rollback', from, to };
}

/** Whether the newest revision is deployed and already has the content of another one. */
function isAt(from: Revision, to: Revision, history: History): boolean {
  return from.status === 'deployed' && contentOf(from, history) === contentOf(to, history);
}

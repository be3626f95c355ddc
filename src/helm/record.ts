import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import type { ObjectReference } from '../cluster/resources.ts';
import { parseJson } from '../core/json.ts';
import {
  contentOf,
  type History,
  isAbsent,
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
  /** Revision to return to when the change does not end well; null where there was no release. */
  baseline: z.number().nullable(),
  /** The newest revision before the change, 0 where there was none. */
  latest: z.number(),
  /** The change was found to be bad and is being taken back. */
  undoing: z.boolean(),
  /** A revision that failed is to stay as it is. */
  keepFailed: z.boolean(),
});

/**
 * What a run is about to do to a release, written before Helm does it. Helm's own `pending-…` says that something was under
 * way; this says what the end of it must be, also where Helm had ended already: a revision that failed, or one that was
 * deployed and did not pass its tests.
 */
export type ChangeRecord = Readonly<z.infer<typeof recordSchema>>;

export interface ChangeStore {
  load(signal: AbortSignal): Promise<ChangeRecord | undefined>;
  save(record: ChangeRecord | undefined, signal: AbortSignal): Promise<void>;
}

/** Keeps the record as an annotation of the Lease, which is there as long as one works on the release. */
export function createChangeStore(client: KubernetesClient, lease: ObjectReference): ChangeStore {
  return {
    async load(signal) {
      const text = (await client.find(lease, signal))?.metadata.annotations?.[ANNOTATION];
      return text === undefined ? undefined : recordSchema.parse(parseJson(text));
    },
    async save(record, signal) {
      const value = record === undefined ? null : JSON.stringify(record);
      await client.patchMerge(lease, { metadata: { annotations: { [ANNOTATION]: value } } }, signal);
    },
  };
}

/** What brings a release to a known state: what Helm's own records ask for, or the record of a run that ended in the middle. */
export function conclusionOf(record: ChangeRecord | undefined, history: History): Recovery {
  const last = latest(history);
  if (!record || last === undefined || last.revision <= record.latest) return recoveryOf(history);
  if (last.status === 'failed') return record.keepFailed ? { kind: 'none' } : returnTo(record.baseline, history);
  if (last.status === 'deployed') return record.undoing ? returnTo(record.baseline, history) : { kind: 'none' };
  return recoveryOf(history);
}

/** Back to a revision, or to no release where that is null. */
export function returnTo(baseline: number | null, history: History): Recovery {
  const from = latest(history);
  if (from === undefined || isAbsent(history)) return { kind: 'none' };
  if (baseline === null) return { kind: 'uninstall', from };
  const to = history.find(({ revision }) => revision === baseline);
  // Pruned by a history limit of few revisions.
  if (!to) return undoOf(history);
  return isAt(from, to, history) ? { kind: 'none' } : { kind: 'rollback', from, to };
}

/** The newest revision is deployed with the content of another one already. */
function isAt(from: Revision, to: Revision, history: History): boolean {
  return from.status === 'deployed' && contentOf(from, history) === contentOf(to, history);
}

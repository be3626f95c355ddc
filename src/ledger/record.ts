import * as z from 'zod';
import type { RolloutRecord } from '../canary/ports.ts';
import type { KubernetesClient } from '../cluster/client.ts';
import { applyOwn, findOwn, ownLabels, ownSelector } from '../cluster/ownership.ts';
import { readObject } from '../cluster/read-object.ts';
import { describe, type ObjectReference, resources } from '../cluster/resources.ts';
import type { KubernetesObject, PatchOperation } from '../cluster/schema.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import { jsonSchema, stringifyJson, tryParseJson, tryShape } from '../core/json.ts';
import { isCommandAnnotation } from './commands.ts';

/** How many ended rollouts before the current one are kept for people to read. */
const HISTORY = 5;

/** What to do about an unreadable record. */
export const GIVE_UP_RECORD =
  'Run that version to conclude the rollout, or set route and workload right by hand and give the record up with "mode: discard-record" of actions/canary.';

/** The most bytes that the API server accepts for all data of a ConfigMap. */
const LIMIT = 1_048_576;

const WRITTEN_BY = 'sluice.dev/version';

const snapshot = { object: z.string(), data: jsonSchema };
/** Per cent. */
const weight = z.number().min(0).max(100);
/** Milliseconds since the epoch, in the range of Date. */
const instant = z.number().min(0).max(8.64e15);
const rolloutRecord = z.object({
  schema: z.literal(1),
  id: z.string(),
  fingerprint: z.string(),
  phase: z.enum(['preparing', 'shifting', 'promoting', 'returning', 'retiring', 'undoing', 'paused', 'ended']),
  step: z.int().nonnegative(),
  weight: z.object({ from: weight, to: weight }),
  route: z.object({ ...snapshot, router: z.string(), weight }),
  arms: z.object({
    stable: z.string(),
    canary: z.string(),
    revision: z.string(),
    versions: z.object({ stable: z.string(), canary: z.string() }).optional(),
    data: jsonSchema,
  }),
  startedAt: instant,
  startedBy: z.string(),
  endedAt: instant.optional(),
  verdict: z.enum(['promoted', 'rolled-back', 'frozen', 'held']).optional(),
  reason: z.string().optional(),
  left: z.array(z.object({ object: z.string(), shows: z.string() })).optional(),
}) satisfies z.ZodType<RolloutRecord>;

const recordObject = z.looseObject({
  data: z.looseObject({ record: z.string().optional(), history: z.string().optional() }).optional(),
});

/** An ended rollout in the history. */
const pastRollout = z.looseObject({ startedAt: instant });

/** The fields of such an entry that are known to have been written. */
const namedRollout = z.object({
  startedAt: instant,
  startedBy: z.string(),
  endedAt: instant.optional(),
  verdict: rolloutRecord.shape.verdict,
  revision: z.string(),
});
export type PastRollout = z.infer<typeof namedRollout>;

/** The record of a route's last rollout, and the ended ones before it. */
export interface KnownRollouts {
  /** Name of the rollouts, which is that of their route. */
  readonly rollout: string;
  readonly record: RolloutRecord;
  readonly past: readonly PastRollout[];
}

/** The records of all routes in a namespace, without those that another version has written in another form. */
export async function listRecords(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<KnownRollouts[]> {
  const found = await client.list(resources.configMap, namespace, { labelSelector: ownSelector }, signal);
  return found.flatMap((object) => {
    const { record: text, history = '[]' } = recordObject.safeParse(object).data?.data ?? {};
    const record = tryShape(rolloutRecord, tryParseJson(text ?? ''));
    if (!record) return [];
    const past = tryShape(z.array(namedRollout), tryParseJson(history)) ?? [];
    return [{ rollout: object.metadata.name.replace(/^sluice-/, ''), record, past }];
  });
}

export interface RecordOptions {
  readonly client: KubernetesClient;
  readonly object: ObjectReference;
  readonly rollout: string;
  /** Version of Sluice, for a later one that can't read its records. */
  readonly version: string;
}

/** The record of a route's rollout in a ConfigMap. Only one process may write it at a time; the store detects a second one. */
export function createRecordStore({ client, object, rollout, version }: RecordOptions) {
  /** The text that this process has last read or written; undefined before the first read. */
  let known: { readonly text: string | undefined; readonly history: string | undefined } | undefined;

  async function read(signal: AbortSignal) {
    const found = await findOwn(client, object, rollout, signal);
    const { record: text, history } = (found && readObject(found, recordObject).data) ?? {};
    return { found, text, history };
  }

  /** @throws SluiceError `unsupported` for a record that another version has written in another form */
  async function load(signal: AbortSignal): Promise<RolloutRecord | undefined> {
    const { found, text, history } = await read(signal);
    known = { text, history };
    return text === undefined ? undefined : parseRecord(text, found);
  }

  /**
   * @throws SluiceError `conflict` if the record is not what this process has last read or written, and `unsupported` if it is
   *   too large
   */
  async function save(record: RolloutRecord, signal: AbortSignal): Promise<void> {
    known ??= await read(signal);
    const next = withinLimit({ text: stringifyJson(record), history: historyWith(known.text, known.history, record) });
    if (known.text === undefined) await create(next, signal);
    else await replace(known.text, next, isNewRollout(known.text, record), signal);
    known = next;
  }

  async function create(next: Data, signal: AbortSignal): Promise<void> {
    const manifest = {
      apiVersion: object.type.apiVersion,
      kind: object.type.kind,
      metadata: {
        name: object.name,
        namespace: object.namespace,
        labels: ownLabels(rollout),
        annotations: { [WRITTEN_BY]: version },
      },
      data: dataOf(next),
    };
    await applyOwn(client, { type: object.type, manifest }, rollout, signal);
  }

  async function replace(before: string, next: Data, begins: boolean, signal: AbortSignal): Promise<void> {
    const operations: PatchOperation[] = [
      { op: 'test', path: '/data/record', value: before },
      { op: 'add', path: '/data', value: dataOf(next) },
      ...(begins ? [await newAnnotations(signal)] : []),
    ];
    try {
      await client.patchJson(object, operations, signal);
    } catch (error) {
      // The record is needed until the rollout ends, so a deleted one is created again.
      if (isSluiceError(error, 'not-found')) return create(next, signal);
      if (!isSluiceError(error, 'conflict')) throw error;
      // An earlier attempt may have succeeded although its answer was lost.
      if ((await read(signal)).text !== next.text) throw writtenByOthers();
    }
  }

  /** Removes commands that were meant for an earlier rollout. */
  async function newAnnotations(signal: AbortSignal): Promise<PatchOperation> {
    const { found } = await read(signal);
    const others = Object.entries(found?.metadata.annotations ?? {}).filter(([name]) => !isCommandAnnotation(name));
    const value = { ...Object.fromEntries(others), [WRITTEN_BY]: version };
    return { op: 'add', path: '/metadata/annotations', value };
  }

  function parseRecord(text: string, found: KubernetesObject | undefined): RolloutRecord {
    const record = tryShape(rolloutRecord, tryParseJson(text));
    if (record) return record;
    const author = found?.metadata.annotations?.[WRITTEN_BY] ?? 'an unknown version';
    throw new SluiceError('unsupported', {
      about: describe(object),
      problem: `was written by Sluice ${author} in a form that this version (${version}) does not read.`,
      next: GIVE_UP_RECORD,
    });
  }

  function withinLimit(data: Data): Data {
    const size = ({ text, history = '' }: Data) => Buffer.byteLength(text) + Buffer.byteLength(history);
    if (size(data) <= LIMIT) return data;
    const bare = { text: data.text, history: undefined };
    if (size(bare) <= LIMIT) return bare;
    throw new SluiceError('unsupported', {
      about: describe(object),
      problem: `can't hold the rollout: the route and the workloads as found take ${size(bare)} bytes of the ${LIMIT} that a ConfigMap may have.`,
      next: 'Split the route into smaller objects.',
    });
  }

  function writtenByOthers(): SluiceError {
    return new SluiceError('conflict', {
      about: describe(object),
      problem: 'was written by another process during the rollout.',
      next: 'Find the other run of this release; only one may go on.',
    });
  }

  return { load, save };
}

interface Data {
  readonly text: string;
  readonly history: string | undefined;
}

function dataOf({ text, history }: Data) {
  return { record: text, ...(history !== undefined && { history }) };
}

/** A run that resumes a rollout has its own ID, but keeps the start time. */
function isNewRollout(before: string, { startedAt }: RolloutRecord): boolean {
  return tryShape(pastRollout, tryParseJson(before))?.startedAt !== startedAt;
}

/** The history, extended by the ended rollout whose record is about to be overwritten. */
function historyWith(before: string | undefined, history: string | undefined, next: RolloutRecord): string | undefined {
  if (before === undefined || !isNewRollout(before, next)) return history;
  const ended = tryShape(rolloutRecord, tryParseJson(before));
  if (!ended) return history;
  const { id, startedAt, startedBy, endedAt, verdict, reason, weight, arms } = ended;
  const entry = { id, startedAt, startedBy, endedAt, verdict, reason, weight: weight.to, revision: arms.revision };
  const past = tryShape(z.array(pastRollout), tryParseJson(history ?? '[]')) ?? [];
  return JSON.stringify([entry, ...past].slice(0, HISTORY));
}

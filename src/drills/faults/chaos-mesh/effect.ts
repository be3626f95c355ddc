import * as z from 'zod';
import type { KubernetesClient } from '../../../cluster/client.ts';
import { describe, type ObjectReference, resources } from '../../../cluster/resources.ts';
import type { KubernetesObject } from '../../../cluster/schema.ts';
import { isSluiceError } from '../../../core/errors.ts';
import { tryShape } from '../../../core/json.ts';
import { excerpt } from '../../../core/text.ts';
import type { Effect } from '../../ports.ts';

const recordEvent = z.looseObject({
  type: z.string(),
  operation: z.string(),
  message: z.string().default(''),
});
const podRecord = z.looseObject({
  id: z.string(),
  selectorKey: z.string().default('.'),
  phase: z.string().default(''),
  injectedCount: z.number().optional(),
  recoveredCount: z.number().optional(),
  events: z.array(recordEvent).nullish(),
});
export type PodRecord = z.infer<typeof podRecord>;

const chaosStatus = z.looseObject({
  status: z.looseObject({
    conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).nullish(),
    experiment: z
      .looseObject({ desiredPhase: z.string().optional(), containerRecords: z.array(podRecord).nullish() })
      .nullish(),
  }),
});

/** What Chaos Mesh says of a fault. */
export interface ChaosStatus {
  readonly records: readonly PodRecord[];
  isTrue(condition: string): boolean;
}

/** Undefined while there is no status that can be read. */
export function statusOf(object: KubernetesObject): ChaosStatus | undefined {
  const status = tryShape(chaosStatus, object)?.status;
  if (!status) return undefined;
  return {
    records: status.experiment?.containerRecords ?? [],
    isTrue: (type) => (status.conditions ?? []).some((one) => one.type === type && one.status === 'True'),
  };
}

/** `shop/checkout-1` of a record's `shop/checkout-1/app`. */
export function podOf({ id }: Pick<PodRecord, 'id'>): string {
  return id.split('/').slice(0, 2).join('/');
}

/** Whether the fault has been in the pod, now or before. */
export function wasInjected({ phase, injectedCount, events }: PodRecord): boolean {
  const hasApplied = (events ?? []).some(({ type, operation }) => type === 'Succeeded' && operation === 'Apply');
  return phase.startsWith('Injected') || (injectedCount ?? (hasApplied ? 1 : 0)) > 0;
}

/** What kept the fault from the pod; undefined where nothing did. */
export function failureOf({ events }: PodRecord): string | undefined {
  const last = (events ?? []).findLast(({ operation }) => operation === 'Apply');
  return last?.type === 'Failed' ? excerpt(last.message || 'without a message', MOST_SAID) : undefined;
}

const MOST_SAID = 200;
const MOST_NAMED = 3;

/**
 * How the fault is felt, as Chaos Mesh tells. That the object exists proves nothing.
 *
 * @param pods `namespace/name` of all that have to have it; undefined where Chaos Mesh chooses
 */
export function effectOf(object: KubernetesObject, pods: readonly string[] | undefined): Effect {
  const status = statusOf(object);
  if (!status) return { felt: 'unknown', evidence: 'Chaos Mesh has not said anything about the fault yet' };
  if (status.isTrue('Paused')) return { felt: 'not-felt', evidence: 'the fault is paused' };
  const { records } = status;
  const failed = records.flatMap((record) => {
    const failure = wasInjected(record) ? undefined : failureOf(record);
    return failure === undefined ? [] : [`pod ${excerpt(podOf(record), 120)}: ${failure}`];
  });
  if (failed.length > 0) {
    const rest = failed.length > MOST_NAMED ? ` and ${failed.length - MOST_NAMED} more` : '';
    return { felt: 'not-felt', evidence: `AllInjected is False: ${failed.slice(0, MOST_NAMED).join('; ')}${rest}` };
  }
  if (records.length === 0 || !status.isTrue('Selected')) {
    return { felt: 'unknown', evidence: 'Chaos Mesh has not selected a pod yet' };
  }
  return effectOfRecords(status, pods);
}

function effectOfRecords({ records, isTrue }: ChaosStatus, pods: readonly string[] | undefined): Effect {
  const sources = records.filter(({ selectorKey }) => selectorKey !== '.Target');
  const injected = new Set(sources.filter(wasInjected).map(podOf));
  const wanted = pods ?? [...new Set(sources.map(podOf))];
  const missing = wanted.filter((name) => !injected.has(name));
  const count = `${wanted.length - missing.length} of ${wanted.length} pods`;
  if (missing.length === 0 && wanted.length > 0) {
    if (isTrue('AllInjected')) return { felt: 'felt', evidence: `AllInjected is True: ${count} have the fault` };
    // It is the same before the first injection, but then no record counts one.
    if (isTrue('AllRecovered')) return { felt: 'felt', evidence: `${count} had the fault and have recovered` };
    if (records.every(wasInjected)) return { felt: 'felt', evidence: `${count} have the fault, which is ending` };
  }
  if (isTrue('AllRecovered') && injected.size === 0) {
    return { felt: 'unknown', evidence: 'AllRecovered is True, and no pod had the fault so far' };
  }
  return { felt: 'unknown', evidence: `AllInjected is False: ${count} have the fault so far` };
}

const failedEvent = z.looseObject({ reason: z.string().default(''), message: z.string().default('') });

/**
 * What Kubernetes' events say of a fault that has no record of its own: that no pod was selected. Undefined where they say
 * nothing of the kind, or where the right to read them is missing.
 */
export async function failureInEvents(
  client: Pick<KubernetesClient, 'list'>,
  reference: ObjectReference,
  uid: string | undefined,
  signal: AbortSignal,
): Promise<Effect | undefined> {
  const fieldSelector = `involvedObject.kind=${reference.type.kind},involvedObject.name=${reference.name},type=Warning`;
  try {
    const events = await client.list(resources.event, reference.namespace, { fieldSelector }, signal);
    const said = events
      .filter((event) => uid === undefined || tryShape(involved, event)?.involvedObject.uid === uid)
      .flatMap((event) => tryShape(failedEvent, event) ?? [])
      .findLast(({ reason }) => reason === 'Failed');
    if (!said) return undefined;
    return { felt: 'not-felt', evidence: `${describe(reference)}: ${excerpt(said.message, MOST_SAID)}` };
  } catch (error) {
    if (isSluiceError(error, 'forbidden')) return undefined;
    throw error;
  }
}

const involved = z.looseObject({ involvedObject: z.looseObject({ uid: z.string().optional() }) });

import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { findOwn } from '../cluster/ownership.ts';
import { readObject } from '../cluster/read-object.ts';
import { resources } from '../cluster/resources.ts';
import type { PatchOperation } from '../cluster/schema.ts';
import { tryParseJson, tryShape } from '../core/json.ts';
import { excerpt } from '../core/text.ts';
import type { RecordPlace } from './record-refusal.ts';

/** The most characters of a record's text that are reported. */
const MOST = 200;

const word = z.string().transform((text) => excerpt(text, MOST));

/** The parts of a record that can be reported whatever its form. They are unverified. */
const told = z.object({
  phase: word.optional().catch(undefined),
  startedBy: word.optional().catch(undefined),
  route: z.object({ object: word }).optional().catch(undefined),
  arms: z.object({ stable: word, canary: word }).optional().catch(undefined),
});
export type DiscardedRecord = z.infer<typeof told>;

const recordObject = z.looseObject({ data: z.record(z.string(), z.string()).default({}) });

/**
 * Discards the record of a route's rollout without reading or writing anything else. The ConfigMap stays, with the history of
 * earlier rollouts. The caller must hold the Lease.
 *
 * @returns the content, as far as it can be read; undefined if there is no record
 */
export async function discardRecord(
  client: Pick<KubernetesClient, 'find' | 'patchJson'>,
  { namespace, rollout }: RecordPlace,
  signal: AbortSignal,
): Promise<DiscardedRecord | undefined> {
  const reference = { type: resources.configMap, namespace, name: `sluice-${rollout}` };
  const found = await findOwn(client, reference, rollout, signal);
  if (!found) return undefined;
  const { record } = readObject(found, recordObject).data;
  if (record === undefined) return undefined;
  const operations: PatchOperation[] = [
    { op: 'test', path: '/data/record', value: record },
    { op: 'remove', path: '/data/record' },
  ];
  await client.patchJson(reference, operations, signal);
  return tryShape(told, tryParseJson(record)) ?? {};
}

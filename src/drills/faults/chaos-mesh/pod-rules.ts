import * as z from 'zod';
import type { KubernetesClient } from '../../../cluster/client.ts';
import { retryOnConflict } from '../../../cluster/conflicts.ts';
import type { ObjectReference } from '../../../cluster/resources.ts';
import { describe } from '../../../cluster/resources.ts';
import type { KubernetesObject } from '../../../cluster/schema.ts';
import type { Clock } from '../../../core/clock.ts';
import { tryShape } from '../../../core/json.ts';
import { excerpt } from '../../../core/text.ts';
import { CHAOS_MESH, type PodRules } from './kinds/chaos-kind.ts';
import type { MarkedPod } from './mark.ts';

const rule = z.looseObject({ source: z.string().optional() });
const rulesObject = z.looseObject({
  spec: z.record(z.string(), z.unknown()).nullish(),
  status: z.looseObject({ failedMessage: z.string().nullish(), observedGeneration: z.number().nullish() }).nullish(),
});

export interface RulesWorld {
  readonly client: Pick<KubernetesClient, 'find' | 'patchJson' | 'remove'>;
  readonly clock: Clock;
}

/** Milliseconds that Chaos Mesh has to take the rules of a fault out of a pod. */
const PATIENCE = 20_000;
const PAUSE = 500;

/** Where Chaos Mesh keeps what all faults of its kind do to a pod. */
export function rulesOf(rules: PodRules, { namespace, name }: Pick<MarkedPod, 'namespace' | 'name'>): ObjectReference {
  return { type: { apiVersion: CHAOS_MESH, kind: rules.kind, plural: rules.plural }, namespace, name };
}

/**
 * Takes the rules of a fault that is gone out of what Chaos Mesh keeps for a pod. A fault that has failed leaves them there, and every
 * later fault of the pod fails with its error. Rules of other faults stay.
 *
 * @param source `namespace/name` of the fault
 * @returns what is not certain afterwards, in a sentence without a full stop; undefined where the pod is clean
 */
export async function cleanRules(
  world: RulesWorld,
  rules: PodRules,
  fault: { readonly source: string; readonly pod: MarkedPod },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { client, clock } = world;
  const reference = rulesOf(rules, fault.pod);
  const start = clock.now();
  while (true) {
    const found = await takeOut(client, rules, { reference, source: fault.source }, signal);
    if (!found) return undefined;
    const { isObserved, failure } = stateOf(found);
    const isEmpty = rules.lists.every((list) => itemsOf(found, list).length === 0);
    const isOurs = isEmpty && !fault.pod.hadRules;
    if (isObserved && failure === '') {
      // What Chaos Mesh has made for this fault alone goes with it.
      if (isOurs) await client.remove(reference, signal, found.metadata.uid);
      return undefined;
    }
    if (clock.now() - start >= PATIENCE) {
      // It would only let the next fault of the pod fail.
      if (isEmpty) await client.remove(reference, signal, found.metadata.uid);
      const why = failure === '' ? 'Chaos Mesh has not confirmed it' : excerpt(failure, 200);
      return `${describe(reference)}: ${why}`;
    }
    await clock.sleep(PAUSE, signal);
  }
}

interface Wanted {
  readonly reference: ObjectReference;
  readonly source: string;
}

/** The object without the rules of the source; undefined where there is none. */
function takeOut(
  client: RulesWorld['client'],
  rules: PodRules,
  { reference, source }: Wanted,
  signal: AbortSignal,
): Promise<KubernetesObject | undefined> {
  return retryOnConflict(async () => {
    const found = await client.find(reference, signal);
    if (!found) return undefined;
    const operations = rules.lists.flatMap((list) => {
      const before = itemsOf(found, list);
      const after = before.filter((item) => tryShape(rule, item)?.source !== source);
      if (after.length === before.length) return [];
      const path = `/spec/${list}`;
      return [
        { op: 'test' as const, path, value: before },
        { op: 'replace' as const, path, value: after },
      ];
    });
    return operations.length === 0 ? found : client.patchJson(reference, operations, signal);
  });
}

function itemsOf(object: KubernetesObject, list: string): readonly unknown[] {
  const items = tryShape(rulesObject, object)?.spec?.[list];
  return Array.isArray(items) ? items : [];
}

function stateOf(object: KubernetesObject) {
  const status = tryShape(rulesObject, object)?.status;
  const generation = object.metadata.generation ?? 0;
  return { isObserved: (status?.observedGeneration ?? 0) >= generation, failure: status?.failedMessage ?? '' };
}

import * as z from 'zod';
import { ApiError, budgetWords } from './errors.ts';
import { json, pathOf, type Requests } from './requests.ts';
import type { ObjectReference } from './resources.ts';

/** Which pod to evict. */
interface Evicted {
  readonly uid: string;
  /** Seconds that it gets to end; its own by default. */
  readonly grace?: number | undefined;
}

/** The Eviction API. */
export function createEviction({ callFor }: Pick<Requests, 'callFor'>) {
  /**
   * Deletes a pod if its disruption budget allows that. A pod that is gone already is no error.
   * https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
   *
   * @returns the API server's words where a budget does not allow it now, which is no failure of the request
   * @throws ApiError `conflict` if another pod has its name now
   */
  async function evict(
    pod: ObjectReference,
    { uid, grace }: Evicted,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const eviction = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: pod.name, namespace: pod.namespace },
      deleteOptions: { preconditions: { uid }, ...(grace !== undefined && { gracePeriodSeconds: grace }) },
    };
    const about = { verb: 'create', reference: pod, subresource: 'eviction' };
    const request = { method: 'POST' as const, path: `${pathOf(pod)}/eviction`, ...json(eviction) };
    try {
      await callFor(z.looseObject({ kind: z.string() }), about, request, signal);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      const refused = error instanceof ApiError ? budgetWords(error) : undefined;
      if (refused === undefined) throw error;
      return refused;
    }
    return undefined;
  }

  return { evict };
}

import * as z from 'zod';
import { type JsonRecord, type KubeObject, recordOf } from './objects.ts';
import { deleteOptions, type Key, type Registry } from './registry.ts';
import { podDisruptionBudgets } from './resources.ts';
import { parseSelector } from './selectors.ts';
import { badRequest, StatusError } from './status.ts';
import type { Storage } from './storage.ts';

const eviction = z.looseObject({
  metadata: z.looseObject({ name: z.string().default('') }).prefault({}),
  deleteOptions: deleteOptions.optional(),
});

const budgetView = z.looseObject({
  metadata: z.looseObject({ name: z.string(), generation: z.number().default(0) }),
  spec: z.looseObject({ unhealthyPodEvictionPolicy: z.string().default('IfHealthyBudget') }).prefault({}),
  status: z
    .looseObject({
      observedGeneration: z.number().default(0),
      disruptionsAllowed: z.number().default(0),
      currentHealthy: z.number().default(0),
      desiredHealthy: z.number().default(0),
    })
    .prefault({}),
});
type Budget = z.infer<typeof budgetView>;

/** `pods/NAME/eviction`, after kubernetes `pkg/registry/core/pod/storage/eviction.go`. */
export function evict(storage: Storage, registry: Registry, key: Key, body: unknown): JsonRecord {
  const parsed = eviction.safeParse(body);
  if (!parsed.success) throw badRequest('Eviction cannot be handled');
  if (parsed.data.metadata.name !== key.name) throw badRequest('name in URL does not match name in Eviction object');
  const pod = registry.get(key);
  // The budget is asked before the preconditions.
  if (!isFreeToGo(pod)) takeFromBudget(storage, registry, pod);
  registry.remove(key, parsed.data.deleteOptions ?? {});
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
}

/** Pods that no budget counts any more, or not yet. */
function isFreeToGo(pod: KubeObject): boolean {
  const { phase = 'Pending' } = recordOf(pod.status);
  return pod.metadata.deletionTimestamp !== undefined || ['Pending', 'Succeeded', 'Failed'].includes(String(phase));
}

function takeFromBudget(storage: Storage, registry: Registry, pod: KubeObject): void {
  const { namespace = '', labels = {} } = pod.metadata;
  const budgets = storage
    .list(podDisruptionBudgets, namespace)
    .filter((budget) => parseSelector(recordOf(budget.spec).selector)(labels));
  if (budgets.length > 1) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new StatusError(500, 'InternalError', message);
  }
  const [found] = budgets;
  if (found === undefined) return;
  const budget = budgetView.parse(found);
  if (!isReady(pod) && sparesUnready(budget)) return;
  refuse(budget);
  const status = { ...recordOf(found.status), disruptionsAllowed: budget.status.disruptionsAllowed - 1 };
  const key = { resource: podDisruptionBudgets, namespace, name: budget.metadata.name };
  registry.modify(key, (current) => ({ ...current, status }), { manager: 'kube-apiserver', subresource: 'status' });
}

function sparesUnready({ spec, status }: Budget): boolean {
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0;
}

function refuse({ metadata: { name, generation }, status }: Budget): void {
  if (status.observedGeneration < generation)
    throw tooManyRequests(`The disruption budget ${name} is still being processed by the server.`, 10);
  if (status.disruptionsAllowed <= 0) {
    const { desiredHealthy, currentHealthy } = status;
    const needs = `needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
    throw tooManyRequests(`The disruption budget ${name} ${needs}`, undefined);
  }
}

function tooManyRequests(message: string, retryAfterSeconds: number | undefined): StatusError {
  const details = {
    causes: [{ reason: 'DisruptionBudget', message }],
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
  const what = "Cannot evict pod as it would violate the pod's disruption budget.";
  return new StatusError(429, 'TooManyRequests', what, details);
}

function isReady(pod: KubeObject): boolean {
  const { conditions } = recordOf(pod.status);
  const listed = Array.isArray(conditions) ? conditions.map(recordOf) : [];
  return listed.some(({ type, status }) => type === 'Ready' && status === 'True');
}

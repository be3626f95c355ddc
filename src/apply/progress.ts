import * as z from 'zod';
import { condition } from '../cluster/conditions.ts';
import { readObject } from '../cluster/read-object.ts';
import { type KubernetesObject, kubernetesObject } from '../cluster/schema.ts';
import { creationState, type Problem, starting } from './pod-states.ts';

/** How far an object is. */
export interface Progress {
  /** `failed`: waiting does not help. */
  readonly state: 'done' | 'waiting' | 'failed';
  /** `2 of 3 updated, 1 available`; the fault of a failed object; empty for an object that is done once it exists. */
  readonly text: string;
  /** What keeps the object's pods from being created, and for how long to wait. */
  readonly problem?: Problem;
  /** The object is gone, and may have ended well unseen. */
  readonly isUnseen?: true;
}

/** A list that Go may have written as null. */
function listOf<S extends z.ZodType>(item: S) {
  return z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
}
const conditions = listOf(condition);
type Conditions = z.infer<typeof conditions>;

const number = z.number().default(0);

const replicated = z.looseObject({
  ...kubernetesObject.shape,
  spec: z
    .looseObject({
      replicas: z.number().default(1),
      paused: z.boolean().default(false),
      progressDeadlineSeconds: number,
      updateStrategy: z
        .looseObject({
          type: z.string().default(''),
          rollingUpdate: z.looseObject({ partition: number }).nullish(),
        })
        .prefault({}),
    })
    .prefault({}),
  status: z
    .looseObject({
      replicas: number,
      updatedReplicas: number,
      readyReplicas: number,
      availableReplicas: number,
      desiredNumberScheduled: number,
      updatedNumberScheduled: number,
      numberAvailable: number,
      conditions,
    })
    .prefault({}),
});
type Replicated = z.infer<typeof replicated>;

/**
 * The progress of an object, by its status alone. The rules are those of `kubectl rollout status` and of kstatus
 * (sigs.k8s.io/cli-utils), with the cases that they leave out: OnDelete and partitions, claims that wait for a pod, quotas.
 *
 * @param ready ready pods of its present version, where known: a Deployment's own numbers include the former version
 */
export function progressOf(object: KubernetesObject, ready?: number): Progress {
  if (object.metadata.deletionTimestamp !== undefined) return waiting('is being deleted');
  if (isUnseen(object)) return waiting('its controller has not seen the change yet');
  const judge = judges.get(`${groupOf(object)}/${object.kind}`) ?? resourceProgress;
  return judge(object, ready);
}

function groupOf({ apiVersion }: KubernetesObject): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}

const generation = z.looseObject({ status: z.looseObject({ observedGeneration: z.number().optional() }).optional() });

/** The status still describes the object before its last change. */
function isUnseen(object: KubernetesObject): boolean {
  const wanted = object.metadata.generation ?? 0;
  const observed = generation.safeParse(object).data?.status?.observedGeneration;
  if (observed !== undefined) return observed < wanted;
  return reportsGeneration.has(`${groupOf(object)}/${object.kind}`);
}

const reportsGeneration = new Set(['apps/Deployment', 'apps/StatefulSet', 'apps/DaemonSet', 'apps/ReplicaSet']);

const judges = new Map<string, (object: KubernetesObject, ready: number | undefined) => Progress>([
  ['apps/Deployment', (object, ready) => deploymentProgress(readObject(object, replicated), ready)],
  ['apps/StatefulSet', (object) => statefulSetProgress(readObject(object, replicated))],
  ['apps/DaemonSet', (object) => daemonSetProgress(readObject(object, replicated))],
  ['apps/ReplicaSet', (object) => replicaSetProgress(readObject(object, replicated))],
  ['/ReplicationController', (object) => replicaSetProgress(readObject(object, replicated))],
  ['batch/Job', jobProgress],
  ['/Pod', podPhaseProgress],
  ['/PersistentVolumeClaim', claimProgress],
  ['/Service', serviceProgress],
  ['apiextensions.k8s.io/CustomResourceDefinition', definitionProgress],
]);

function deploymentProgress({ spec, status }: Replicated, ready: number | undefined): Progress {
  const progressing = find(status.conditions, 'Progressing');
  const { updatedReplicas: updated, availableReplicas: available, replicas: all } = status;
  const isMixed = ready !== undefined && all > updated;
  const text = isMixed
    ? `${updated} of ${spec.replicas} updated, ${ready} of them ready`
    : counts(spec.replicas, updated, available);
  if (spec.paused) return done('is paused: its pods stay as they are');
  if (progressing?.reason === 'ProgressDeadlineExceeded') {
    return failed(`made no progress for ${spec.progressDeadlineSeconds} s (ProgressDeadlineExceeded): ${text}`);
  }
  const problem = replicaFailure(status.conditions);
  if (updated < spec.replicas || available < spec.replicas) return waiting(text, problem);
  if (all > updated) return waiting(`${text}; ${all - updated} of the former version still run`);
  return done(text);
}

function statefulSetProgress({ spec, status }: Replicated): Progress {
  const { replicas } = spec;
  if (spec.updateStrategy.type === 'OnDelete') {
    return done('OnDelete: a pod is updated when somebody deletes it');
  }
  const partition = Math.min(spec.updateStrategy.rollingUpdate?.partition ?? 0, replicas);
  const wanted = replicas - partition;
  const { updatedReplicas: updated, readyReplicas: ready, availableReplicas: available } = status;
  const text =
    partition === 0
      ? counts(replicas, updated, available)
      : `${Math.min(updated, wanted)} of ${wanted} updated above partition ${partition}, ${available} available`;
  if (updated < wanted || ready < replicas || available < replicas || status.replicas > replicas) return waiting(text);
  return done(text);
}

function daemonSetProgress({ spec, status }: Replicated): Progress {
  if (spec.updateStrategy.type === 'OnDelete') {
    return done('OnDelete: a pod is updated when somebody deletes it');
  }
  const { desiredNumberScheduled: nodes, updatedNumberScheduled: updated, numberAvailable: available } = status;
  const text = counts(nodes, updated, available);
  return updated < nodes || available < nodes ? waiting(text) : done(text);
}

function replicaSetProgress({ spec, status }: Replicated): Progress {
  const text = `${status.availableReplicas} of ${spec.replicas} available`;
  const isThere = status.availableReplicas >= spec.replicas && status.replicas <= spec.replicas;
  return isThere ? done(text) : waiting(text, replicaFailure(status.conditions));
}

function counts(wanted: number, updated: number, available: number): string {
  return `${updated} of ${wanted} updated, ${available} available`;
}

/** Why a controller can't create pods. */
function replicaFailure(conditions: Conditions): Problem | undefined {
  const failure = find(conditions, 'ReplicaFailure', 'True');
  return failure && creationProblem(failure.reason, failure.message);
}

/** As `creationState`, with the patience of a deploy. */
export function creationProblem(reason: string, message: string): Problem {
  const state = creationState(message);
  return { state, reason, message, patience: starting.patience[state] };
}

const job = z.looseObject({
  spec: z
    .looseObject({
      completions: z.number().nullish(),
      suspend: z.boolean().default(false),
      backoffLimit: z.number().default(6),
    })
    .prefault({}),
  status: z.looseObject({ active: number, succeeded: number, failed: number, conditions }).prefault({}),
});

function jobProgress(object: KubernetesObject): Progress {
  const { spec, status } = readObject(object, job);
  const failure = find(status.conditions, 'Failed', 'True');
  const text = `${status.succeeded} of ${spec.completions ?? 1} completed, ${status.active} running${
    status.failed > 0 ? `, ${status.failed} of at most ${spec.backoffLimit + 1} attempts failed` : ''
  }`;
  if (failure) return failed(`failed (${failure.reason}): ${failure.message || text}`);
  if (find(status.conditions, 'Complete', 'True')) return done('has completed');
  return spec.suspend ? done('is suspended: it does not run yet') : waiting(text);
}

const phase = z.looseObject({
  status: z.looseObject({ phase: z.string().default(''), message: z.string().default(''), conditions }).prefault({}),
});

function podPhaseProgress(object: KubernetesObject): Progress {
  const { status } = readObject(object, phase);
  if (status.phase === 'Failed') return failed(`failed${status.message === '' ? '' : `: ${status.message}`}`);
  if (status.phase === 'Succeeded') return done('has ended well');
  return find(status.conditions, 'Ready', 'True') ? done('is ready') : waiting('is not ready');
}

/** The volume controller sets it when it asks for a volume; with `WaitForFirstConsumer` only once a pod needs the claim. */
const provisioner = 'volume.kubernetes.io/storage-provisioner';

function claimProgress(object: KubernetesObject): Progress {
  const { status } = readObject(object, phase);
  if (status.phase === 'Bound') return done('is bound');
  if (status.phase === 'Lost') return failed('has lost its volume');
  const isProvisioned = object.metadata.annotations?.[provisioner] !== undefined;
  return isProvisioned ? waiting('waits for its volume') : done('gets its volume when a pod uses it');
}

const service = z.looseObject({
  spec: z.looseObject({ type: z.string().default(''), externalIPs: listOf(z.string()) }).prefault({}),
  status: z.looseObject({ loadBalancer: z.looseObject({ ingress: listOf(z.unknown()) }).prefault({}) }).prefault({}),
});

function serviceProgress(object: KubernetesObject): Progress {
  const { spec, status } = readObject(object, service);
  const hasAddress = status.loadBalancer.ingress.length > 0 || spec.externalIPs.length > 0;
  if (spec.type !== 'LoadBalancer' || hasAddress) return done('');
  return waiting('waits for the address of its load balancer');
}

function definitionProgress(object: KubernetesObject): Progress {
  const { status } = readObject(object, phase);
  const refused = find(status.conditions, 'NamesAccepted', 'False');
  if (refused) return failed(`its names are taken: ${refused.message}`);
  return find(status.conditions, 'Established', 'True') ? done('is served') : waiting('is not served yet');
}

const resource = z.looseObject({ status: z.looseObject({ conditions }).optional().catch(undefined) });

/** Any other kind, by convention: `Ready`, and `Stalled` and `Reconciling` of kstatus. */
function resourceProgress(object: KubernetesObject): Progress {
  const conditions = readObject(object, resource).status?.conditions ?? [];
  const stalled = find(conditions, 'Stalled', 'True');
  if (stalled) return failed(`is stalled (${stalled.reason}): ${stalled.message}`);
  const ready = find(conditions, 'Ready');
  const reconciling = find(conditions, 'Reconciling', 'True');
  const slow = ready && ready.status !== 'True' ? ready : reconciling;
  if (!slow) return done(ready ? 'is ready' : '');
  return waiting(
    `is not ready${slow.reason === '' ? '' : ` (${slow.reason})`}${slow.message === '' ? '' : `: ${slow.message}`}`,
  );
}

function find(conditions: Conditions, type: string, status?: string) {
  return conditions.find((given) => given.type === type && (status === undefined || given.status === status));
}

function done(text: string): Progress {
  return { state: 'done', text };
}

function waiting(text: string, problem?: Problem): Progress {
  return { state: 'waiting', text, ...(problem && { problem }) };
}

function failed(text: string): Progress {
  return { state: 'failed', text };
}

import { type JsonRecord, type KubeObject, recordOf, timestamp } from '../api-server/objects.ts';
import { condition } from './cluster.ts';
import { allowances, type DeploymentView, replicaSetView } from './views.ts';

/**
 * The status of a Deployment with its conditions `Available` and `Progressing`. `lookAgain`: milliseconds until a rollout
 * without progress has failed.
 */
export function deploymentStatus(
  deployment: KubeObject,
  spec: DeploymentView['spec'],
  sets: readonly KubeObject[],
  current: string | undefined,
  now: number,
): { status: JsonRecord; lookAgain: number | undefined } {
  const views = sets.map((set) => ({ name: set.metadata.name, ...replicaSetView.parse(set) }));
  const sum = (field: 'replicas' | 'readyReplicas' | 'availableReplicas') =>
    views.reduce((total, view) => total + view.status[field], 0);
  const counts: Record<string, number> = {
    replicas: sum('replicas'),
    updatedReplicas: views.find(({ name }) => name === current)?.status.replicas ?? 0,
    readyReplicas: sum('readyReplicas'),
    availableReplicas: sum('availableReplicas'),
    unavailableReplicas: Math.max(0, Math.max(spec.replicas, sum('replicas')) - sum('availableReplicas')),
  };
  const before = recordOf(deployment.status);
  const { condition: progressing, lookAgain } = progress(spec, counts, before, current, now);
  const conditions = [available(spec, sum('availableReplicas'), conditionsOf(before), now), progressing];
  const present = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  return { status: { observedGeneration: deployment.metadata.generation, ...present, conditions }, lookAgain };
}

function conditionsOf(status: JsonRecord): JsonRecord[] {
  return Array.isArray(status.conditions) ? status.conditions.map(recordOf) : [];
}

function available(
  spec: DeploymentView['spec'],
  replicas: number,
  before: readonly JsonRecord[],
  now: number,
): JsonRecord {
  return replicas >= spec.replicas - allowances(spec).maxUnavailable
    ? condition(before, 'Available', true, 'MinimumReplicasAvailable', 'Deployment has minimum availability.', now)
    : condition(
        before,
        'Available',
        false,
        'MinimumReplicasUnavailable',
        'Deployment does not have minimum availability.',
        now,
      );
}

function progress(
  spec: DeploymentView['spec'],
  counts: Readonly<Record<string, number>>,
  status: JsonRecord,
  current: string | undefined,
  now: number,
): { condition: JsonRecord; lookAgain: number | undefined } {
  const conditions = conditionsOf(status);
  const before = conditions.find(({ type }) => type === 'Progressing');
  const say = (holds: boolean, reason: string, message: string) =>
    condition(conditions, 'Progressing', holds, reason, message, now);
  if (spec.paused) {
    return { condition: say(true, 'DeploymentPaused', 'Deployment is paused'), lookAgain: undefined };
  }
  const complete = [counts.updatedReplicas, counts.replicas, counts.availableReplicas].every(
    (count) => count === spec.replicas,
  );
  if (complete) {
    const message = `ReplicaSet "${current}" has successfully progressed.`;
    return { condition: say(true, 'NewReplicaSetAvailable', message), lookAgain: undefined };
  }
  const deadline = spec.progressDeadlineSeconds * 1_000;
  const moved = Object.entries(counts).some(([field, count]) => count !== (status[field] ?? 0));
  const lastMove = moved ? now : Date.parse(String(before?.lastUpdateTime ?? timestamp(now)));
  if (!moved && (before?.reason === 'ProgressDeadlineExceeded' || lastMove + deadline <= now)) {
    const message = `ReplicaSet "${current}" has timed out progressing.`;
    return { condition: say(false, 'ProgressDeadlineExceeded', message), lookAgain: undefined };
  }
  const progressing = say(true, 'ReplicaSetUpdated', `ReplicaSet "${current}" is progressing.`);
  return {
    condition: { ...progressing, lastUpdateTime: timestamp(lastMove) },
    lookAgain: lastMove + deadline - now,
  };
}

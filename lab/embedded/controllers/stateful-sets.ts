import type { KubeObject } from '../api-server/objects.ts';
import { controllerRevisions, pods, statefulSets } from '../api-server/resources.ts';
import { type Cluster, controlledBy, keyOf, manager, ownerReference, type Reconciler, setStatus } from './cluster.ts';
import { templateHash } from './template-hash.ts';
import { isReady, isTerminating, type StatefulSetView, statefulSetView, untilAvailable } from './views.ts';

const revisionLabel = 'controller-revision-hash';

/** Pods `NAME-0`, `NAME-1`, … created in this order, and replaced from the last one down to `partition`, one at a time. */
export function statefulSetController(cluster: Cluster, now: () => number): Reconciler {
  const { registry } = cluster;

  function reconcile(set: KubeObject): number | undefined {
    const { spec, status } = statefulSetView.parse(set);
    const { name } = set.metadata;
    const updateRevision = `${name}-${templateHash(spec.template)}`;
    keepRevision(set, spec, updateRevision);
    const currentRevision = status.currentRevision ?? updateRevision;
    const owned = controlledBy(cluster, pods, set);
    const existing = new Map(owned.map((pod) => [pod.metadata.name, pod]));
    const ordinals = Array.from({ length: spec.replicas }, (_, ordinal) => existing.get(`${name}-${ordinal}`));
    const isSettled = (pod: KubeObject | undefined) => pod !== undefined && isReady(pod) && !isTerminating(pod);

    const firstMissing = ordinals.indexOf(undefined);
    const surplus = owned.filter((pod) => ordinalOf(pod) >= spec.replicas && !isTerminating(pod));
    const inOrder = spec.podManagementPolicy === 'OrderedReady';
    if (firstMissing >= 0 && (!inOrder || ordinals.slice(0, firstMissing).every(isSettled))) {
      createPod(set, spec, firstMissing, updateRevision);
    } else if (surplus.length > 0) {
      removeLast(surplus);
    } else if (spec.updateStrategy.type === 'RollingUpdate' && ordinals.every(isSettled)) {
      const { partition } = spec.updateStrategy.rollingUpdate;
      removeLast(owned.filter((pod) => ordinalOf(pod) >= partition && revisionOf(pod) !== updateRevision));
    }

    const living = controlledBy(cluster, pods, set).filter((pod) => !isTerminating(pod));
    const waits = living.map((pod) => untilAvailable(pod, spec.minReadySeconds, now()));
    const updated = living.filter((pod) => revisionOf(pod) === updateRevision).length;
    const rolledOut = updated === spec.replicas && living.length === spec.replicas && living.every(isReady);
    setStatus(cluster, statefulSets, set, {
      observedGeneration: set.metadata.generation,
      replicas: living.length,
      readyReplicas: living.filter(isReady).length,
      availableReplicas: waits.filter((wait) => wait === 0).length,
      currentReplicas: living.filter((pod) => revisionOf(pod) === currentRevision).length,
      updatedReplicas: updated,
      currentRevision: rolledOut ? updateRevision : currentRevision,
      updateRevision,
    });
    const pending = waits.filter((wait) => wait !== undefined && wait > 0);
    return pending.length === 0 ? undefined : Math.min(...pending.map((wait) => wait ?? 0));
  }

  /** One ControllerRevision for each template; that of the current one has the highest number. */
  function keepRevision(set: KubeObject, { template }: StatefulSetView['spec'], name: string): void {
    const kept = controlledBy(cluster, controllerRevisions, set);
    const numberOf = (object: KubeObject) => Number(object.revision);
    const highest = Math.max(0, ...kept.map(numberOf));
    const own = kept.find(({ metadata }) => metadata.name === name);
    if (own === undefined) {
      const metadata = {
        name,
        labels: { ...template.metadata.labels },
        ownerReferences: [ownerReference(statefulSets, set)],
      };
      const data = { spec: { template: { ...template, $patch: 'replace' } } };
      const manifest = { metadata, revision: highest + 1, data };
      registry.create(controllerRevisions, set.metadata.namespace ?? '', manifest, { manager });
    } else if (numberOf(own) < highest) {
      const change = (current: KubeObject) => ({ ...current, revision: highest + 1 });
      registry.modify(keyOf(controllerRevisions, own), change, { manager });
    }
  }

  function createPod(set: KubeObject, spec: StatefulSetView['spec'], ordinal: number, revision: string): void {
    const name = `${set.metadata.name}-${ordinal}`;
    const labels = {
      ...spec.template.metadata.labels,
      [revisionLabel]: revision,
      'statefulset.kubernetes.io/pod-name': name,
      'apps.kubernetes.io/pod-index': String(ordinal),
    };
    const ownerReferences = [ownerReference(statefulSets, set)];
    const metadata = { ...spec.template.metadata, name, labels, ownerReferences };
    registry.create(pods, set.metadata.namespace ?? '', { metadata, spec: spec.template.spec }, { manager });
  }

  function removeLast(candidates: readonly KubeObject[]): void {
    const last = [...candidates].sort((a, b) => ordinalOf(a) - ordinalOf(b)).at(-1);
    if (last !== undefined) registry.remove(keyOf(pods, last), {});
  }

  return { resource: statefulSets, reconcile };
}

function ordinalOf(pod: KubeObject): number {
  return Number(pod.metadata.name.split('-').at(-1));
}

function revisionOf(pod: KubeObject): string | undefined {
  return pod.metadata.labels?.[revisionLabel];
}

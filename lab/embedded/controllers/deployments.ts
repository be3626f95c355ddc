import type { KubeObject } from '../api-server/objects.ts';
import { deployments, type Resource, replicaSets } from '../api-server/resources.ts';
import { type Cluster, controlledBy, keyOf, manager, ownerReference, type Reconciler, setStatus } from './cluster.ts';
import { deploymentStatus } from './deployment-status.ts';
import { templateHash } from './template-hash.ts';
import { allowances, type DeploymentView, deploymentView, isTerminating, replicaSetView } from './views.ts';

const revisionAnnotation = 'deployment.kubernetes.io/revision';
const hashLabel = 'pod-template-hash';

/**
 * One ReplicaSet for each pod template, and rolling updates within maxSurge and maxUnavailable: new pods become ready before
 * old ones are deleted. After kubernetes `pkg/controller/deployment`; all old ReplicaSets are kept.
 */
export function deploymentController(cluster: Cluster, now: () => number): Reconciler {
  const { registry } = cluster;

  function reconcile(deployment: KubeObject): number | undefined {
    const { spec } = deploymentView.parse(deployment);
    const hash = templateHash(spec.template);
    const owned = () => controlledBy(cluster, replicaSets, deployment).filter((set) => !isTerminating(set));
    const isCurrent = (set: KubeObject) => set.metadata.labels?.[hashLabel] === hash;
    if (!spec.paused) {
      if (!owned().some(isCurrent)) createReplicaSet(deployment, spec, hash);
      setRevision(deployment, owned(), isCurrent);
    }
    const current = owned().find(isCurrent);
    const old = owned().filter((set) => !isCurrent(set));
    if (current !== undefined) {
      if (spec.paused) scale(current, spec.replicas);
      else if (spec.strategy.type === 'Recreate') recreate(current, old, spec);
      else roll(current, old, spec);
    }
    const { status, lookAgain } = deploymentStatus(deployment, spec, owned(), current?.metadata.name, now());
    setStatus(cluster, deployments, deployment, status);
    return lookAgain;
  }

  function createReplicaSet(deployment: KubeObject, spec: DeploymentView['spec'], hash: string): void {
    const { name, namespace = '' } = deployment.metadata;
    const labels = { ...spec.template.metadata.labels, [hashLabel]: hash };
    const selector = { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [hashLabel]: hash } };
    const template = { ...spec.template, metadata: { ...spec.template.metadata, labels } };
    const metadata = { name: `${name}-${hash}`, labels, ownerReferences: [ownerReference(deployments, deployment)] };
    const { minReadySeconds } = spec;
    const manifest = { metadata, spec: { replicas: 0, minReadySeconds, selector, template } };
    registry.create(replicaSets, namespace, manifest, { manager });
  }

  /** The current ReplicaSet has the highest revision, and the Deployment has the same one. */
  function setRevision(
    deployment: KubeObject,
    sets: readonly KubeObject[],
    isCurrent: (set: KubeObject) => boolean,
  ): void {
    const revisionOf = (set: KubeObject) => Number(set.metadata.annotations?.[revisionAnnotation] ?? 0);
    const before = Math.max(0, ...sets.filter((set) => !isCurrent(set)).map(revisionOf));
    for (const set of sets.filter(isCurrent)) {
      const revision = Math.max(revisionOf(set), before + 1);
      annotate(replicaSets, set, revision);
      annotate(deployments, deployment, revision);
    }
  }

  function annotate(resource: Resource, object: KubeObject, revision: number): void {
    if (object.metadata.annotations?.[revisionAnnotation] === String(revision)) return;
    const annotations = (metadata: KubeObject['metadata']) => ({
      ...metadata.annotations,
      [revisionAnnotation]: String(revision),
    });
    const change = (current: KubeObject) => ({
      ...current,
      metadata: { ...current.metadata, annotations: annotations(current.metadata) },
    });
    registry.modify(keyOf(resource, object), change, { manager });
  }

  function scale(set: KubeObject, replicas: number): void {
    if (replicaSetView.parse(set).spec.replicas === replicas) return;
    registry.update(keyOf(replicaSets, set), { spec: { replicas } }, { manager, subresource: 'scale' });
  }

  function recreate(current: KubeObject, old: readonly KubeObject[], spec: DeploymentView['spec']): void {
    for (const set of old) scale(set, 0);
    if (old.every((set) => replicaSetView.parse(set).status.replicas === 0)) scale(current, spec.replicas);
  }

  function roll(current: KubeObject, old: readonly KubeObject[], spec: DeploymentView['spec']): void {
    const { maxSurge, maxUnavailable } = allowances(spec);
    const own = replicaSetView.parse(current);
    const others = old.map((set) => ({ set, view: replicaSetView.parse(set) }));
    const views = [own, ...others.map(({ view }) => view)];
    const total = views.reduce((sum, view) => sum + view.spec.replicas, 0);
    const room = Math.max(0, spec.replicas + maxSurge - total);
    const wanted = Math.min(spec.replicas, own.spec.replicas + room);
    scale(current, wanted);

    const available = views.reduce((sum, view) => sum + view.status.availableReplicas, 0);
    const least = spec.replicas - maxUnavailable;
    /** How many old pods may be deleted in total, and how many of the available ones. */
    let removable = Math.max(0, total - least - Math.max(0, wanted - own.status.availableReplicas));
    let spare = Math.max(0, available - least);
    for (const { set, view } of others) {
      const unhealthy = Math.min(Math.max(0, view.spec.replicas - view.status.availableReplicas), removable);
      removable -= unhealthy;
      const healthy = Math.min(view.spec.replicas - unhealthy, spare, removable);
      removable -= healthy;
      spare -= healthy;
      scale(set, view.spec.replicas - unhealthy - healthy);
    }
  }

  return { resource: deployments, reconcile };
}

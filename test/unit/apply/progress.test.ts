import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMadeBy, podProgressOf, podsOf, warningEvent } from '../../../src/apply/pod-progress.ts';
import { progressOf } from '../../../src/apply/progress.ts';
import { waitPermissions } from '../../../src/apply/watch-list.ts';
import { isEnding, pod } from '../../../src/cluster/pods.ts';
import { kubernetesObject } from '../../../src/cluster/schema.ts';

/** An object whose controller has seen it. */
function object(kind: string, apiVersion: string, spec: object, status: object, metadata: object = {}) {
  return kubernetesObject.parse({
    apiVersion,
    kind,
    metadata: { name: 'web', namespace: 'shop', generation: 2, ...metadata },
    spec,
    status: { observedGeneration: 2, ...status },
  });
}

const deployment = (spec: object, status: object, metadata: object = {}) =>
  object('Deployment', 'apps/v1', spec, status, metadata);

describe('a Deployment', () => {
  const small = fc.integer({ min: 0, max: 5 });

  it('is done exactly when all pods are of its version and available, whatever its numbers', () => {
    fc.assert(
      fc.property(small, small, small, small, small, (replicas, all, updated, available, observed) => {
        const status = { replicas: all, updatedReplicas: updated, availableReplicas: available };
        const { state } = progressOf(deployment({ replicas }, { ...status, observedGeneration: observed }));
        const isDone = observed >= 2 && updated >= replicas && available >= replicas && all <= updated;
        expect(state).toBe(isDone ? 'done' : 'waiting');
      }),
    );
  });

  it('is not judged by the status of its former version', () => {
    const status = { replicas: 1, updatedReplicas: 1, availableReplicas: 1, observedGeneration: 1 };
    expect(progressOf(deployment({ replicas: 1 }, status)).state).toBe('waiting');
    expect(progressOf(kubernetesObject.parse({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: {} })).state).toBe(
      'waiting',
    );
  });

  it('fails when its controller has given up', () => {
    const conditions = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
    expect(progressOf(deployment({ replicas: 2, progressDeadlineSeconds: 60 }, { conditions }))).toEqual({
      state: 'failed',
      text: 'made no progress for 60 s (ProgressDeadlineExceeded): 0 of 2 updated, 0 available',
    });
  });

  it('has a problem of bounded patience when the quota is full or a rule refuses it, and of none when it is something else', () => {
    const failing = (message: string) =>
      progressOf(
        deployment(
          { replicas: 1 },
          { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }] },
        ),
      ).problem;
    expect(failing('pods "web-1" is forbidden: exceeded quota: small')?.patience).toBe(20_000);
    expect(failing('timed out')?.patience).toBe(Number.POSITIVE_INFINITY);
    expect(failing('admission webhook "rules.example" denied the request: no limits')?.patience).toBe(20_000);
    expect(failing('Internal error occurred: failed calling webhook "rules.example"')?.patience).toBe(
      Number.POSITIVE_INFINITY,
    );
  });
});

describe('other kinds', () => {
  it.each([
    [
      'a StatefulSet with its last pod old',
      'StatefulSet',
      'apps/v1',
      { replicas: 2 },
      { replicas: 2, updatedReplicas: 1, readyReplicas: 2, availableReplicas: 2 },
      'waiting',
    ],
    [
      'a StatefulSet updated above its partition',
      'StatefulSet',
      'apps/v1',
      { replicas: 3, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } },
      { replicas: 3, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3 },
      'done',
    ],
    [
      'a StatefulSet updated by hand',
      'StatefulSet',
      'apps/v1',
      { replicas: 3, updateStrategy: { type: 'OnDelete' } },
      { replicas: 3, updatedReplicas: 0, readyReplicas: 3 },
      'done',
    ],
    [
      'a DaemonSet on one of two nodes',
      'DaemonSet',
      'apps/v1',
      {},
      { desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 },
      'waiting',
    ],
    ['a DaemonSet without nodes', 'DaemonSet', 'apps/v1', {}, { desiredNumberScheduled: 0 }, 'done'],
    ['a running Job', 'Job', 'batch/v1', {}, { active: 1 }, 'waiting'],
    ['a complete Job', 'Job', 'batch/v1', {}, { conditions: [{ type: 'Complete', status: 'True' }] }, 'done'],
    [
      'a failed Job',
      'Job',
      'batch/v1',
      {},
      { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] },
      'failed',
    ],
    ['a suspended Job', 'Job', 'batch/v1', { suspend: true }, {}, 'done'],
    ['a claim that waits for a pod', 'PersistentVolumeClaim', 'v1', {}, { phase: 'Pending' }, 'done'],
    ['a bound claim', 'PersistentVolumeClaim', 'v1', {}, { phase: 'Bound' }, 'done'],
    ['a Service', 'Service', 'v1', { type: 'ClusterIP' }, {}, 'done'],
    ['a load balancer without an address', 'Service', 'v1', { type: 'LoadBalancer' }, {}, 'waiting'],
    [
      'a load balancer',
      'Service',
      'v1',
      { type: 'LoadBalancer' },
      { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
      'done',
    ],
    ['a definition', 'CustomResourceDefinition', 'apiextensions.k8s.io/v1', {}, {}, 'waiting'],
    [
      'an established definition',
      'CustomResourceDefinition',
      'apiextensions.k8s.io/v1',
      {},
      { conditions: [{ type: 'Established', status: 'True' }] },
      'done',
    ],
    [
      'a definition whose names are taken',
      'CustomResourceDefinition',
      'apiextensions.k8s.io/v1',
      {},
      { conditions: [{ type: 'NamesAccepted', status: 'False', reason: 'PluralConflict' }] },
      'failed',
    ],
    [
      'a custom resource that is not ready',
      'Till',
      'acme.example/v1',
      {},
      { conditions: [{ type: 'Ready', status: 'False' }] },
      'waiting',
    ],
    [
      'a custom resource whose status is old',
      'Till',
      'acme.example/v1',
      {},
      { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] },
      'waiting',
    ],
    [
      'a ready custom resource',
      'Till',
      'acme.example/v1',
      {},
      { conditions: [{ type: 'Ready', status: 'True' }] },
      'done',
    ],
    [
      'a stalled custom resource',
      'Till',
      'acme.example/v1',
      {},
      { conditions: [{ type: 'Stalled', status: 'True' }] },
      'failed',
    ],
  ])('%s', (_, kind, apiVersion, spec, status, state) => {
    expect(progressOf(object(kind, apiVersion, spec, status)).state).toBe(state);
  });

  it('what has no status is there', () => {
    expect(progressOf(kubernetesObject.parse({ apiVersion: 'v1', kind: 'ConfigMap', metadata: {} })).state).toBe(
      'done',
    );
  });

  it('waits for a claim that is being provided for', () => {
    const annotations = { 'volume.kubernetes.io/storage-provisioner': 'disks' };
    expect(progressOf(object('PersistentVolumeClaim', 'v1', {}, { phase: 'Pending' }, { annotations })).state).toBe(
      'waiting',
    );
  });
});

const status = (container: object, more: object = {}) => ({
  phase: 'Pending',
  containerStatuses: [{ name: 'app', restartCount: 0, ...container }],
  ...more,
});

function podWith(podStatus: object, metadata: object = {}) {
  return pod.parse({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', namespace: 'shop', ...metadata },
    spec: { containers: [{ name: 'app', image: 'shop:2' }] },
    status: podStatus,
  });
}

function warning(reason: string, message: string) {
  return warningEvent.parse({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e' },
    reason,
    message,
    involvedObject: { kind: 'Pod', name: 'web-1', uid: '1' },
  });
}

describe('a pod', () => {
  const patience = { maxRestarts: 2 };
  const crashed = (restartCount: number, state: object) =>
    podWith(status({ restartCount, state, lastState: { terminated: { exitCode: 7, reason: 'Error' } } }));

  it('waits for a node, with what the scheduler says', () => {
    const conditions = [
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available.' },
    ];
    const progress = podProgressOf(podWith({ conditions }), [], patience);
    expect(progress).toMatchObject({
      text: 'waits for a node: 0/1 nodes are available.',
      problem: { patience: 180_000 },
    });
  });

  it('waits for a gate as long as its deploy, as somebody takes it away in his own time', () => {
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'is gated.' }];
    const progress = podProgressOf(podWith({ conditions }), [], patience);
    expect(progress).toMatchObject({ text: 'waits for a node: is gated.', ordinary: false });
    expect(progress.problem).toBeUndefined();
  });

  it('says why its image can not be had, though the back-off does not', () => {
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "shop:2"' };
    const said = warning('Failed', 'Failed to pull image "shop:2": not found');
    const progress = podProgressOf(podWith(status({ state: { waiting } })), [said], patience);
    expect(progress.text).toBe(`container app can't get its image shop:2: not found`);
    expect(progress.problem?.patience).toBe(30_000);
  });

  it('is given up after so many crashes in a row, not before', () => {
    const backOff = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } };
    expect(podProgressOf(crashed(1, backOff), [], patience).problem).toBeUndefined();
    expect(podProgressOf(crashed(3, { running: {} }), [], patience).problem).toBeUndefined();
    expect(podProgressOf(crashed(2, backOff), [], patience)).toMatchObject({
      text: 'container app crashed 3 times (exit code 7)',
      problem: { patience: 0 },
      crash: { container: 'app', previous: true },
    });
    expect(podProgressOf(crashed(3, backOff), [], { maxRestarts: Number.POSITIVE_INFINITY }).problem).toBeUndefined();
  });

  it('has not crashed when a container ended well', () => {
    const done = podWith(status({ state: { terminated: { exitCode: 0, reason: 'Completed' } } }));
    expect(podProgressOf(done, [], patience).crash).toBeUndefined();
  });

  it('says what a warning says, and nothing of an ordinary step', () => {
    const creating = podWith(status({ state: { waiting: { reason: 'ContainerCreating' } } }));
    expect(podProgressOf(creating, [], patience)).toMatchObject({ ordinary: true });
    expect(podProgressOf(creating, [warning('FailedMount', 'secret "x" not found')], patience)).toMatchObject({
      ordinary: false,
      text: 'FailedMount: secret "x" not found',
    });
  });
});

describe('the pods of a workload', () => {
  const owned = (uid: string, name: string, more: object = {}) =>
    podWith({}, { name, ownerReferences: [{ kind: 'ReplicaSet', name: 'x', uid }], ...more });
  const replicaSet = (uid: string, revision: string) =>
    kubernetesObject.parse({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: uid,
        uid,
        annotations: { 'deployment.kubernetes.io/revision': revision },
        ownerReferences: [{ kind: 'Deployment', name: 'web', uid: 'd' }],
      },
    });

  it('are those of its present version that stay', () => {
    const web = deployment({}, {}, { uid: 'd', annotations: { 'deployment.kubernetes.io/revision': '2' } });
    const pods = [
      owned('old', 'a'),
      owned('new', 'b'),
      owned('new', 'c', { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    ];
    const found = podsOf(web, pods, [replicaSet('old', '1'), replicaSet('new', '2')]);
    expect(found.map(({ metadata }) => metadata.name)).toEqual(['b']);
  });

  it('are of whatever version where they make room by their end', () => {
    const web = deployment({}, {}, { uid: 'd', annotations: { 'deployment.kubernetes.io/revision': '2' } });
    const replicaSets = [replicaSet('old', '1'), replicaSet('new', '2')];
    expect(isMadeBy(owned('old', 'a'), web, replicaSets)).toBe(true);
    expect(isMadeBy(owned('another', 'd'), web, replicaSets)).toBe(false);
    const end = Date.UTC(2026, 0, 1);
    const former = owned('old', 'a', { deletionTimestamp: new Date(end).toISOString() });
    expect([isEnding(former, end - 1), isEnding(former, end), isEnding(owned('old', 'a'), end)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('the rights to wait', () => {
  const reference = (apiVersion: string, kind: string, plural: string) => ({
    type: { apiVersion, kind, plural },
    namespace: 'shop',
    name: 'web',
  });

  it('do not hold those to list Secrets', () => {
    const settled = [
      reference('v1', 'Secret', 'secrets'),
      reference('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
      reference('autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
    ];
    expect(waitPermissions(settled)).toEqual([]);
    const asked = waitPermissions([...settled, reference('apps/v1', 'Deployment', 'deployments')]);
    expect(
      asked.map(({ resource, subresource }) => [resource, subresource].filter(Boolean).join('/')).toSorted(),
    ).toEqual(['deployments', 'events', 'pods', 'pods/log', 'replicasets']);
  });
});

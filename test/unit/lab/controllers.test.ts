import { request } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from '../../../lab/embedded/api-server/index.ts';
import type { KubeObject } from '../../../lab/embedded/api-server/objects.ts';
import { loopbackPort, readyPods } from '../../../lab/embedded/api-server/proxy.ts';
import {
  deployments,
  horizontalPodAutoscalers,
  pods,
  type Resource,
  replicaSets,
  statefulSets,
} from '../../../lab/embedded/api-server/resources.ts';
import {
  type Controllers,
  type ControllersOptions,
  startControllers,
} from '../../../lab/embedded/controllers/index.ts';
import { isReady } from '../../../lab/embedded/controllers/views.ts';
import { createImages, digestOf, type ImageBehaviour, type Images } from '../../../lab/embedded/images.ts';

interface World {
  readonly api: ApiServer;
  readonly images: Images;
  readonly controllers: Controllers;
}

const worlds: World[] = [];
afterEach(async () => {
  for (const { api, controllers } of worlds.splice(0)) {
    controllers.stop();
    await api.stop();
  }
});

async function world(
  behaviours: Readonly<Record<string, ImageBehaviour>> = {},
  options: Partial<ControllersOptions> = {},
): Promise<World> {
  const api = await startApiServer();
  const images = createImages({ 'app:1': {}, 'app:2': {}, ...behaviours });
  const controllers = startControllers(api, { images, readyAfter: 5, drain: 5, crashBackOff: 20, ...options });
  const made = { api, images, controllers };
  worlds.push(made);
  return made;
}

function workload(kind: string, image: string, replicas: number, spec: object = {}) {
  const labels = { app: 'app' };
  const containers = [{ name: 'app', image, ports: [{ name: 'http', containerPort: 8080 }] }];
  const template = { metadata: { labels }, spec: { containers } };
  const metadata = { name: 'app', namespace: 'default' };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata,
    spec: { replicas, selector: { matchLabels: labels }, template, ...spec },
  };
}

function statusOf(api: ApiServer, resource: Resource, name = 'app'): unknown {
  return api.storage.get(resource, 'default', name)?.status;
}

function podsOf(api: ApiServer): KubeObject[] {
  return api.storage.list(pods, 'default').filter((pod) => pod.metadata.deletionTimestamp === undefined);
}

const soon = { timeout: 5_000, interval: 5 };

describe('a Deployment', () => {
  test('runs its pods as real sockets and reports what it has', async () => {
    const { api } = await world();
    api.put(workload('Deployment', 'app:1', 2));
    await expect
      .poll(() => statusOf(api, deployments), soon)
      .toMatchObject({
        observedGeneration: 1,
        replicas: 2,
        updatedReplicas: 2,
        readyReplicas: 2,
        availableReplicas: 2,
        conditions: [
          { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
          { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
        ],
      });
    for (const pod of podsOf(api)) {
      expect(pod.status).toMatchObject({
        phase: 'Running',
        containerStatuses: [{ image: 'app:1', imageID: `app@${digestOf('app:1')}`, ready: true, restartCount: 0 }],
      });
      const answer = await request(`http://127.0.0.1:${loopbackPort(pod, 8080)}/`);
      expect(await answer.body.json()).toEqual({ version: '1', pod: pod.metadata.name });
    }
  });

  test('is rolled without ever having fewer ready pods than maxUnavailable allows, or more pods than maxSurge', async () => {
    const { api } = await world();
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };
    api.put(workload('Deployment', 'app:1', 3, { strategy }));
    await expect.poll(() => podsOf(api).filter(isReady).length, soon).toBe(3);

    const seen: { ready: number; all: number }[] = [];
    const unsubscribe = api.storage.subscribe(() =>
      seen.push({ ready: podsOf(api).filter(isReady).length, all: podsOf(api).length }),
    );
    api.put(workload('Deployment', 'app:2', 3, { strategy }));
    const rolledOut = { observedGeneration: 2, updatedReplicas: 3, replicas: 3, availableReplicas: 3 };
    await expect.poll(() => statusOf(api, deployments), soon).toMatchObject(rolledOut);
    unsubscribe();
    expect(Math.min(...seen.map(({ ready }) => ready))).toBe(3);
    expect(Math.max(...seen.map(({ all }) => all))).toBe(4);
    expect(api.storage.get(deployments, 'default', 'app')?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '2',
    });
  });

  test('given its old template again, it takes the old ReplicaSet again', async () => {
    const { api } = await world();
    for (const [index, image] of ['app:1', 'app:2', 'app:1'].entries()) {
      api.put(workload('Deployment', image, 1));
      const rolledOut = { observedGeneration: index + 1, updatedReplicas: 1, replicas: 1, availableReplicas: 1 };
      await expect.poll(() => statusOf(api, deployments), soon).toMatchObject(rolledOut);
    }
    expect(api.storage.list(replicaSets, 'default')).toHaveLength(2);
  });

  test('whose new pods never get ready keeps the old ones, and in the end has failed to progress', async () => {
    const { api } = await world({ 'app:2': { neverReady: true } });
    api.put(workload('Deployment', 'app:1', 2));
    await expect.poll(() => podsOf(api).filter(isReady).length, soon).toBe(2);
    api.put(workload('Deployment', 'app:2', 2, { progressDeadlineSeconds: 1 }));
    await expect
      .poll(() => statusOf(api, deployments), soon)
      .toMatchObject({
        availableReplicas: 2,
        updatedReplicas: 1,
        conditions: [
          { type: 'Available', status: 'True' },
          { status: 'False', reason: 'ProgressDeadlineExceeded' },
        ],
      });
  });

  test('that is paused changes nothing but its scale', async () => {
    const { api } = await world();
    api.put(workload('Deployment', 'app:1', 1));
    await expect.poll(() => statusOf(api, deployments), soon).toMatchObject({ availableReplicas: 1 });
    api.put(workload('Deployment', 'app:2', 1, { paused: true }));
    await expect.poll(() => statusOf(api, deployments), soon).toMatchObject({ observedGeneration: 2 });
    expect(api.storage.list(replicaSets, 'default')).toHaveLength(1);
  });

  test('deleted in the foreground goes after its pods', async () => {
    const { api } = await world();
    api.put(workload('Deployment', 'app:1', 1));
    await expect.poll(() => statusOf(api, deployments), soon).toMatchObject({ availableReplicas: 1 });
    const order: string[] = [];
    api.storage.subscribe(({ type, resource }) => {
      if (type === 'DELETED') order.push(resource.kind);
    });
    api.registry.remove(
      { resource: deployments, namespace: 'default', name: 'app' },
      { propagationPolicy: 'Foreground' },
    );
    await expect.poll(() => order, soon).toEqual(['Pod', 'ReplicaSet', 'Deployment']);
  });
});

describe('a StatefulSet', () => {
  test('makes its pods in order and replaces them from the last one down', async () => {
    const { api } = await world();
    const order: string[] = [];
    api.storage.subscribe(({ type, resource, object }) => {
      if (resource === pods && type !== 'MODIFIED') order.push(`${type} ${object.metadata.name}`);
    });
    api.put(workload('StatefulSet', 'app:1', 2, { serviceName: 'app' }));
    await expect.poll(() => statusOf(api, statefulSets), soon).toMatchObject({ readyReplicas: 2, updatedReplicas: 2 });
    api.put(workload('StatefulSet', 'app:2', 2, { serviceName: 'app' }));
    await expect
      .poll(() => statusOf(api, statefulSets), soon)
      .toMatchObject({ observedGeneration: 2, readyReplicas: 2, updatedReplicas: 2 });
    expect(order).toEqual([
      'ADDED app-0',
      'ADDED app-1',
      'DELETED app-1',
      'ADDED app-1',
      'DELETED app-0',
      'ADDED app-0',
    ]);
  });
});

describe('a pod', () => {
  const container = (api: ApiServer) => {
    const [pod] = podsOf(api);
    return pod?.status;
  };

  test('whose process exits is restarted and then in CrashLoopBackOff', async () => {
    const { api } = await world({ 'app:2': { crashAfter: 1 } }, { crashBackOff: 10_000 });
    api.put(workload('Deployment', 'app:2', 1));
    await expect
      .poll(() => container(api), soon)
      .toMatchObject({
        containerStatuses: [
          {
            ready: false,
            restartCount: 2,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { exitCode: 1, reason: 'Error' } },
          },
        ],
      });
  });

  test('killed for its memory says so, and is ready again after its restart', async () => {
    const { api, controllers } = await world();
    api.put(workload('Deployment', 'app:1', 1));
    await expect.poll(() => podsOf(api).filter(isReady).length, soon).toBe(1);
    controllers.crash('default', podsOf(api)[0]?.metadata.name ?? '', { outOfMemory: true });
    expect(podsOf(api).filter(isReady)).toHaveLength(0);
    await expect.poll(() => podsOf(api).filter(isReady).length, soon).toBe(1);
    expect(container(api)).toMatchObject({
      containerStatuses: [{ restartCount: 1, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
    });
  });

  test.each([
    ['that does not exist', 'app:unknown', {}],
    ['that the registry refuses', 'app:2', { 'app:2': { pullFailure: 'pull access denied' } }],
  ])('with an image %s is in ImagePullBackOff', async (_, image, behaviours) => {
    const { api } = await world(behaviours);
    api.put(workload('Deployment', image, 1));
    await expect
      .poll(() => container(api), soon)
      .toMatchObject({
        phase: 'Pending',
        containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff' } } }],
      });
  });

  test('finds its image by digest too', async () => {
    const { api } = await world();
    api.put(workload('Deployment', `app@${digestOf('app:1')}`, 1));
    await expect.poll(() => podsOf(api).filter(isReady).length, soon).toBe(1);
  });

  test('follows its image’s behaviour while it runs', async () => {
    const { api, images } = await world();
    api.put(workload('Deployment', 'app:1', 1));
    await expect.poll(() => podsOf(api).filter(isReady).length, soon).toBe(1);
    images.set('app:1', { errorRate: 1 });
    const [pod] = podsOf(api);
    const answer = await request(`http://127.0.0.1:${pod && loopbackPort(pod, 8080)}/`);
    expect(answer.statusCode).toBe(500);
    await answer.body.dump();
    images.set('app:1', { neverReady: true });
    await expect.poll(() => podsOf(api).filter(isReady).length, soon).toBe(0);
  });

  test('draws the same errors for the same seed', async () => {
    const draws = async () => {
      const { api } = await world({ 'app:1': { errorRate: 0.5, latency: 0 } });
      api.put(workload('StatefulSet', 'app:1', 1, { serviceName: 'app' }));
      await expect.poll(() => podsOf(api).filter(isReady).length, soon).toBe(1);
      const [pod] = podsOf(api);
      const statuses: number[] = [];
      for (let sent = 0; sent < 20; sent += 1) {
        const answer = await request(`http://127.0.0.1:${pod && loopbackPort(pod, 8080)}/`);
        statuses.push(answer.statusCode);
        await answer.body.dump();
      }
      return statuses;
    };
    const first = await draws();
    expect(new Set(first)).toEqual(new Set([200, 500]));
    expect(await draws()).toEqual(first);
  });
});

describe('a Service', () => {
  test('lists as ready exactly the pods that are, and none that is on its way out', async () => {
    const { api } = await world();
    const spec = { selector: { app: 'app' }, ports: [{ port: 80, targetPort: 'http' }] };
    api.put({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'app' }, spec });
    api.put(workload('Deployment', 'app:1', 2));
    await expect.poll(() => readyPods(api.storage, 'default', 'app').length, soon).toBe(2);
    api.put(workload('Deployment', 'app:1', 1));
    await expect.poll(() => readyPods(api.storage, 'default', 'app').length, soon).toBe(1);
  });
});

describe('a HorizontalPodAutoscaler', () => {
  test('holds its target between its limits', async () => {
    const { api } = await world();
    api.put(workload('Deployment', 'app:1', 1));
    api.put({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'app' },
      spec: {
        minReplicas: 2,
        maxReplicas: 3,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'app' },
      },
    });
    await expect.poll(() => statusOf(api, deployments), soon).toMatchObject({ availableReplicas: 2 });
    api.put(workload('Deployment', 'app:1', 9));
    await expect.poll(() => statusOf(api, deployments), soon).toMatchObject({ availableReplicas: 3 });
    expect(statusOf(api, horizontalPodAutoscalers)).toMatchObject({ desiredReplicas: 3 });
  });
});

test('a namespace takes all that is in it with it', async () => {
  const { api } = await world();
  api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  const manifest = workload('Deployment', 'app:1', 1);
  api.put({ ...manifest, metadata: { ...manifest.metadata, namespace: 'shop' } });
  await expect.poll(() => api.storage.list(pods, 'shop').filter(isReady).length, soon).toBe(1);
  await request(`${api.url}/api/v1/namespaces/shop`, {
    method: 'DELETE',
    headers: { authorization: 'Bearer embedded-admin-token' },
  });
  await expect
    .poll(() => [deployments, replicaSets, pods].flatMap((kind) => api.storage.list(kind, 'shop')), soon)
    .toEqual([]);
});

import { describe, expect, test, vi } from 'vitest';
import {
  create,
  deployment,
  deployments,
  eventually,
  itemsOf,
  mergePatch,
  pods,
  target,
  workload,
} from './api-server-target.ts';

describe('workloads', () => {
  test('a Deployment gets a ReplicaSet and pods that belong to each other', async (context) => {
    if (!target.has.controllers) context.skip();
    const { metadata } = await create(deployments(), deployment('grown', { replicas: 2 }));
    const selector = 'labelSelector=app%3Dgrown';
    const replicaSets = `/apis/apps/v1/namespaces/${target.namespace}/replicasets?${selector}`;
    const sets = itemsOf(await eventually(replicaSets, (_, body) => itemsOf(body).length === 1));
    expect(sets[0]?.metadata.ownerReferences).toMatchObject([
      { kind: 'Deployment', uid: metadata.uid, controller: true, blockOwnerDeletion: true },
    ]);
    const hash = sets[0]?.metadata.labels?.['pod-template-hash'];
    expect(sets[0]?.metadata.name).toBe(`grown-${hash}`);
    const grown = itemsOf(await eventually(`${pods()}?${selector}`, (_, body) => itemsOf(body).length === 2));
    for (const pod of grown) {
      expect(pod.metadata.name).toMatch(new RegExp(`^grown-${hash}-[a-z0-9]{5}$`));
      expect(pod.metadata.labels).toEqual({ app: 'grown', 'pod-template-hash': hash });
      expect(pod.metadata.ownerReferences).toMatchObject([{ kind: 'ReplicaSet', uid: sets[0]?.metadata.uid }]);
    }
    await eventually(deployments('grown'), (_, body) => workload.parse(body).status?.observedGeneration === 1);
    await target.call('DELETE', deployments('grown'), { body: { propagationPolicy: 'Background' } });
    await eventually(`${pods()}?${selector}`, (_, body) => itemsOf(body).length === 0);
  });

  test('a changed pod template gets a ReplicaSet of its own', async (context) => {
    if (!target.has.controllers) context.skip();
    await create(deployments(), deployment('rolled', { replicas: 1 }));
    await eventually(deployments('rolled'), (_, body) => workload.parse(body).status?.observedGeneration === 1);
    const body = { spec: { template: { metadata: { annotations: { changed: 'yes' } } } } };
    await target.object('PATCH', deployments('rolled'), { body, contentType: mergePatch });
    const path = `/apis/apps/v1/namespaces/${target.namespace}/replicasets?labelSelector=app%3Drolled`;
    await eventually(path, (_, list) => itemsOf(list).length === 2);
    await target.call('DELETE', deployments('rolled'));
  });

  test('the pod proxy reaches the port of a pod that runs', async (context) => {
    const { image } = target.has;
    if (image === undefined) context.skip();
    const containers = [{ name: 'app', image, ports: [{ containerPort: 8080 }] }];
    await create(deployments(), deployment('served', { replicas: 1 }, containers));
    await eventually(deployments('served'), (_, body) => workload.parse(body).status?.availableReplicas === 1);
    const { body } = await target.call('GET', `${pods()}?labelSelector=app%3Dserved`);
    const name = itemsOf(body)[0]?.metadata.name;
    expect(await target.call('GET', `${pods()}/${name}:8080/proxy/metrics`)).toMatchObject({
      status: 200,
      body: expect.stringContaining('# TYPE'),
    });
    expect(await target.call('GET', `${pods()}/${name}:9999/proxy/metrics`)).toMatchObject({ status: 503 });
    expect(await target.call('GET', `${pods()}/absent:8080/proxy/metrics`)).toMatchObject({ status: 404 });
    await target.call('DELETE', deployments('served'));
  });
});

test('the EndpointSlices of a Service list the pods that it selects, and none are made without a selector', async (context) => {
  const { image } = target.has;
  if (image === undefined) context.skip();
  const services = `/api/v1/namespaces/${target.namespace}/services`;
  const slices = (service: string) =>
    `/apis/discovery.k8s.io/v1/namespaces/${target.namespace}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D${service}`;
  const service = (name: string, spec: object) =>
    create(services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { ports: [{ port: 80 }], ...spec },
    });
  await create(deployments(), deployment('listed', { replicas: 1 }, [{ name: 'app', image }]));
  await service('listed', { selector: { app: 'listed' } });
  await service('by-hand', {});
  await eventually(deployments('listed'), (_, body) => workload.parse(body).status?.availableReplicas === 1);
  const { body } = await target.call('GET', `${pods()}?labelSelector=app%3Dlisted`);
  const { name, uid } = itemsOf(body)[0]?.metadata ?? {};
  const listed = (_: number, answer: unknown) => JSON.stringify(answer).includes('"ready":true');
  expect(itemsOf(await eventually(slices('listed'), listed))).toMatchObject([
    {
      endpoints: [
        {
          addresses: [expect.stringMatching(/^[\d.]+$/)],
          conditions: { ready: true, serving: true, terminating: false },
          targetRef: { kind: 'Pod', name, uid },
        },
      ],
    },
  ]);
  expect(itemsOf((await target.call('GET', slices('by-hand'))).body)).toEqual([]);
  await target.call('DELETE', deployments('listed'));
  await eventually(slices('listed'), (_, answer) => !JSON.stringify(answer).includes('"ready":true'));
  for (const each of ['listed', 'by-hand']) await target.call('DELETE', `${services}/${each}`);
});

test('a proxied service without endpoints is 503 ServiceUnavailable', async () => {
  const path = `/api/v1/namespaces/${target.namespace}/services`;
  const spec = { selector: { app: 'nothing' }, ports: [{ port: 80 }] };
  await create(path, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'empty' }, spec });
  // The proxy learns of Services by a watch of its own.
  await vi.waitFor(async () =>
    expect(await target.call('GET', `${path}/empty:80/proxy/`)).toMatchObject({
      status: 503,
      body: { reason: 'ServiceUnavailable', message: 'no endpoints available for service "empty"' },
    }),
  );
  expect(await target.call('GET', `${path}/empty:81/proxy/`)).toMatchObject({
    status: 503,
    body: { message: 'no service port 81 found for service "empty"' },
  });
});

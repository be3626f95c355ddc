import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type ObjectReference, resources } from '../../src/cluster/resources.ts';
import {
  create,
  createService,
  edit,
  fresh,
  namespace,
  refusal,
  routerOf,
  signal,
  spec,
  target,
} from './routers-target.ts';

describe.runIf(target.has.controllers && target.has.image !== undefined)('the replicas router', () => {
  const selected = (name: string) => ({ app: name });

  async function workload(name: string, labels: Record<string, string>, replicas: number): Promise<ObjectReference> {
    const containers = [{ name: 'app', image: target.has.image, ports: [{ containerPort: 8080 }] }];
    return create(resources.deployment, name, {
      spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
    });
  }

  async function replicasFixture(pods: number, ofStable: Record<string, string> = { arm: 'stable' }) {
    const app = fresh('replicas');
    await createService(app);
    const stable = await workload(`${app}-stable`, { ...selected(app), ...ofStable }, pods);
    const canary = await workload(`${app}-canary`, { ...selected(app), arm: 'canary' }, 0);
    const options = {
      kind: 'replicas',
      namespace,
      service: app,
      stable: { kind: 'Deployment', name: stable.name },
      canary: { kind: 'Deployment', name: canary.name },
    } as const;
    const counts = async () =>
      Promise.all(
        [stable, canary].map(async (arm) => z.looseObject({ replicas: z.number() }).parse(await spec(arm)).replicas),
      );
    return { options, stable, canary, counts, app };
  }

  test('approximates weights by pods, says how well, and gives the counts back', async () => {
    const { options, counts } = await replicasFixture(4);
    const router = routerOf(options);
    const found = await router.inspect(signal);
    await router.confirm(found, 0, signal);
    await router.shift(found, 0, 30, signal);
    expect((await router.confirm(found, 30, signal)).evidence).toBe(
      'asked 30 %, 1 of 4 pods = 25.0 %; ready: 3 stable and 1 canary endpoints of 3 and 1',
    );
    expect(await counts()).toEqual([3, 1]);
    expect(await router.weight(found, signal)).toBe(25);
    await router.shift(found, 30, 100, signal);
    await router.confirm(found, 100, signal);
    expect(await counts()).toEqual([0, 4]);
    await router.restore(found, [100], signal);
    expect(await counts()).toEqual([4, 0]);
    expect(await router.weight(found, signal)).toBe(0);
    await router.confirm(found, 0, signal);
  });

  test('counts each pod for one arm where the stable selector picks those of both', async () => {
    const { options } = await replicasFixture(2, {});
    const router = routerOf(options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 50, signal);
    expect((await router.confirm(found, 50, signal)).evidence).toContain(
      'ready: 1 stable and 1 canary endpoints of 1 and 1',
    );
  });

  test('names who scaled the stable workload', async () => {
    const { options, stable, counts } = await replicasFixture(2);
    const router = routerOf(options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 50, signal);
    await router.confirm(found, 50, signal);
    await edit(stable, [{ op: 'replace', path: '/spec/replicas', value: 7 }]);
    const error = await refusal(router.restore(found, [50], signal));
    expect(error).toMatchObject({ code: 'foreign-edit', problem: expect.stringContaining('"kubectl-edit"') });
    expect(await counts()).toEqual([7, 1]);
  });

  test('refuses a Service that does not select both arms', async () => {
    const { options, app } = await replicasFixture(1);
    await createService(`${app}-other`);
    const error = await refusal(routerOf({ ...options, service: `${app}-other` }).inspect(signal));
    expect(error).toMatchObject({
      code: 'unsupported',
      problem: expect.stringContaining('does not select the pods of'),
    });
  });

  test('refuses workloads that an autoscaler scales', async () => {
    const { options, stable } = await replicasFixture(1);
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: stable.name };
    await create(resources.horizontalPodAutoscaler, stable.name, { spec: { scaleTargetRef, maxReplicas: 3 } });
    expect((await refusal(routerOf(options).inspect(signal))).problem).toContain(
      'is scaled by HorizontalPodAutoscaler',
    );
  });
});

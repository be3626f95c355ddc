import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { Arms, ArmsSnapshot } from '../../src/canary/ports.ts';
import { resources } from '../../src/cluster/resources.ts';
import { existingArms, recordedArms } from '../../src/workloads/arms/arms.ts';
import { parseWorkloadInput } from '../../src/workloads/workload.ts';
import { armsOptionsFor, derivedArmsFor, imageIn, putReadyShop } from '../support/derived-shop.ts';
import { createQuickClock, type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { putShop } from '../support/shop.ts';

const clock = createQuickClock(50);
const signal = new AbortController().signal;
const learn = async () => undefined;
const image = (version: string) => `registry.example/checkout:${version}`;
let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({ [image('0')]: {}, [image('1')]: {}, [image('2')]: {} });
});
afterAll(() => cluster.stop());

let count = 0;
async function openShop(): Promise<string> {
  count += 1;
  const namespace = `forged-${count}`;
  await putReadyShop(cluster, namespace, { replicas: 1, image: image('1') });
  return namespace;
}

const imageOf = (namespace: string) => imageIn(cluster, namespace);
const optionsFor = (namespace: string) => armsOptionsFor(cluster, namespace, clock);

function armsOf(namespace: string, deployment = 'checkout', wanted = image('2')): Arms {
  return derivedArmsFor(optionsFor(namespace), { image: wanted, workload: `deployment/${deployment}` });
}

const record = z.looseObject({
  change: z.looseObject({
    images: z.array(z.looseObject({ container: z.string(), before: z.string(), after: z.string() })),
  }),
  config: z.array(z.looseObject({ kind: z.string(), name: z.string(), fingerprint: z.string() })),
  stable: z.looseObject({ name: z.string(), pods: z.string(), ready: z.number(), autoscaler: z.unknown().optional() }),
  canary: z.looseObject({ name: z.string(), pods: z.string(), service: z.string().optional() }),
  workload: z.looseObject({
    metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
    spec: z.looseObject({ template: z.looseObject({ spec: z.looseObject({}) }) }),
  }),
  others: z.array(z.looseObject({ kind: z.string(), spec: z.looseObject({}) })),
});

/** The snapshot as somebody has written it into the ConfigMap. */
function forged(snapshot: ArmsSnapshot, change: (data: z.infer<typeof record>) => void): ArmsSnapshot {
  const data = record.parse(structuredClone(snapshot.data));
  change(data);
  return { ...snapshot, data: z.json().parse(data) };
}

const refused = (namespace: string) => ({
  code: 'unsupported',
  about: `ConfigMap ${namespace}/sluice-checkout`,
  problem: expect.stringContaining('Nothing of it is acted upon.'),
});

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pwn', namespace: 'kube-system' }, spec: {} };

describe('a record that somebody else has written', () => {
  test.each<[string, (data: z.infer<typeof record>) => void]>([
    [
      'an image that the cluster never had',
      (data) => {
        data.change.images = [{ container: 'app', after: image('1'), before: 'evil.example/miner:1' }];
      },
    ],
    [
      'another workload',
      (data) => {
        data.stable.name = 'payments';
        data.canary.name = 'payments-canary';
      },
    ],
    [
      'another canary',
      (data) => {
        data.canary.name = 'payments';
      },
    ],
    [
      'a pod of another namespace',
      (data) => {
        data.others = [pod];
      },
    ],
    [
      'a workload of another name',
      (data) => {
        data.workload.metadata.name = 'payments';
      },
    ],
    [
      'the pods of another workload',
      (data) => {
        data.stable.pods = 'app=payments';
      },
    ],
    [
      'other pods for the canary',
      (data) => {
        data.canary.pods = 'app=checkout';
      },
    ],
    [
      'another Service for the canary',
      (data) => {
        data.canary.service = 'payments';
      },
    ],
    [
      'config that no pod uses',
      (data) => {
        data.config = [{ kind: 'Secret', name: 'checkout', fingerprint: 'x' }];
      },
    ],
    [
      'numbers that are none',
      (data) => {
        data.stable.ready = 1e99;
      },
    ],
    [
      'no workload at all',
      (data) => {
        Object.assign(data, { stable: 'checkout' });
      },
    ],
  ])('is refused by name and acted upon in nothing: %s', async (_, change) => {
    const namespace = await openShop();
    const snapshot = forged(await armsOf(namespace).inspect(signal), change);
    const before = cluster.api.storage.revision();
    for (const act of ['undo', 'retire', 'verify'] as const) {
      await expect(armsOf(namespace)[act](snapshot, signal)).rejects.toMatchObject(refused(namespace));
    }
    await expect(armsOf(namespace).prepare(snapshot, 10, signal)).rejects.toMatchObject(refused(namespace));
    await expect(armsOf(namespace).promote(snapshot, learn, signal)).rejects.toMatchObject(refused(namespace));
    await expect(armsOf(namespace).confirm(snapshot, false, signal)).rejects.toMatchObject(refused(namespace));
    expect(cluster.api.storage.revision()).toBe(before);
  });

  test('does not take a workload back to any other version than the one before', async () => {
    const namespace = await openShop();
    for (const version of ['0', '1']) {
      const operation = {
        op: 'replace',
        path: '/spec/template/spec/containers/0/image',
        value: image(version),
      } as const;
      await cluster.client.patchJson({ type: resources.deployment, namespace, name: 'checkout' }, [operation], signal);
    }
    const snapshot = await armsOf(namespace).inspect(signal);
    const back = (before: string) =>
      forged(snapshot, (data) => {
        data.change.images = [{ container: 'app', after: image('1'), before }];
      });
    await expect(armsOf(namespace).undo(back(image('2')), signal)).rejects.toMatchObject(refused(namespace));
    expect(await imageOf(namespace)).toBe(image('1'));
  });

  test('takes back no version that no rollout has written, though the cluster keeps one before it', async () => {
    const namespace = await openShop();
    const reference = { type: resources.deployment, namespace, name: 'checkout' };
    const path = '/spec/template/spec/containers/0/image';
    await cluster.client.patchJson(reference, [{ op: 'replace', path, value: image('0') }], signal);
    const snapshot = forged(await armsOf(namespace).inspect(signal), (data) => {
      data.change.images = [{ container: 'app', before: image('1'), after: image('0') }];
    });
    const { managedFields = [] } = (await cluster.client.get(reference, signal)).metadata;
    const others = managedFields.map((entry) => ({ ...entry, manager: 'helm' }));
    await cluster.client.patchMerge(reference, { metadata: { managedFields: others } }, signal);
    for (const act of ['undo', 'undoPromotion'] as const)
      await expect(armsOf(namespace)[act](snapshot, signal)).rejects.toMatchObject(refused(namespace));
    expect(await imageOf(namespace)).toBe(image('0'));
  });

  test('does not make a release that never was one that was promoted', async () => {
    const namespace = await openShop();
    const found = await armsOf(namespace).inspect(signal);
    const stored = forged(found, (data) => {
      data.change.images = [{ container: 'app', before: image('0'), after: image('2'), stored: image('1') }];
    });
    const none = forged(found, (data) => {
      data.change.images = [];
    });
    for (const snapshot of [stored, none])
      await expect(armsOf(namespace).confirm(snapshot, true, signal)).rejects.toMatchObject(refused(namespace));
  });

  test('scales nothing beyond what the arms have', async () => {
    const namespace = await openShop();
    const snapshot = forged(await armsOf(namespace).inspect(signal), (data) => {
      data.stable.ready = 500;
    });
    await armsOf(namespace).prepare(snapshot, 100, signal);
    const made = await cluster.client.get({ type: resources.deployment, namespace, name: 'checkout-canary' }, signal);
    expect(made.spec).toMatchObject({ replicas: 1 });
  });

  test('makes no canary but the one of the inputs, when a rollout is taken up again', async () => {
    const namespace = await openShop();
    const snapshot = forged(await armsOf(namespace).inspect(signal), (data) => {
      Object.assign(data.workload.spec.template.spec, { serviceAccountName: 'admin', hostPID: true });
    });
    await expect(armsOf(namespace).prepare(snapshot, 10, signal)).rejects.toMatchObject(refused(namespace));
    const other = forged(await armsOf(namespace).inspect(signal), (data) => {
      data.change.images = [{ container: 'app', before: image('1'), after: 'evil.example/miner:1' }];
    });
    await expect(armsOf(namespace).promote(other, learn, signal)).rejects.toMatchObject(refused(namespace));
    await expect(armsOf(namespace).confirm(other, true, signal)).rejects.toMatchObject(refused(namespace));
    expect(await imageOf(namespace)).toBe(image('1'));
  });

  test('leads no request elsewhere: Services are made by the cluster and the inputs', async () => {
    const namespace = await openShop();
    const snapshot = forged(await armsOf(namespace).inspect(signal), (data) => {
      for (const each of data.others) each.spec = { type: 'ExternalName', externalName: 'evil.example' };
    });
    await armsOf(namespace).prepare(snapshot, 10, signal);
    const made = await cluster.client.get({ type: resources.service, namespace, name: 'checkout-canary' }, signal);
    expect(made.spec).toMatchObject({ type: 'ClusterIP', selector: { app: 'checkout-canary' } });
  });

  test('of two workloads is refused where the inputs name others', async () => {
    const namespace = await openShop();
    putShop(cluster, namespace, { name: 'payments', labels: { app: 'payments' }, replicas: 1 });
    const [stable, canary] = ['checkout', 'payments'].map((name) =>
      parseWorkloadInput(`deployment/${name}`, 'workload'),
    );
    if (!stable || !canary) throw new Error('both are named');
    const given = { stable, canary, joinService: false, returns: false, gitops: 'refuse' as const };
    const snapshot = await existingArms(optionsFor(namespace), given).inspect(signal);
    await expect(armsOf(namespace).undo(structuredClone(snapshot), signal)).rejects.toMatchObject(refused(namespace));
    const swapped = existingArms(optionsFor(namespace), { ...given, stable: canary, canary: stable });
    await expect(swapped.undo(structuredClone(snapshot), signal)).rejects.toMatchObject(refused(namespace));
  });
});

describe('the record of an honest run', () => {
  test('is taken up by the next one, from making the canary to the end', async () => {
    const namespace = await openShop();
    const snapshot = await armsOf(namespace).inspect(signal);
    await armsOf(namespace).prepare(structuredClone(snapshot), 50, signal);
    await armsOf(namespace).promote(structuredClone(snapshot), learn, signal);
    await armsOf(namespace).verify(structuredClone(snapshot), signal);
    expect(await imageOf(namespace)).toBe(image('2'));
    expect((await armsOf(namespace, 'checkout', image('0')).undo(structuredClone(snapshot), signal)).left).toEqual([]);
    expect(await imageOf(namespace)).toBe(image('1'));
  });

  test('is undone by a rollback of the workload by hand, and of no other', async () => {
    const namespace = await openShop();
    const snapshot = await armsOf(namespace).inspect(signal);
    await armsOf(namespace).prepare(snapshot, 100, signal);
    await armsOf(namespace).promote(snapshot, learn, signal);
    const by = (name: string) => recordedArms(optionsFor(namespace), { kind: 'Deployment', name });
    await expect(by('payments').undo(structuredClone(snapshot), signal)).rejects.toMatchObject(refused(namespace));
    await by('checkout').undo(structuredClone(snapshot), signal);
    expect(await imageOf(namespace)).toBe(image('1'));
  });
});

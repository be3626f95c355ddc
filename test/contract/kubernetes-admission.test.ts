import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AdmissionHook } from '../../lab/embedded/api-server/admission.ts';
import { isRecord } from '../../lab/embedded/api-server/objects.ts';
import { digestOf } from '../../lab/embedded/images.ts';
import type { Arms, ArmsSnapshot } from '../../src/canary/ports.ts';
import { resources } from '../../src/cluster/resources.ts';
import { parseConfigManifests } from '../../src/workloads/config-copies.ts';
import { armsOptionsFor, derivedArmsFor, imageIn, putReadyShop } from '../support/derived-shop.ts';
import { createQuickClock, type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { put, type ShopChange } from '../support/shop.ts';

const clock = createQuickClock(50);
const signal = new AbortController().signal;
const [old, wanted] = ['registry.example/checkout:1', 'registry.example/checkout:2'];
/** As a rule calls it that copies images under other names. */
const copied = 'copies.example/c2:x';
let cluster: EmbeddedCluster;
let takeAway: () => void = () => undefined;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({
    [old]: {},
    [wanted]: {},
    'mirror.example/checkout:2': {},
    'mirror.example/checkout:1': {},
    [copied]: {},
  });
});
afterEach(() => takeAway());
afterAll(() => cluster.stop());

let count = 0;
async function openShop(change: ShopChange = {}): Promise<string> {
  count += 1;
  const namespace = `admission-${count}`;
  await putReadyShop(cluster, namespace, { replicas: 2, ...change });
  return namespace;
}

function admit(hook: Partial<AdmissionHook> & Pick<AdmissionHook, 'admit'>): void {
  takeAway = cluster.api.admission.add({ name: 'rules.example', kinds: ['Deployment', 'Pod'], ...hook });
}

/** An object with each image rewritten, in a template or in a pod. */
function withImages<T>(object: T, rewrite: (image: string) => string): T {
  return JSON.parse(JSON.stringify(object), (key, value) => (key === 'image' ? rewrite(value) : value));
}

const pinned = (image: string) => (image.includes('@') ? image : `${image}@${digestOf(image)}`);
const pinnedWithoutTag = (image: string) =>
  image.includes('@') ? image : `${image.replace(/:[^:/]+$/, '')}@${digestOf(image)}`;
const mirrored = (image: string) => image.replace(/^registry\.example\//, 'mirror.example/');

function armsOf(namespace: string): Arms {
  return derivedArmsFor(armsOptionsFor(cluster, namespace, clock), { image: wanted });
}

const imageOf = (namespace: string) => imageIn(cluster, namespace);

/** Up to a promotion. @returns the arms with the snapshot that the record then has */
async function promoted(namespace: string): Promise<{ arms: Arms; snapshot: ArmsSnapshot }> {
  const arms = armsOf(namespace);
  let snapshot = await arms.inspect(signal);
  await arms.prepare(snapshot, 100, signal);
  const learn = async (learned: ArmsSnapshot) => {
    snapshot = learned;
  };
  await arms.promote(snapshot, learn, signal);
  return { arms, snapshot };
}

describe.each([
  ['pins tags to digests', pinned],
  ['pins to digests and drops the tags', pinnedWithoutTag],
  ['reads images from a mirror', mirrored],
])('admission that %s', (_, rewrite) => {
  const kinds = ['Deployment', 'Pod'];
  test('is no reason to refuse or to give up a good release', async () => {
    const namespace = await openShop();
    admit({ kinds, admit: (object) => withImages(object, rewrite) });
    const { arms, snapshot } = await promoted(namespace);
    expect(await imageOf(namespace)).toBe(rewrite(wanted));
    expect((await arms.verify(snapshot, signal)).digest).toMatch(/^sha256:/);
  });

  test('does not keep an undo from giving the old version back', async () => {
    const namespace = await openShop();
    admit({ kinds, admit: (object) => withImages(object, rewrite) });
    const { arms, snapshot } = await promoted(namespace);
    expect(await arms.undo(snapshot, signal)).toEqual({ left: [], others: [] });
    expect(await imageOf(namespace)).toBe(rewrite(old));
    // Once more, as a run does that follows one which was killed.
    expect((await arms.undo(snapshot, signal)).left).toEqual([]);
  });

  test('is known by the record before anything is written', async () => {
    const namespace = await openShop();
    admit({ kinds, admit: (object) => withImages(object, rewrite) });
    const { data } = await armsOf(namespace).inspect(signal);
    expect(data).toMatchObject({ change: { images: [{ after: wanted, stored: rewrite(wanted) }] } });
  });
});

describe('a webhook that takes no part in dry runs', () => {
  test('is told of, and what it makes of the image is learned from the answer', async () => {
    const namespace = await openShop();
    const rewrite = (image: string) => image.replace(/^registry\.example\/checkout:2$/, copied);
    admit({ kinds: ['Deployment'], admit: (object) => withImages(object, rewrite), supportsDryRun: false });
    const before = await armsOf(namespace).inspect(signal);
    expect(before.warnings).toEqual([expect.stringContaining('"rules.example" does not support dry run')]);
    const { arms, snapshot } = await promoted(namespace);
    expect(snapshot.data).toMatchObject({ change: { images: [{ stored: copied }] } });
    expect((await arms.undo(snapshot, signal)).left).toEqual([]);
    expect(await imageOf(namespace)).toBe(old);
  });

  test('leaves an image that is not known as left, where the run was killed before it could note the answer', async () => {
    const namespace = await openShop();
    const rewrite = (image: string) => image.replace(/^registry\.example\/checkout:2$/, copied);
    admit({ kinds: ['Deployment'], admit: (object) => withImages(object, rewrite), supportsDryRun: false });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    const killed = new Error('killed');
    await expect(arms.promote(snapshot, () => Promise.reject(killed), signal)).rejects.toBe(killed);
    const { left } = await arms.undo(snapshot, signal);
    expect(left).toEqual([{ object: `Deployment ${namespace}/checkout`, shows: `container app has ${copied}` }]);
  });
});

test('an image that admission never lets change is refused before anything is written', async () => {
  const namespace = await openShop();
  admit({
    kinds: ['Deployment'],
    admit: (object) => (object.metadata.name === 'checkout' ? withImages(object, () => old) : object),
  });
  await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
    code: 'unsupported',
    about: `Deployment ${namespace}/checkout`,
    problem: expect.stringContaining(`keeps ${old}`),
  });
});

test('an undo that admission does not let through names what is left', async () => {
  const namespace = await openShop();
  const { arms, snapshot } = await promoted(namespace);
  admit({
    kinds: ['Deployment'],
    admit: (object) => (object.metadata.name === 'checkout' ? withImages(object, () => wanted) : object),
  });
  expect((await arms.undo(snapshot, signal)).left).toEqual([
    { object: `Deployment ${namespace}/checkout`, shows: `container app has ${wanted}` },
  ]);
});

test('containers and variables that an injector adds are no change by somebody else', async () => {
  const namespace = await openShop();
  admit({
    kinds: ['Deployment'],
    admit(object) {
      const text = JSON.stringify(object).replace(
        /"containers":\[/,
        '"containers":[{"name":"sidecar","image":"registry.example/checkout:1"},',
      );
      const changed: typeof object = JSON.parse(
        text.includes('"sidecar"') && JSON.stringify(object).includes('"sidecar"') ? JSON.stringify(object) : text,
      );
      return changed;
    },
  });
  const { arms, snapshot } = await promoted(namespace);
  expect((await arms.undo(snapshot, signal)).left).toEqual([]);
  expect(await imageOf(namespace)).toBe(old);
});

test('entries that a controller adds to config neither stop a promotion nor get lost by an undo', async () => {
  const container = { name: 'app', image: old, envFrom: [{ configMapRef: { name: 'settings' } }] };
  const namespace = await openShop({ podSpec: { containers: [container] } });
  const settings = (data: object) =>
    put(cluster, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace }, data });
  settings({ colour: 'blue' });
  admit({
    kinds: ['ConfigMap'],
    admit: (object) =>
      object.metadata.name === 'settings' && isRecord(object.data)
        ? { ...object, data: { ...object.data, 'ca.crt': 'injected' } }
        : object,
  });
  const config = parseConfigManifests(
    '{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {colour: green}}',
    namespace,
  );
  const arms = derivedArmsFor(armsOptionsFor(cluster, namespace, clock), { config });
  const snapshot = await arms.inspect(signal);
  await arms.prepare(snapshot, 100, signal);
  await arms.promote(snapshot, async () => undefined, signal);
  expect((await arms.undo(snapshot, signal)).left).toEqual([]);
  const { data } = await cluster.client.get({ type: resources.configMap, namespace, name: 'settings' }, signal);
  expect(data).toEqual({ colour: 'blue', 'ca.crt': 'injected' });
});

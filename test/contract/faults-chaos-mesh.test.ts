import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { resources } from '../../src/cluster/resources.ts';
import type { Clock } from '../../src/core/clock.ts';
import { isSluiceError } from '../../src/core/errors.ts';
import { isRecord, type Json } from '../../src/core/json.ts';
import { readFaultManifests } from '../../src/drills/faults/chaos-mesh/manifests.ts';
import { makerChaosFault, manifestChaosFault, shortChaosFault } from '../../src/drills/faults/chaos-mesh/plans.ts';
import { removeChaosMesh } from '../../src/drills/faults/chaos-mesh/remove.ts';
import type { ChaosWorld, PodTarget } from '../../src/drills/faults/chaos-mesh/target.ts';
import { startChaosDouble } from '../support/chaos-double.ts';
import { startEmbeddedCluster } from '../support/embedded-cluster.ts';

/**
 * Faults of Chaos Mesh against the embedded API server, with a double that plays the controller's status as it was recorded on a real
 * one. `test/e2e/cluster` runs the same cases against Chaos Mesh itself.
 */
const cluster = await startEmbeddedCluster({});
afterAll(() => cluster.stop());
const signal = AbortSignal.timeout(60_000);

let controller = startChaosDouble(cluster.api);
let now = Date.UTC(2026, 0, 1);
/** The controller works while one waits. */
const clock: Clock = {
  now: () => now,
  async sleep(milliseconds) {
    now += milliseconds;
    controller.tick();
  },
};
const told: string[] = [];
const bounds = { namespace: 'shop', namespaces: ['shop'], maxDuration: 60_000 };

const world: ChaosWorld = {
  client: cluster.client,
  clock,
  drill: 'checkout',
  run: 'run-1',
  random: Math.random,
  tell: (message) => told.push(message),
  async choose({ namespace, selector, mode }: PodTarget) {
    const found = await cluster.client.list(resources.pod, namespace, { labelSelector: selector }, signal);
    const pods = found.map(({ metadata }) => ({ namespace, name: metadata.name, uid: metadata.uid ?? '', node: 'n1' }));
    return { pods: mode.kind === 'one' ? pods.slice(0, 1) : pods, candidates: pods.length };
  },
};

cluster.api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
for (const [name, app] of [
  ['web-1', 'web'],
  ['web-2', 'web'],
  ['db-0', 'db'],
]) {
  cluster.api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', labels: { app } },
    spec: { nodeName: 'n1', containers: [{ name: 'app', image: 'a:1' }] },
    status: { phase: 'Running' },
  });
}

beforeEach(() => {
  controller = startChaosDouble(cluster.api);
  told.length = 0;
});

function short(
  kind: string,
  args: string[],
  values: Record<string, string> = {},
  mode: PodTarget['mode'] = { kind: 'one' },
) {
  const written = { kind, arguments: args, values };
  const target = { namespace: 'shop', selector: 'app=web', mode };
  return shortChaosFault({ written, text: `${kind} ${args.join(' ')}`, target, lasts: 20_000 }, bounds, world);
}

const left = () => [...cluster.api.storage.list(controller.faults), ...cluster.api.storage.list(controller.rules)];

describe('a fault that Chaos Mesh injects', () => {
  test.each([
    ['network-partition', ['both'], { with: 'app=db' }],
    ['network-bandwidth', ['1mbit'], {}],
  ] as const)('%s is felt, and nothing is left of it', async (kind, args, values) => {
    const fault = short(kind, [...args], values);
    const aim = await fault.aim(signal);
    expect(aim.candidates).toBe(2);
    expect(aim.pods.map(({ name }) => name)).toContain('web-1');
    expect(left()).toEqual([]);
    await fault.inject(aim.mark, signal);
    expect(await fault.effect(aim.mark, signal)).toMatchObject({ felt: 'unknown' });
    controller.tick();
    expect(await fault.effect(aim.mark, signal)).toMatchObject({ felt: 'felt' });
    await fault.inject(aim.mark, signal);
    expect(cluster.api.storage.list(controller.faults)).toHaveLength(1);
    await fault.remove(aim.mark, signal);
    expect(left()).toEqual([]);
    await fault.remove(aim.mark, signal);
    expect(told).toEqual([]);
  });

  test('the pods that were chosen are those that it names, with own marks', async () => {
    const fault = short('network-bandwidth', ['1mbit'], {}, { kind: 'all' });
    const { mark, pods } = await fault.aim(signal);
    await fault.inject(mark, signal);
    const [object] = cluster.api.storage.list(controller.faults);
    expect(object).toMatchObject({
      metadata: {
        labels: { 'app.kubernetes.io/managed-by': 'sluice', 'sluice.dev/rollout': 'checkout' },
        annotations: { 'sluice.dev/run': 'run-1' },
      },
      spec: { mode: 'all', duration: '20s', selector: { pods: { shop: pods.map(({ name }) => name) } } },
    });
    await fault.remove(mark, signal);
  });
});

describe('a fault that can not be injected', () => {
  test('is not felt, and does not spoil the next one', async () => {
    const delay = short('network-delay', ['300ms']);
    const { mark } = await delay.aim(signal);
    await delay.inject(mark, signal);
    controller.tick();
    const effect = await delay.effect(mark, signal);
    expect(effect).toMatchObject({ felt: 'not-felt' });
    expect(effect.evidence).toContain('unable to set tcs for pod web-1');
    await delay.remove(mark, signal);
    expect(left()).toEqual([]);
    expect(told).toEqual([expect.stringContaining('its finalizer chaos-mesh/records was taken away')]);

    const bandwidth = short('network-bandwidth', ['1mbit']);
    const next = await bandwidth.aim(signal);
    await bandwidth.inject(next.mark, signal);
    controller.tick();
    expect(await bandwidth.effect(next.mark, signal)).toMatchObject({ felt: 'felt' });
    await bandwidth.remove(next.mark, signal);
    expect(left()).toEqual([]);
  });

  test('the rules of another fault stay', async () => {
    const other = short('network-bandwidth', ['1mbit']);
    const first = await other.aim(signal);
    await other.inject(first.mark, signal);
    controller.tick();
    const delay = short('network-delay', ['300ms']);
    const { mark } = await delay.aim(signal);
    await delay.inject(mark, signal);
    controller.tick();
    await delay.remove(mark, signal);
    expect(cluster.api.storage.list(controller.rules)).toMatchObject([{ spec: { tcs: [{ type: 'bandwidth' }] } }]);
    await other.remove(first.mark, signal);
  });
});

describe('removal', () => {
  test('by another process that has only the mark', async () => {
    const fault = short('network-bandwidth', ['1mbit']);
    const { mark } = await fault.aim(signal);
    await fault.inject(mark, signal);
    controller.tick();
    await removeChaosMesh({ client: cluster.client, clock, drill: 'checkout' }, mark, signal);
    expect(left()).toEqual([]);
  });

  test('of a fault whose controller is away ends, and says what is not certain', async () => {
    const fault = short('network-bandwidth', ['1mbit']);
    const { mark } = await fault.aim(signal);
    await fault.inject(mark, signal);
    controller.tick();
    controller.leave();
    await expect(fault.remove(mark, signal)).rejects.toThrow('it is not certain that its pods are free of it');
    expect(cluster.api.storage.list(controller.faults)).toEqual([]);
    await fault.remove(mark, signal);
    expect(left()).toEqual([]);
  });

  test('a mark that somebody has changed touches nothing of others', async () => {
    const name = 'theirs-0123abcd';
    cluster.api.put({
      apiVersion: 'chaos-mesh.org/v1alpha1',
      kind: 'NetworkChaos',
      metadata: { name, namespace: 'shop', labels: { 'app.kubernetes.io/managed-by': 'sluice' } },
      spec: {},
    });
    const { mark } = await short('network-bandwidth', ['1mbit']).aim(signal);
    const forged = (change: Record<string, Json>): Json => (isRecord(mark) ? { ...mark, ...change } : mark);
    const removal = removeChaosMesh(world, forged({ name }), signal);
    await expect(removal).rejects.toThrow('was not made by this drill');
    const changes: Record<string, Json>[] = [
      { name: 'theirs' },
      { kind: 'Secret' },
      { namespace: 'kube-system' },
      { more: 1 },
    ];
    for (const change of changes) {
      const refused = removeChaosMesh(world, forged(change), signal);
      await expect(refused).rejects.toThrow('does not have the form that Sluice writes');
    }
    expect(cluster.api.storage.list(controller.faults)).toHaveLength(1);
    await cluster.client.remove(
      {
        type: { apiVersion: 'chaos-mesh.org/v1alpha1', kind: 'NetworkChaos', plural: 'networkchaos' },
        namespace: 'shop',
        name,
      },
      signal,
    );
  });
});

describe('manifests', () => {
  const delay = `{apiVersion: chaos-mesh.org/v1alpha1, kind: NetworkChaos, metadata: {name: network-delay}, spec: {action: delay, mode: one,
    selector: {labelSelectors: {app: web}}, delay: {latency: "500ms", correlation: "25"}}}`;

  test('the common one is pinned to one pod', async () => {
    const [written] = readFaultManifests(delay, { ...bounds, name: 'a.yaml' });
    if (written?.tool !== 'chaos-mesh') throw new Error('no fault');
    const aim = await manifestChaosFault(written, world).aim(signal);
    expect(aim).toMatchObject({ candidates: 2, pods: [{ namespace: 'shop' }] });
    expect(aim.warnings).toContain('The manifest has no duration, so it gets the limit of the drill, 1m.');
    expect(aim.mark).toMatchObject({ spec: { mode: 'all', duration: '1m', selector: { namespaces: ['shop'] } } });
  });

  test('a selector that no pod has is named before anything is written', async () => {
    const [written] = readFaultManifests(delay.replace('app: web', 'zone: az1'), { ...bounds, name: 'a.yaml' });
    if (written?.tool !== 'chaos-mesh') throw new Error('no fault');
    await expect(manifestChaosFault(written, world).aim(signal)).rejects.toThrow('selects no pod that runs now');
  });

  test('a schedule is followed by its faults, and removed with them', async () => {
    const text = `{apiVersion: chaos-mesh.org/v1alpha1, kind: Schedule, metadata: {name: often}, spec: {schedule: "@every 20s", type: NetworkChaos,
      networkChaos: {action: bandwidth, mode: all, duration: 10s, selector: {labelSelectors: {app: web}}, bandwidth: {rate: 1mbit, limit: 1, buffer: 1}}}}`;
    const [written] = readFaultManifests(text, { ...bounds, name: 'a.yaml' });
    if (written?.tool !== 'chaos-mesh-maker') throw new Error('no schedule');
    const fault = makerChaosFault(written, world);
    const { mark, pods } = await fault.aim(signal);
    expect(pods).toHaveLength(2);
    await fault.inject(mark, signal);
    expect(await fault.effect(mark, signal)).toMatchObject({ felt: 'unknown' });
    const type = { apiVersion: 'chaos-mesh.org/v1alpha1', kind: 'Schedule', plural: 'schedules' };
    const [schedule] = await cluster.client.list(type, 'shop', {}, signal);
    const { name = '', uid = '' } = schedule?.metadata ?? {};
    const owner = { apiVersion: type.apiVersion, kind: type.kind, name, uid, controller: true };
    cluster.api.put({
      apiVersion: type.apiVersion,
      kind: 'NetworkChaos',
      metadata: { name: `${name}-x`, namespace: 'shop', labels: { 'managed-by': name }, ownerReferences: [owner] },
      spec: { action: 'bandwidth', selector: { pods: { shop: ['web-1'] } } },
    });
    controller.tick();
    expect(await fault.effect(mark, signal)).toMatchObject({ felt: 'felt' });
    await fault.remove(mark, signal);
    expect(await cluster.client.list(type, 'shop', {}, signal)).toEqual([]);
    expect(cluster.api.storage.list(controller.faults)).toEqual([]);
  });
});

test.each<[string, string[], Record<string, string>, string]>([
  ['network-delay', ['500'], {}, 'delay.latency "500" is no duration'],
  ['network-delay', [], {}, 'LATENCY is missing'],
  ['network-delay', ['1s'], { jiter: '1s' }, 'it has no setting "jiter"'],
  ['network-loss', ['120%'], {}, 'loss.loss "120" is no number of per cent'],
  ['network-partition', ['sideways'], {}, 'direction "sideways" is none of to, from, both'],
  ['http-status', ['503'], {}, 'port is missing'],
  ['stress-cpu', ['many'], {}, 'cpu.workers "many" is no whole number from 1 to 8192'],
  ['io-latency', ['100ms'], {}, 'volumePath is missing'],
  ['network-magic', [], {}, 'no fault of Chaos Mesh has this name'],
])('%s %j %j is refused with what is allowed', (kind, args, values, sentence) => {
  try {
    short(kind, args, values);
    expect.unreachable();
  } catch (error) {
    if (!isSluiceError(error, 'invalid-input')) throw error;
    expect(error.problem).toContain(sentence);
    expect(error.next).toMatch(/^(?:Write it as|Use one of) /);
  }
});

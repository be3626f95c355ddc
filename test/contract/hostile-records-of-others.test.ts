import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { recover } from '../../src/canary/recover.ts';
import { rollout } from '../../src/canary/rollout.ts';
import { undoUnfinishedRollout } from '../../src/canary/unfinished.ts';
import { SluiceError } from '../../src/core/errors.ts';
import { type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { editsOf, foreignWrites, someOf } from '../support/hostile-edits.ts';
import {
  dyingAfter,
  image,
  isOfShop,
  openShop,
  options,
  record,
  type ShopKind,
  stateOf,
  worldOf,
} from '../support/hostile-shop.ts';

/** As `hostile-records.test.ts`, for a route that another router moves, and for two workloads of the user's own. */
let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({ [image('0')]: {}, [image('1')]: {}, [image('2')]: {} });
});
afterAll(() => cluster.stop());

const signal = new AbortController().signal;
const data = z.looseObject({ data: z.looseObject({ record: z.string() }) });

let count = 0;
async function dieAt(kind: ShopKind, phase: string, more: number) {
  count += 1;
  const namespace = `hostile-other-${count}`;
  await openShop(cluster, namespace, kind);
  const dying = worldOf(cluster, namespace, dyingAfter(cluster.client, phase, more), kind);
  const died = await rollout(dying, options, signal).catch((error: unknown) => error);
  const left = await cluster.client.find(record(namespace), signal);
  if (!left) throw died;
  const { record: text } = data.parse(left).data;
  return { namespace, text };
}

const runs = {
  'the next run': (namespace: string, kind: ShopKind) =>
    rollout(worldOf(cluster, namespace, cluster.client, kind), options, signal),
  undo: (namespace: string, kind: ShopKind) =>
    undoUnfinishedRollout(worldOf(cluster, namespace, cluster.client, kind), options, signal),
  post: (namespace: string, kind: ShopKind) =>
    recover(worldOf(cluster, namespace, cluster.client, kind), options, signal),
};

const ours =
  /^(Deployment|Service|HorizontalPodAutoscaler|PodDisruptionBudget|DestinationRule|Ingress) checkout-canary$/;
const replicas = z.looseObject({ replicas: z.number() });

/** What no record may lead to, whatever it says. */
function expectOnlyOurs(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): void {
  for (const name of ['Deployment payments', 'Service checkout', 'Service payments', 'Ingress checkout'])
    expect(after.get(name), name).toEqual(before.get(name));
  expect([...after.keys()].filter((name) => !before.has(name) && !ours.test(name))).toEqual([]);
  const images = JSON.stringify([...after]).match(/registry\.example\/[^"]*/g) ?? [];
  for (const found of images) expect(found).toMatch(/^registry\.example\/checkout(?::[012]|@sha256:[0-9a-f]{64})$/);
  for (const [name, spec] of after)
    if (name.startsWith('Deployment checkout')) expect(replicas.parse(spec).replicas).toBeLessThanOrEqual(8);
  const text = JSON.stringify(after.get('VirtualService checkout') ?? {});
  const hosts = [...text.matchAll(/"host":"([^"]*)"/g)].map(([, host]) => host);
  for (const host of hosts) expect(['checkout', 'checkout-canary', 'payments']).toContain(host);
  expect(text).not.toContain('hostPID');
}

/** Edits of each record that each kind of run meets. */
const EDITS = Number(process.env.SLUICE_HOSTILE_EDITS ?? '2');

describe.each<[ShopKind, string, number]>([
  ['nginx', 'shifting', 1],
  ['two workloads', 'shifting', 1],
  ['two workloads', 'promoting', 0],
])('a record of %s that is edited while it is %s', (kind, phase, more) => {
  test.each(Object.entries(runs))('leads %s to nothing but what the inputs name', async (name, run) => {
    let place = await dieAt(kind, phase, more);
    const edits = someOf(editsOf(z.json().parse(JSON.parse(place.text))), EDITS, more + name.length + kind.length);
    for (const { what, text } of edits) {
      const { namespace } = place;
      await cluster.client.patchMerge(record(namespace), { data: { record: text() } }, signal);
      const before = await stateOf(cluster, namespace);
      const from = cluster.api.audit.length;
      const error = await run(namespace, kind).then(
        () => undefined,
        (problem: unknown) => problem,
      );
      expect(error === undefined || error instanceof SluiceError, `${what}: ${String(error)}`).toBe(true);
      expect(foreignWrites(cluster, from, isOfShop(namespace)), what).toEqual([]);
      const after = await stateOf(cluster, namespace);
      expectOnlyOurs(before, after);
      if (JSON.stringify([...after]) !== JSON.stringify([...before])) place = await dieAt(kind, phase, more);
    }
  });
});

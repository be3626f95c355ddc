import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { recover } from '../../src/canary/recover.ts';
import { rollout } from '../../src/canary/rollout.ts';
import { undoUnfinishedRollout } from '../../src/canary/unfinished.ts';
import { SluiceError } from '../../src/core/errors.ts';
import { steer } from '../../src/ledger/steer.ts';
import { rollback } from '../../src/rollback/rollback.ts';
import { recordedArms } from '../../src/workloads/arms/arms.ts';
import { createContext } from '../../src/workloads/arms-context.ts';
import { rollbackWorkload } from '../../src/workloads/rollback/target.ts';
import { type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { type Edit, editsOf, foreignWrites, someOf } from '../support/hostile-edits.ts';
import {
  clock,
  dyingAfter,
  image,
  isOfShop,
  openShop,
  options,
  record,
  stateOf,
  worldOf,
} from '../support/hostile-shop.ts';

/**
 * Whoever may write ConfigMaps, Secrets and Leases in the namespace, and nothing else, can cause nothing but a refusal. Real records,
 * which runs that died have left, are edited in every place, and every kind of run meets them.
 */
let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({ [image('0')]: {}, [image('1')]: {}, [image('2')]: {} });
});
afterAll(() => cluster.stop());

const signal = new AbortController().signal;
const data = z.looseObject({ data: z.looseObject({ record: z.string() }) });

let count = 0;
/** A shop in which a release died so many writes after its record had come to a phase, with the record that it left. */
async function dieAt(phase: string, more: number): Promise<{ readonly namespace: string; readonly text: string }> {
  count += 1;
  const namespace = `hostile-${count}`;
  await openShop(cluster, namespace);
  const dying = worldOf(cluster, namespace, dyingAfter(cluster.client, phase, more));
  await rollout(dying, options, signal).catch(() => undefined);
  const found = await cluster.client.get(record(namespace), signal);
  return { namespace, text: data.parse(found).data.record };
}

/** Every kind of run that reads a record. */
const runs: Readonly<Record<string, (namespace: string) => Promise<unknown>>> = {
  'the next run': (namespace) => rollout(worldOf(cluster, namespace, cluster.client), options, signal),
  'a run of another release': (namespace) =>
    rollout(worldOf(cluster, namespace, cluster.client), { ...options, fingerprint: 'another' }, signal),
  undo: (namespace) => undoUnfinishedRollout(worldOf(cluster, namespace, cluster.client), options, signal),
  post: (namespace) => recover(worldOf(cluster, namespace, cluster.client), options, signal),
  async steer(namespace) {
    const { client } = cluster;
    const object = record(namespace);
    const steering = { client, object, rollout: 'checkout', clock, patience: 10, version: '1', tell: () => undefined };
    return steer(steering, { verb: 'freeze', by: 'bob', why: '' }, signal);
  },
  async rollback(namespace) {
    const { lifetime, client } = cluster;
    const world = worldOf(cluster, namespace, client);
    const named = { kind: 'Deployment', name: 'checkout' } as const;
    const arms = { client, namespace, clock, rollout: 'checkout', drain: 1, lifetime };
    return rollback(
      {
        ...world,
        workload: rollbackWorkload(createContext(arms), { ...named, service: undefined, gitops: 'refuse' }),
        statements: async () => [],
        command: async () => undefined,
        concluding: () => ({ ...world, arms: recordedArms(arms, named) }),
        tell: () => undefined,
        considered: () => undefined,
        planned: () => undefined,
      },
      { ...options, wanted: 'last-healthy', dryRun: false },
      signal,
    );
  },
};

const template = z.looseObject({ spec: z.looseObject({ containers: z.array(z.looseObject({ image: z.string() })) }) });
const deployment = z.looseObject({ replicas: z.number(), template });
const route = z.object({
  hosts: z.tuple([z.literal('checkout')]),
  http: z.array(
    z.looseObject({
      name: z.string(),
      route: z.array(
        z.object({
          destination: z.object({ host: z.string() }),
          weight: z.number().optional(),
          headers: z.unknown().optional(),
        }),
      ),
    }),
  ),
});
const scaler = z.looseObject({ minReplicas: z.number(), maxReplicas: z.number() });

/** What no record may lead to, whatever it says. */
function expectOnlyOurs(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): void {
  for (const name of ['Deployment payments', 'Service checkout', 'Service payments']) {
    expect(after.get(name), name).toEqual(before.get(name));
  }
  const ours = /^(Deployment|Service|HorizontalPodAutoscaler|PodDisruptionBudget|DestinationRule) checkout-canary$/;
  const made = [...after.keys()].filter((name) => !before.has(name));
  expect(made.filter((name) => !ours.test(name))).toEqual([]);
  for (const [name, spec] of after) {
    if (!name.startsWith('Deployment checkout')) continue;
    const { replicas, template: pods } = deployment.parse(spec);
    const [container] = pods.spec.containers;
    expect([image('0'), image('1'), image('2')]).toContain(container?.image);
    expect(pods.spec).not.toHaveProperty('hostPID');
    expect(replicas).toBeLessThanOrEqual(8);
  }
  const { http } = route.parse(after.get('VirtualService checkout'));
  const [primary, beta] = http;
  expect(beta?.route).toEqual([{ destination: { host: 'payments' } }]);
  for (const { destination, headers } of primary?.route ?? []) {
    expect(['checkout', 'checkout-canary']).toContain(destination.host);
    expect(headers).toEqual({ request: { set: { a: '1' } } });
  }
  const { minReplicas, maxReplicas } = scaler.parse(after.get('HorizontalPodAutoscaler checkout'));
  expect(minReplicas).toBeLessThanOrEqual(4);
  expect(maxReplicas).toBe(4);
}

/** Edits of each record that each kind of run meets; all of them are some thousand. */
const EDITS = Number(process.env.SLUICE_HOSTILE_EDITS ?? '3');

describe.each([
  ['it was written', 'preparing', 0],
  ['the canary was made', 'preparing', 3],
  ['the route was shifted', 'shifting', 1],
  ['the promotion began', 'promoting', 1],
  ['the stable workload was changed', 'promoting', 4],
  ['the route was to go back', 'returning', 1],
] as const)('a record that is edited after %s', (_, phase, more) => {
  test.each(Object.entries(runs))('leads %s to nothing but what the inputs name', async (name, run) => {
    let place = await dieAt(phase, more);
    const seed = more + name.length + phase.length;
    const edits: Edit[] = someOf(editsOf(z.json().parse(JSON.parse(place.text))), EDITS, seed);
    for (const { what, text } of edits) {
      const { namespace } = place;
      await cluster.client.patchMerge(record(namespace), { data: { record: text() } }, signal);
      const before = await stateOf(cluster, namespace);
      const from = cluster.api.audit.length;
      const error = await run(namespace).then(
        () => undefined,
        (problem: unknown) => problem,
      );
      expect(error === undefined || error instanceof SluiceError, `${what}: ${String(error)}`).toBe(true);
      expect(foreignWrites(cluster, from, isOfShop(namespace)), what).toEqual([]);
      const after = await stateOf(cluster, namespace);
      expectOnlyOurs(before, after);
      if (JSON.stringify([...after]) !== JSON.stringify([...before])) place = await dieAt(phase, more);
    }
  });
});

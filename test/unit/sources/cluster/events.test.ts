import { expect, it } from 'vitest';
import type { KubernetesClient } from '../../../../src/cluster/client.ts';
import type { KubernetesObject } from '../../../../src/cluster/schema.ts';
import { type EventQuery, eventsSource } from '../../../../src/sources/cluster/events.ts';
import { checkoutDeployment, podObject } from '../../../support/pods-double.ts';

const now = Date.UTC(2026, 10, 28, 12, 30);
const window = { from: now - 60_000, to: now };
const signal = AbortSignal.timeout(60_000);
const query: EventQuery = { target: { kind: 'deployment', name: 'checkout' }, reasons: [], ignore: [] };

const iso = (at: number) => `${new Date(at).toISOString().slice(0, 19)}Z`;

interface EventFacts {
  readonly kind?: string;
  readonly name?: string;
  readonly reason?: string;
  readonly first?: number;
  readonly last?: number;
  readonly count?: number;
}

/** As the kubelet writes it. */
function oldEvent(uid: string, facts: EventFacts = {}): KubernetesObject {
  const { kind = 'Pod', name = 'checkout-7d9f8c6b5-x2x4z', reason = 'BackOff', last = now - 10_000, count = 1 } = facts;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: uid, namespace: 'shop', uid },
    type: 'Warning',
    reason,
    message: 'Back-off restarting failed container app in pod checkout-7d9f8c6b5-x2x4z_shop(…)',
    involvedObject: { apiVersion: 'v1', kind, namespace: 'shop', name, uid: 'x' },
    source: { component: 'kubelet', host: 'node-1' },
    firstTimestamp: iso(facts.first ?? last),
    lastTimestamp: iso(last),
    eventTime: null,
    count,
  };
}

/** As the scheduler writes it. */
function newEvent(uid: string, first: number, series?: { count: number; last: number }): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: uid, namespace: 'shop', uid },
    type: 'Warning',
    reason: 'FailedScheduling',
    message: '0/3 nodes are available:\n3 Insufficient cpu.',
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'checkout-7d9f8c6b5-x2x4z' },
    eventTime: new Date(first).toISOString(),
    firstTimestamp: null,
    lastTimestamp: null,
    ...(series && { series: { count: series.count, lastObservedTime: new Date(series.last).toISOString() } }),
    reportingComponent: 'default-scheduler',
  };
}

const replicaSet: KubernetesObject = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: {
    name: 'checkout-7d9f8c6b5',
    namespace: 'shop',
    ownerReferences: [{ kind: 'Deployment', name: 'checkout', uid: 'uid-checkout', controller: true }],
  },
};

function open(events: () => readonly KubernetesObject[], more: Partial<EventQuery> = {}) {
  const asked: string[] = [];
  const client: Pick<KubernetesClient, 'find' | 'list'> = {
    find: async ({ name }) => (name === 'checkout' ? checkoutDeployment : undefined),
    async list({ kind }, _, { fieldSelector = '' }) {
      if (kind === 'Event') asked.push(fieldSelector);
      return (
        { Event: [...events()], Pod: [podObject('odd-name')], ReplicaSet: [replicaSet] }[kind] ?? [checkoutDeployment]
      );
    },
  };
  return { source: eventsSource({ ...query, ...more }, { client, namespace: 'shop' }), asked };
}

const look = (events: readonly KubernetesObject[], more?: Partial<EventQuery>) =>
  open(() => events, more).source.look(window, signal);

it('counts what happened in the window, to the workload, its ReplicaSets and its pods, also those that are gone', async () => {
  const { source, asked } = open(() => [
    oldEvent('pod', { count: 3, first: now - 50_000 }),
    oldEvent('set', { kind: 'ReplicaSet', name: 'checkout-7d9f8c6b5', reason: 'FailedCreate' }),
    oldEvent('workload', { kind: 'Deployment', name: 'checkout', reason: 'X' }),
    oldEvent('listed', { name: 'odd-name' }),
    newEvent('scheduler', now - 20_000),
    oldEvent('other pod', { name: 'checkout-worker-7d9f8c6b5-x2x4z' }),
    oldEvent('other set', { kind: 'ReplicaSet', name: 'checkout-worker-7d9f8c6b5' }),
    oldEvent('other kind', { kind: 'Service', name: 'checkout' }),
    oldEvent('long over', { last: now - 61_000 }),
  ]);
  expect(await source.look(window, signal)).toEqual({
    kind: 'counts',
    total: 7,
    bad: 7,
    notes: [
      expect.stringMatching(/^BackOff of Pod checkout-7d9f8c6b5-x2x4z: Back-off restarting failed container/),
      expect.stringMatching(/^FailedCreate of ReplicaSet checkout-7d9f8c6b5: /),
      expect.stringMatching(/^X of Deployment checkout: /),
    ],
  });
  expect(asked).toEqual(['type=Warning']);
});

it('counts reasons that are asked for and not ignored', async () => {
  const events = [
    oldEvent('a', { count: 2, first: now - 9_000 }),
    newEvent('b', now - 9_000),
    oldEvent('c', { reason: 'X' }),
  ];
  expect(await look(events, { reasons: ['BackOff'] })).toMatchObject({ total: 4, bad: 2 });
  expect(await look(events, { ignore: ['BackOff', 'FailedScheduling'] })).toMatchObject({ total: 4, bad: 1 });
});

it('counts each time that an older event is repeated, once', async () => {
  let count = 40;
  const { source } = open(() => [
    oldEvent('a', { first: now - 900_000, last: now - 5_000, count }),
    newEvent('b', now - 900_000, { count, last: now - 5_000 }),
  ]);
  expect(await source.look(window, signal)).toMatchObject({ bad: 2 });
  expect(await source.look({ from: now, to: now + 15_000 }, signal)).toMatchObject({ bad: 0 });
  count = 43;
  expect(await source.look({ from: now + 15_000, to: now + 30_000 }, signal)).toMatchObject({ bad: 6 });
});

it('counts an event that comes late into the list', async () => {
  const events: KubernetesObject[] = [];
  const { source } = open(() => events);
  expect(await source.look(window, signal)).toMatchObject({ bad: 0 });
  events.push(oldEvent('late', { last: now - 3_000 }));
  expect(await source.look({ from: now, to: now + 15_000 }, signal)).toMatchObject({ bad: 1 });
});

it('knows only the pods that are there of a selector', async () => {
  const events = [oldEvent('a'), oldEvent('b', { name: 'odd-name' })];
  expect(await look(events, { target: { selector: 'app=checkout' } })).toMatchObject({ bad: 1 });
});

it('says what is there, and refuses a workload that is not', async () => {
  const { source } = open(() => [oldEvent('a', { last: now - 900_000 })]);
  expect(await source.preflight(signal)).toEqual({
    evidence: '1 warnings about Deployment shop/checkout are kept: BackOff',
  });
  const wrong = open(() => [], { target: { kind: 'deployment', name: 'chekout' } });
  await expect(wrong.source.preflight(signal)).rejects.toThrow('There are checkout.');
});

import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { startApiServer } from '../../lab/embedded/api-server/index.ts';
import { pods as podResource } from '../../lab/embedded/api-server/resources.ts';
import { createClient } from '../../src/cluster/client.ts';
import { loadConfig } from '../../src/cluster/kubeconfig.ts';
import { connect } from '../../src/cluster/transport.ts';
import { systemClock } from '../../src/core/clock.ts';
import { isSluiceError } from '../../src/core/errors.ts';
import type { Mode } from '../../src/drills/faults/choose-pods.ts';
import { podKillFault } from '../../src/drills/faults/pod-kill.ts';

// Nothing runs here: pods are as they are put.
const api = await startApiServer();
const connection = connect(loadConfig({ kubeconfig: api.kubeconfig(), context: '', env: {} }), {});
const client = createClient(connection);
afterAll(async () => {
  await connection.close();
  await api.stop();
});

const signal = new AbortController().signal;
type Labels = Record<string, string>;

const keys = ['app', 'tier', 'example.com/track'] as const;
const values = ['a', 'b', 'c'] as const;
const key = fc.constantFrom(...keys);
const value = fc.constantFrom(...values);
const state = fc.constantFrom('running', 'running', 'running', 'ending', 'completed', 'static', 'own');

const pod = fc.record({
  labels: fc.dictionary(key, value, { maxKeys: 3 }).map((labels): Labels => ({ ...labels })),
  state,
});

/** A requirement as text, and what it means. */
const requirement = fc.oneof(
  fc.record({ key, value, operator: fc.constantFrom('=', '==', '!=') }).map(({ key, value, operator }) => ({
    text: `${key}${operator}${value}`,
    holds: (labels: Labels) => (labels[key] === value) === (operator !== '!='),
  })),
  fc
    .record({ key, list: fc.uniqueArray(value, { minLength: 1 }), operator: fc.constantFrom('in', 'notin') })
    .map(({ key, list, operator }) => ({
      text: `${key} ${operator} (${list.join(', ')})`,
      holds: (labels: Labels) => list.some((each) => labels[key] === each) === (operator === 'in'),
    })),
  fc.record({ key, exists: fc.boolean() }).map(({ key, exists }) => ({
    text: exists ? key : `!${key}`,
    holds: (labels: Labels) => (labels[key] !== undefined) === exists,
  })),
);

const mode: fc.Arbitrary<Mode> = fc.oneof(
  fc.constant({ kind: 'one' as const }),
  fc.constant({ kind: 'all' as const }),
  fc.record({ kind: fc.constant('count' as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('share' as const), percent: fc.integer({ min: 1, max: 100 }) }),
);

function wantedOf(mode: Mode, of: number): number {
  if (mode.kind === 'one') return 1;
  if (mode.kind === 'all') return of;
  if (mode.kind === 'count') return mode.count;
  // The least whole number of pods that is no smaller a share.
  return Array.from({ length: of }, (_, index) => index + 1).find((pods) => 100 * pods >= mode.percent * of) ?? of;
}

let count = 0;
function put(given: readonly { readonly labels: Labels; readonly state: string }[]): string {
  count += 1;
  const namespace = `choice-${count}`;
  api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  given.forEach(({ labels, state }, index) => {
    const name = `pod-${index}`;
    const annotations = {
      ...(state === 'static' && { 'kubernetes.io/config.mirror': 'x' }),
      ...(state === 'own' && { 'sluice.dev/run': 'x' }),
    };
    const spec = { nodeName: 'n1', containers: [{ name: 'app', image: 'app:1' }] };
    api.put({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels, annotations }, spec });
    const key = { resource: podResource, namespace, name };
    const status = { phase: state === 'completed' ? 'Succeeded' : 'Running' };
    api.registry.modify(key, (current) => ({ ...current, status }), { manager: 'kubelet', subresource: 'status' });
    if (state === 'ending') api.registry.remove(key, {});
  });
  return namespace;
}

test('the pods that are chosen are those that match, and exactly they are hit', async () => {
  const world = {
    fc: fc.array(pod, { maxLength: 9 }),
    requirements: fc.array(requirement, { minLength: 1, maxLength: 3 }),
  };
  const run = fc.asyncProperty(
    world.fc,
    world.requirements,
    mode,
    fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
    async (given, requirements, mode, random) => {
      const namespace = put(given);
      const selector = requirements.map(({ text }) => text).join(',');
      const expected = given.flatMap(({ labels, state }, index) =>
        state === 'running' && requirements.every(({ holds }) => holds(labels)) ? [`pod-${index}`] : [],
      );
      const wanted = wantedOf(mode, expected.length);
      const fault = podKillFault(
        { text: '', target: { namespace, selector, mode }, grace: 0 },
        { client, clock: systemClock, drill: 'drill', run: 'run', random: () => random.next().value ?? 0 },
      );
      const aim = await fault.aim(signal).catch((error: unknown) => {
        if (isSluiceError(error, 'not-found')) return undefined;
        throw error;
      });
      expect(aim === undefined).toBe(expected.length === 0 || wanted > expected.length);
      if (aim === undefined) return;
      expect(aim.candidates).toBe(expected.length);
      const hit = aim.pods.map(({ name }) => name);
      expect(hit).toEqual(hit.toSorted());
      expect(new Set(hit).size).toBe(wanted);
      expect(expected).toEqual(expect.arrayContaining(hit));
      await fault.inject(aim.mark, signal);
      const left = new Set(api.storage.list(podResource, namespace).map(({ metadata: { name } }) => name));
      const gone = given.flatMap((_, index) => (left.has(`pod-${index}`) ? [] : [`pod-${index}`]));
      expect(gone).toEqual(hit);
    },
  );
  await fc.assert(run, { numRuns: 150, seed: 7 });
});

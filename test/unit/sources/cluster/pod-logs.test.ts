import { expect, it } from 'vitest';
import type { KubernetesObject } from '../../../../src/cluster/schema.ts';
import { type PodLogQuery, podLogsSource } from '../../../../src/sources/cluster/pod-logs.ts';
import { logLine, podObject, podsDouble } from '../../../support/pods-double.ts';

const now = Date.UTC(2026, 10, 28, 12, 30);
const window = { from: now - 60_000, to: now };
const signal = AbortSignal.timeout(60_000);
const old = now - 3_600_000;
const start = logLine(old, 'starts');
const query: PodLogQuery = {
  target: { kind: 'deployment', name: 'checkout' },
  container: undefined,
  pattern: 'ERROR',
  total: undefined,
  acceptLost: false,
};

function open(
  pods: readonly KubernetesObject[] | (() => readonly KubernetesObject[]),
  logs: Readonly<Record<string, string>>,
  more: Partial<PodLogQuery> = {},
) {
  const client = podsDouble(typeof pods === 'function' ? pods : () => pods, logs);
  return podLogsSource({ ...query, ...more }, { client, namespace: 'shop' });
}

const look = (...given: Parameters<typeof open>) => open(...given).look(window, signal);
const one = podObject('a', { running: old });

it('counts the lines of the window in all containers of all pods', async () => {
  const pods = [one, podObject('b', { running: old }, { name: 'sidecar', running: now - 30_000 })];
  const logs = {
    'a/app':
      start +
      logLine(now - 60_001, 'ERROR before') +
      logLine(now - 60_000, 'ERROR at the start') +
      logLine(now - 30_000, 'fine') +
      logLine(now - 1, '{"level":"ERROR","message":"at the end"}') +
      logLine(now, 'ERROR of the next window'),
    'b/app': start,
    'b/sidecar': logLine(now - 20_000, 'ERROR') + logLine(now - 10_000, ''),
  };
  expect(await look(pods, logs)).toEqual({ kind: 'counts', total: 5, bad: 3, notes: [] });
  expect(await look(pods, logs, { container: 'sidecar' })).toMatchObject({ total: 2, bad: 1 });
  expect(await look(pods, logs, { total: 'level|of|at the' })).toMatchObject({ total: 2, bad: 2 });
  expect(await look(pods, logs, { pattern: '(?i)error$' })).toMatchObject({ total: 5, bad: 1 });
});

it('reads the run before a restart as well, and none that ended before the window', async () => {
  const crashed = podObject('a', { restartCount: 1, running: now - 10_000, last: [old, now - 20_000] });
  const logs = {
    'a/app': logLine(now - 9_000, 'ERROR again'),
    'previous a/app': start + logLine(now - 21_000, 'ERROR panic'),
  };
  expect(await look([crashed], logs)).toMatchObject({ kind: 'counts', bad: 2 });
  const earlier = podObject('a', { restartCount: 1, running: old + 2_000, last: [old, old + 1_000] });
  expect(await look([earlier], { 'a/app': logLine(old + 3_000, 'x') })).toMatchObject({ kind: 'counts', total: 0 });
});

it('reads a container that waits for its restart once', async () => {
  const waiting = podObject('a', { restartCount: 1, last: [old, now - 20_000] });
  const log = start + logLine(now - 21_000, 'ERROR panic');
  expect(await look([waiting], { 'a/app': log, 'previous a/app': log })).toMatchObject({ kind: 'counts', bad: 1 });
});

it.each<[string, Parameters<typeof open>, string]>([
  [
    'a log that is longer than what is read',
    [[one], { 'a/app': start + logLine(now - 9_000, 'x'.repeat(3 * 1024 * 1024)) }],
    'is longer than 2 MiB',
  ],
  [
    'what the kubelet says in the place of a log',
    [[one], { 'a/app': 'unable to retrieve container logs for containerd://123' }],
    "can't be read: unable to retrieve container logs for containerd://123",
  ],
  ['a log that was rotated', [[one], { 'a/app': logLine(now - 10_000, 'x') }], 'was rotated: its beginning is gone'],
  [
    'what several restarts have left',
    [
      [podObject('a', { restartCount: 3, running: now - 5_000, last: [now - 20_000, now - 9_000] })],
      { 'a/app': logLine(now - 4_000, 'x'), 'previous a/app': logLine(now - 19_000, 'x') },
    ],
    'restarted more than once',
  ],
  ['a workload without pods', [[], {}], 'has no pods'],
  ['too many pods', [Array.from({ length: 51 }, (_, index) => podObject(`p${index}`)), {}], 'more than 50 pods'],
])('%s is missing', async (_, given, reason) => {
  expect(await look(...given)).toEqual({ kind: 'missing', reason: expect.stringContaining(reason) });
});

it('says what it saw all the same where earlier runs are gone', async () => {
  const looping = podObject('a', { restartCount: 3, running: now - 5_000, last: [now - 20_000, now - 9_000] });
  const logs = { 'a/app': logLine(now - 4_000, 'ERROR'), 'previous a/app': logLine(now - 19_000, 'ERROR') };
  expect(await look([looping], logs)).toMatchObject({ kind: 'missing', atLeast: 2 });
});

it('knows nothing of a workload of which no container has started', async () => {
  const pending = podObject('a', { restartCount: 0 });
  expect(await look([pending], {})).toEqual({ kind: 'missing', reason: expect.stringContaining('has started') });
});

it('is an error where a log is refused', async () => {
  await expect(look([one], {})).rejects.toThrow('has no such log');
});

it('misses what a pod wrote before it ended, until that is accepted', async () => {
  const pods = [[one, podObject('b', { running: old })], [one]];
  const logs = { 'a/app': start, 'b/app': start };
  for (const acceptLost of [false, true]) {
    let present: readonly KubernetesObject[] = pods[0] ?? [];
    const source = open(() => present, logs, { acceptLost });
    expect(await source.look({ from: now - 120_000, to: now - 60_000 }, signal)).toMatchObject({ kind: 'counts' });
    present = pods[1] ?? [];
    const reason = 'pod b has ended, and what it wrote last is gone';
    expect(await source.look(window, signal)).toEqual(
      acceptLost ? { kind: 'counts', total: 0, bad: 0, notes: [`${reason}.`] } : { kind: 'missing', reason },
    );
  }
});

it('does not miss a pod that had ended its work', async () => {
  const done = podObject('b', { terminated: [old, now - 70_000] });
  let present: readonly KubernetesObject[] = [one, done];
  const source = open(() => present, { 'a/app': start, 'b/app': start });
  await source.look({ from: now - 120_000, to: now - 60_000 }, signal);
  present = [one];
  expect(await source.look(window, signal)).toMatchObject({ kind: 'counts' });
});

it('misses a look in which a container restarts', async () => {
  const states = [[one], [podObject('a', { restartCount: 1, running: now, last: [old, now] })]];
  const source = open(() => states.shift() ?? [], { 'a/app': start });
  expect(await source.look(window, signal)).toEqual({
    kind: 'missing',
    reason: 'pods of Deployment shop/checkout changed while their logs were read',
  });
});

it('refuses before the first look what can bring no lines', async () => {
  const logs = { 'a/app': start };
  expect(await open([one], logs).preflight(signal)).toEqual({
    evidence: '1 pods of Deployment shop/checkout, 1 logs of app',
    warnings: [],
  });
  expect(await open([one], { 'a/app': '' }).preflight(signal)).toMatchObject({
    warnings: ['Deployment shop/checkout has written no line so far.'],
  });
  await expect(open([], logs).preflight(signal)).rejects.toThrow('has no pods');
  await expect(open([one], logs, { container: 'web' }).preflight(signal)).rejects.toThrow('Its pods run app');
  const target = { kind: 'deployment', name: 'chekout' } as const;
  await expect(open([one], logs, { target }).preflight(signal)).rejects.toThrow('There are checkout.');
});

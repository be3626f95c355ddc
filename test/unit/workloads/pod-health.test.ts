import { describe, expect, test } from 'vitest';
import {
  START_PATIENCE,
  serving,
  UNREADY_PATIENCE,
  UNSCHEDULABLE_PATIENCE,
  withImageTimeout,
} from '../../../src/apply/pod-states.ts';
import { pod as podSchema } from '../../../src/cluster/pods.ts';
import { type PodHistory, podTroubles, problemsOf, remember } from '../../../src/workloads/pod-health.ts';

const now = Date.UTC(2026, 0, 1);

interface Change {
  readonly ready?: boolean;
  readonly restarts?: number;
  readonly state?: object;
  readonly lastState?: object;
  readonly metadata?: object;
  readonly status?: object;
}

function podOf({
  ready = true,
  restarts = 0,
  state = { running: {} },
  lastState = {},
  metadata = {},
  status = {},
}: Change) {
  return podSchema.parse({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'checkout-1', ...metadata },
    spec: { containers: [{ name: 'app', image: 'shop:1' }] },
    status: {
      phase: 'Running',
      conditions: [
        {
          type: 'Ready',
          status: ready ? 'True' : 'False',
          message: ready ? '' : 'containers with unready status: [app]',
        },
      ],
      containerStatuses: [{ name: 'app', imageID: 'shop@sha256:1', restartCount: restarts, state, lastState }],
      ...status,
    },
  });
}

/** The problems of the last of several sights of one pod, the only one of its arm. */
function problemsAfter(...sights: Change[]) {
  return problemsSeen(
    sights.map((change) => ({ at: now, change })),
    { others: false },
  );
}

interface Sight {
  readonly at: number;
  readonly change: Change;
}

/** The problems of one pod at the last of several sights. */
function problemsSeen(sights: readonly Sight[], { others }: { others: boolean }) {
  const seen = sights.map(({ at, change }) => ({ at, pod: podOf(change) }));
  const { at, pod } = seen.at(-1) ?? { at: now, pod: podOf({}) };
  const history = seen.reduce<PodHistory | undefined>((before, { at, pod }) => remember(before, pod, at), undefined);
  const troubles = podTroubles(pod, history ?? remember(undefined, pod, at), others);
  return problemsOf(troubles, at).map(({ reason, message }) => `${reason}: ${message}`);
}

describe('a pod without a problem', () => {
  test.each([
    ['ready', [{}]],
    ['still starting', [{ ready: false, state: { waiting: { reason: 'ContainerCreating' } } }]],
    ['ready after a few attempts to start', [{ ready: false, restarts: 2 }, { restarts: 2 }]],
    ['with restarts from before anybody watched', [{ restarts: 7, lastState: { terminated: { exitCode: 1 } } }]],
    [
      'with an old OOM kill from before anybody watched',
      [{ restarts: 1, lastState: { terminated: { reason: 'OOMKilled' } } }],
    ],
    ['evicted before anybody watched', [{ status: { phase: 'Failed', reason: 'Evicted' } }]],
    ['being deleted', [{}, { ready: false, metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }]],
  ])('%s', (_, sights) => {
    expect(problemsAfter(...sights)).toEqual([]);
  });
});

describe('an image that does not come', () => {
  const at = (seconds: number, reason: string, message: string, imageTimeout = 0) => {
    const waiting = podOf({ ready: false, state: { waiting: { reason, message } } });
    const troubles = podTroubles(
      waiting,
      remember(undefined, waiting, now),
      false,
      withImageTimeout(serving, imageTimeout),
    );
    return problemsOf(troubles, now + seconds * 1_000).map((problem) => problem.reason);
  };
  const missing = 'registry.example/shop:2: not found';

  test('is a problem after half a minute where nobody said to wait for it, whatever the registry says', () => {
    for (const message of [missing, 'unexpected status: 401 Unauthorized', '503 Service Unavailable']) {
      expect(at(29, 'ErrImagePull', message)).toEqual([]);
      expect(at(30, 'ErrImagePull', message)).toEqual(['ErrImagePull']);
    }
  });

  test('is waited for as long as it was said, whatever the kubelet tells between two attempts', () => {
    for (const [reason, message] of [
      ['ErrImagePull', missing],
      ['ErrImagePull', 'manifest unknown'],
      ['ImagePullBackOff', 'Back-off pulling image "registry.example/shop:2"'],
    ] as const) {
      expect(at(599, reason, message, 600_000)).toEqual([]);
      expect(at(601, reason, message, 600_000)).toEqual([reason]);
    }
  });

  test('is not waited for that long where the registry refuses', () => {
    expect(at(30, 'ErrImagePull', 'unexpected status: 401 Unauthorized', 600_000)).toEqual(['ErrImagePull']);
    expect(at(0, 'InvalidImageName', 'couldn’t parse image name', 600_000)).toEqual(['InvalidImageName']);
  });
});

describe('a problem by itself', () => {
  const backOff = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' } };

  test('a crash loop, with the last words of the container', () => {
    const lastState = { terminated: { exitCode: 2, reason: 'Error', message: 'starting\nno database at 10.0.0.1\n' } };
    expect(problemsAfter({ ready: false, restarts: 3, state: backOff, lastState })).toEqual([
      'CrashLoopBackOff: exit code 2: no database at 10.0.0.1',
    ]);
  });

  const missing = 'registry.example/shop:2: not found';
  const denied = 'pull access denied, repository does not exist or may require authorization';
  const wayThere =
    'rpc error: code = NotFound desc = failed to pull and unpack image "registry.example/shop:2": failed to resolve reference "registry.example/shop:2": ';
  test.each([
    ['ErrImagePull', `${wayThere}${missing}`, missing],
    ['ErrImagePull', denied, denied],
    ['ImagePullBackOff', 'unexpected status: 401 Unauthorized', 'unexpected status: 401 Unauthorized'],
  ])('%s that lasts, without the way there: %s', (reason, message, told) => {
    const change = { ready: false, state: { waiting: { reason, message: `${message}\nand more` } } };
    const sights = [now, now + START_PATIENCE].map((at) => ({ at, change }));
    expect(problemsSeen(sights, { others: false })).toEqual([`${reason}: ${told}`]);
  });

  test('a name that can be none, at once', () => {
    const state = { waiting: { reason: 'InvalidImageName', message: 'invalid reference format\nand more' } };
    expect(problemsAfter({ ready: false, state })).toEqual(['InvalidImageName: invalid reference format']);
  });

  test('a start that fails for longer than what may pass does, whatever the kubelet calls it meanwhile', () => {
    const waits = (reason: string, message: string, at: number) => ({
      at,
      change: { ready: false, state: { waiting: { reason, message } } },
    });
    const busy = waits('ErrImagePull', '429 Too Many Requests', now);
    const backOff = (at: number) => waits('ImagePullBackOff', 'Back-off pulling image "shop:2"', at);
    const late = waits('CreateContainerConfigError', 'secret "tls" not found', now);
    const others = { others: true };
    expect(problemsSeen([busy, backOff(now + START_PATIENCE - 1)], others)).toEqual([]);
    expect(problemsSeen([busy, backOff(now + START_PATIENCE)], others)).toEqual([
      'ImagePullBackOff: Back-off pulling image "shop:2"',
    ]);
    expect(problemsSeen([late], others)).toEqual([]);
    expect(problemsSeen([late, { ...late, at: now + START_PATIENCE }], others)).toEqual([
      'CreateContainerConfigError: secret "tls" not found',
    ]);
    // Started in between, it has the whole time once more.
    const started = { at: now + 1_000, change: { ready: false } };
    expect(problemsSeen([busy, started, backOff(now + START_PATIENCE)], others)).toEqual([]);
  });

  test('a restart after it was ready', () => {
    const lastState = { terminated: { exitCode: 139, reason: 'Error' } };
    expect(problemsAfter({ restarts: 1 }, { restarts: 2, lastState })).toEqual([
      'Restarted: 1 times while watched; exit code 139',
    ]);
  });

  test('an end after it was ready, before it is started again', () => {
    const state = { terminated: { exitCode: 1, reason: 'Error' } };
    expect(problemsAfter({}, { state })).toEqual(['Terminated: ended while watched; exit code 1']);
    expect(problemsAfter({}, { state: { terminated: { exitCode: 0 } } })).toEqual([]);
  });

  test('out of memory, while starting and later', () => {
    const lastState = { terminated: { exitCode: 137, reason: 'OOMKilled' } };
    const expected = ['OOMKilled: used more memory than its limit allows'];
    expect(problemsAfter({ ready: false, restarts: 1, lastState })).toEqual(expected);
    expect(problemsAfter({}, { restarts: 1, lastState })).toEqual(expected);
  });

  const unready = 'Unready: was ready and is not any more. containers with unready status: [app]';

  test('readiness that was there and is gone, where no other pod serves', () => {
    expect(problemsAfter({}, { ready: false })).toEqual([unready]);
  });

  test('readiness that stays away, where others serve', () => {
    const gone = [
      { at: now, change: {} },
      { at: now + 1_000, change: { ready: false } },
    ];
    const unreadyFor = (milliseconds: number, ...sights: Sight[]) =>
      problemsSeen([...gone, ...sights, { at: now + 1_000 + milliseconds, change: { ready: false } }], {
        others: true,
      });
    expect(unreadyFor(UNREADY_PATIENCE - 1)).toEqual([]);
    expect(unreadyFor(UNREADY_PATIENCE)).toEqual([unready]);
    // Back in between, it has the whole time once more.
    expect(unreadyFor(UNREADY_PATIENCE, { at: now + 5_000, change: {} })).toEqual([]);
  });

  test('eviction', () => {
    const status = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' };
    expect(problemsAfter({}, { ready: false, status })).toEqual(['Evicted: The node was low on resource: memory.']);
  });

  test('no node, once an autoscaler has had time to bring one', () => {
    const unscheduled = (age: number) => {
      const lastTransitionTime = new Date(now - age).toISOString();
      const condition = {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: '0/3 nodes',
        lastTransitionTime,
      };
      return { ready: false, status: { phase: 'Pending', conditions: [condition], containerStatuses: [] } };
    };
    expect(problemsAfter(unscheduled(UNSCHEDULABLE_PATIENCE - 1_000))).toEqual([]);
    expect(problemsAfter(unscheduled(UNSCHEDULABLE_PATIENCE + 1_000))).toEqual(['Unschedulable: 0/3 nodes']);
  });

  test('no gate before the scheduler, which somebody takes away in his own time', () => {
    const condition = { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'is gated' };
    const status = { phase: 'Pending', conditions: [condition], containerStatuses: [] };
    expect(problemsAfter({ ready: false, status })).toEqual([]);
  });

  test('is told in one short line, however long the container spoke', () => {
    const lastState = { terminated: { exitCode: 1, message: 'x'.repeat(5_000) } };
    const [told = ''] = problemsAfter({ ready: false, state: backOff, lastState });
    expect(told.length).toBeLessThan(400);
  });
});

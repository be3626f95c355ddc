import { expect, test } from 'vitest';
import { isReady, pod as podSchema, runningImages } from '../../../src/cluster/pods.ts';

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

test('a pod on its way out is not ready', () => {
  expect(isReady(podOf({}))).toBe(true);
  expect(isReady(podOf({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }))).toBe(false);
  expect(isReady(podOf({ ready: false }))).toBe(false);
});

test.each([
  ['docker.io/library/shop@sha256:aa', 'sha256:aa'],
  ['docker-pullable://shop@sha256:aa', 'sha256:aa'],
  ['sha256:bb', 'sha256:bb'],
])('image ID %s means %s', (imageID, expected) => {
  const status = {
    containerStatuses: [
      { name: 'app', imageID },
      { name: 'sidecar', imageID: 'proxy@sha256:cc' },
    ],
  };
  expect([...runningImages([podOf({ status })], 'app')]).toEqual([expected]);
});

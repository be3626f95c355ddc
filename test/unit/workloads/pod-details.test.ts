import { describe, expect, it } from 'vitest';
import { pod } from '../../../src/cluster/pods.ts';
import { versionOf, versionsOf } from '../../../src/workloads/images.ts';
import { podDetails } from '../../../src/workloads/pod-details.ts';

const signal = new AbortController().signal;

const crashing = pod.parse({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'checkout-1', uid: 'u-1' },
  spec: { containers: [{ name: 'app' }, { name: 'proxy' }] },
  status: {
    containerStatuses: [
      {
        name: 'app',
        restartCount: 3,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 3 } },
      },
    ],
  },
});

type Asked = Parameters<typeof podDetails>[0]['client'];

const working: Asked = {
  log: async (_, { container, previous, lines }) => `${container} previous=${previous} of ${lines}\n\nno such file\n`,
  list: async () => [
    {
      ...base('b'),
      type: 'Warning',
      reason: 'BackOff',
      message: 'again',
      count: 7,
      lastTimestamp: '2026-01-01T00:00:09Z',
    },
    { ...base('a'), type: 'Normal', reason: 'Pulled', message: 'image is here', lastTimestamp: '2026-01-01T00:00:01Z' },
  ],
};

function base(name: string) {
  return { apiVersion: 'v1', kind: 'Event', metadata: { name } };
}

function detailsOf(
  asked: Asked,
  pods = [crashing],
  problems = [{ pod: 'checkout-1', container: 'app', reason: 'CrashLoopBackOff', message: '' }],
) {
  return podDetails(
    { client: asked, namespace: 'shop' },
    { pods, troubles: [], health: { desired: 1, ready: 0, problems } },
    signal,
  );
}

describe('the details of a pod in trouble', () => {
  it('are the exit code, what the crashed run wrote last, and its events in their order', async () => {
    expect(await detailsOf(working)).toEqual([
      {
        pod: 'checkout-1',
        container: 'app',
        reason: 'CrashLoopBackOff',
        message: '',
        exitCode: 3,
        lastLines: ['app previous=true of 20', 'no such file'],
        events: ['Pulled: image is here', 'BackOff: again (7 times)'],
        missing: [],
      },
    ]);
  });

  it('say what could not be read', async () => {
    const forbidden = () => Promise.reject(new Error('may not'));
    const [told] = await detailsOf({ log: forbidden, list: forbidden });
    expect(told).toMatchObject({
      exitCode: 3,
      missing: ["its log can't be read: may not", "its events can't be read: may not"],
    });
  });

  it('are those of pods that are not ready where nothing else is wrong', async () => {
    const started = pod.parse({
      ...crashing,
      status: { containerStatuses: [{ name: 'app', state: { running: {} } }] },
    });
    const [told] = await detailsOf(working, [started], []);
    expect(told).toMatchObject({
      pod: 'checkout-1',
      reason: 'Unready',
      lastLines: ['app previous=false of 20', 'no such file'],
    });
  });

  it('ask for no log of a container that never ran', async () => {
    const pulling = pod.parse({
      ...crashing,
      status: { containerStatuses: [{ name: 'app', state: { waiting: { reason: 'ErrImagePull' } } }] },
    });
    const log = () => Promise.reject(new Error('asked'));
    const [told] = await detailsOf({ ...working, log }, [pulling]);
    expect(told).toMatchObject({ lastLines: [], missing: [], events: [expect.any(String), expect.any(String)] });
  });
});

describe('a version', () => {
  it.each([
    ['ghcr.io/acme/checkout:1.1.0', '1.1.0'],
    ['registry:5000/checkout', 'latest'],
    ['registry:5000/checkout:v2', 'v2'],
    ['checkout:5f70bf18a086007016e948b04aed3b82103a36be', '5f70bf1'],
    [`checkout:1.2@sha256:${'ab'.repeat(32)}`, '1.2'],
    [`checkout@sha256:${'ab'.repeat(32)}`, 'sha256:abababa'],
  ])('of %s is %s', (image, version) => {
    expect(versionOf(image)).toBe(version);
  });

  it('is none where no image changes', () => {
    expect(versionsOf([])).toBeUndefined();
    expect(versionsOf([{ before: 'a:1', after: 'a:2' }])).toEqual({ stable: '1', canary: '2' });
  });
});

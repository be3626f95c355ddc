import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';
import type { WaitEvent } from '../../../src/apply/events.ts';
import { waitUntilRolledOut } from '../../../src/apply/wait.ts';
import type { KubernetesClient } from '../../../src/cluster/client.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { kubernetesObject } from '../../../src/cluster/schema.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { deployment } from '../../support/deployment.ts';
import { startEmbeddedCluster } from '../../support/embedded-cluster.ts';

const cluster = await startEmbeddedCluster({ 'app:crashing': { crashAfter: 5 } });
afterAll(() => cluster.stop());

/** Waits for a Deployment whose container crashes, on a cluster whose logs are these. */
async function waitWith(name: string, log: KubernetesClient['log']) {
  cluster.api.put(deployment(name, 'app:crashing'));
  const events: WaitEvent[] = [];
  const waiting = waitUntilRolledOut(
    {
      client: { ...cluster.client, log },
      references: [{ type: resources.deployment, namespace: 'default', name }],
      clock: systemClock,
      deadline: systemClock.now() + 20_000,
      emit: (event) => void events.push(event),
    },
    new AbortController().signal,
  );
  const error = await waiting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { error, lastLines: events.filter((event) => event.type === 'last-lines') };
}

it('shows the last lines of a container that crashes once, also where its log could not be read at first', async () => {
  let asked = 0;
  const { error, lastLines } = await waitWith('late', async () => {
    asked += 1;
    if (asked === 1) throw new Error('the kubelet did not answer');
    return 'starting\npanic: no database\n';
  });
  expect(lastLines).toMatchObject([{ container: 'app', lines: ['starting', 'panic: no database'] }]);
  expect(String(error)).toContain('panic: no database');
});

it('says that a log can not be read where that lasts, and does not ask for the same one twice before that', async () => {
  const asked: string[] = [];
  const { error, lastLines } = await waitWith('never', async ({ name }, { previous }) => {
    asked.push(`${name} ${previous}`);
    throw new Error('the kubelet did not answer');
  });
  expect(lastLines).toEqual([]);
  expect(String(error)).toContain("its log can't be read: the kubelet did not answer");
  expect(asked.length).toBeLessThan(8);
});

describe('a Job that is deleted after its end', () => {
  const job = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
  const reference = { type: job, namespace: 'default', name: 'migrate' };

  /** A Job that is in this state, and then is gone. */
  async function waitFor(conditions: readonly object[]) {
    const object = kubernetesObject.parse({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'migrate', namespace: 'default', uid: '1' },
      spec: { ttlSecondsAfterFinished: 1 },
      status: { conditions, ...(conditions.length === 0 && { active: 1 }) },
    });
    const events: WaitEvent[] = [];
    const client: KubernetesClient = {
      ...cluster.client,
      async *reflect(type, _, __, signal) {
        yield { type: 'LISTED', objects: [] };
        if (type.kind !== 'Job') return await once(signal, 'abort').then(() => undefined);
        // All of it before anybody has looked again.
        yield { type: 'ADDED', object };
        yield { type: 'DELETED', object };
        await once(signal, 'abort');
      },
    };
    const waiting = waitUntilRolledOut(
      {
        client,
        references: [reference],
        clock: systemClock,
        deadline: systemClock.now() + 5_000,
        emit: (event) => void events.push(event),
      },
      new AbortController().signal,
    );
    return waiting.then(
      () => events,
      (error: unknown) => String(error),
    );
  }

  it('has completed', async () => {
    const events = await waitFor([{ type: 'Complete', status: 'True' }]);
    expect(events).toMatchObject([
      { type: 'progress', object: 'Job default/migrate', state: 'done', text: 'has completed' },
    ]);
  });

  it('has failed', async () => {
    const failed = { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'too often' };
    expect(await waitFor([failed])).toContain('failed (BackoffLimitExceeded): too often');
  });

  it('was deleted by somebody while it ran', async () => {
    expect(await waitFor([])).toContain('was deleted by somebody in the meantime');
  });
});

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
import { createVirtualClock } from '../../support/virtual-clock.ts';

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
  const jobOf = (conditions: readonly object[]) =>
    kubernetesObject.parse({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'migrate', namespace: 'default', uid: '1' },
      spec: { ttlSecondsAfterFinished: 1 },
      status: { conditions, ...(conditions.length === 0 && { active: 1 }) },
    });

  interface Story {
    /** What the watch shows before the Job is gone; none where it is gone already. */
    readonly conditions?: readonly object[];
    /** It was written by this run. */
    readonly isWritten?: boolean;
    /** What each list of events has, by the uid of the Job. */
    readonly events?: readonly Readonly<Record<string, readonly (readonly [reason: string, message: string])[]>>[];
  }

  async function waitFor({ conditions, isWritten = false, events: lists = [] }: Story) {
    const events: WaitEvent[] = [];
    const asked = lists.values();
    const clock = createVirtualClock();
    let latest: Readonly<Record<string, readonly (readonly [string, string])[]>> = {};
    const client: KubernetesClient = {
      ...cluster.client,
      async *reflect(type, _, __, signal) {
        yield { type: 'LISTED', objects: [] };
        if (type.kind === 'Job' && conditions) {
          // All of it before anybody has looked again.
          yield { type: 'ADDED', object: jobOf(conditions) };
          yield { type: 'DELETED', object: jobOf(conditions) };
        }
        await once(signal, 'abort');
      },
      async list(_, __, { fieldSelector = '' }) {
        latest = asked.next().value ?? latest;
        const uid = fieldSelector.replace('involvedObject.uid=', '');
        return (latest[uid] ?? []).map(([reason, message], index) =>
          kubernetesObject.parse({
            apiVersion: 'v1',
            kind: 'Event',
            metadata: { name: `migrate.${index}` },
            involvedObject: { kind: 'Job', name: 'migrate', uid },
            reason,
            message,
          }),
        );
      },
    };
    const waiting = waitUntilRolledOut(
      {
        client,
        references: [reference],
        clock,
        deadline: clock.now() + 60_000,
        emit: (event) => void events.push(event),
        ...(isWritten && { written: [jobOf([])] }),
      },
      new AbortController().signal,
    );
    const outcome = waiting.then(
      () => events.flatMap((event) => (event.type === 'progress' ? [`${event.state}: ${event.text}`] : [])).at(-1),
      (error: unknown) => String(error),
    );
    return clock.run(outcome);
  }

  it('has completed', async () => {
    expect(await waitFor({ conditions: [{ type: 'Complete', status: 'True' }] })).toBe('done: has completed');
  });

  it('has failed', async () => {
    const failed = { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'too often' };
    expect(await waitFor({ conditions: [failed] })).toContain('failed (BackoffLimitExceeded): too often');
  });

  it('was deleted by somebody while it ran', async () => {
    expect(await waitFor({ conditions: [] })).toContain('was deleted by somebody in the meantime');
  });

  const completed = [['SuccessfulCreate', 'Created pod: migrate-x'] as const, ['Completed', 'Job completed'] as const];

  it.each([
    ['it was seen running', { conditions: [] }],
    ['it was gone before the first look', { isWritten: true }],
  ])('has completed by its events where %s', async (_, story) => {
    expect(await waitFor({ ...story, events: [{ 1: completed }] })).toBe('done: has completed');
    // Events are written later than the status.
    expect(await waitFor({ ...story, events: [{}, { 1: completed.slice(0, 1) }, { 1: completed }] })).toBe(
      'done: has completed',
    );
  });

  it.each(['BackoffLimitExceeded', 'DeadlineExceeded', 'PodFailurePolicy', 'FailedIndexes'])(
    'has failed by its events: %s',
    async (reason) => {
      const message = await waitFor({ isWritten: true, events: [{ 1: [[reason, 'the words of its controller']] }] });
      expect(message).toContain(`failed (${reason}): the words of its controller`);
    },
  );

  it('is not known to have completed by the events of a former Job of that name, or by none', async () => {
    for (const events of [[{ 0: completed }], []]) {
      const message = await waitFor({ isWritten: true, events });
      expect(message).toContain('has removed itself after an end that nobody saw');
      expect(message).toContain('ttlSecondsAfterFinished');
    }
  });

  it('has completed by the event that an API server keeps of it', async () => {
    const written = jobOf([]);
    const { uid } = written.metadata;
    cluster.api.put({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'migrate.end', namespace: 'default' },
      involvedObject: { apiVersion: 'batch/v1', kind: 'Job', name: 'migrate', namespace: 'default', uid },
      reason: 'Completed',
      message: 'Job completed',
      type: 'Normal',
    });
    const told: WaitEvent[] = [];
    await waitUntilRolledOut(
      {
        client: {
          ...cluster.client,
          async *reflect(type, namespace, selector, signal) {
            if (type.kind !== 'Job') return yield* cluster.client.reflect(type, namespace, selector, signal);
            // The lab serves no Jobs: this one is gone.
            yield { type: 'LISTED', objects: [] };
            await once(signal, 'abort');
          },
        },
        references: [reference],
        clock: systemClock,
        deadline: systemClock.now() + 20_000,
        emit: (event) => void told.push(event),
        written: [written],
      },
      new AbortController().signal,
    );
    expect(told).toMatchObject([{ state: 'done', text: 'has completed' }]);
  });

  it('is not known where nothing of it was ever seen', async () => {
    expect(await waitFor({ events: [{ 1: completed }] })).toContain('was deleted by somebody in the meantime');
  });
});

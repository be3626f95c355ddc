import { afterAll, expect, it } from 'vitest';
import type { WaitEvent } from '../../src/deploy/events.ts';
import { waitUntilRolledOut } from '../../src/deploy/wait.ts';
import type { KubernetesClient } from '../../src/kubernetes/client.ts';
import { resources } from '../../src/kubernetes/resources.ts';
import { systemClock } from '../../src/runner/clock.ts';
import { deployment } from '../support/deployment.ts';
import { startEmbeddedCluster } from '../support/embedded-cluster.ts';

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

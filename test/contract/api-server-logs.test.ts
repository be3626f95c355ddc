import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../../lab/embedded/api-server/index.ts';
import { logsAnnotation } from '../../lab/embedded/api-server/logs.ts';
import { pods } from '../../lab/embedded/api-server/resources.ts';
import { resources } from '../../src/cluster/resources.ts';
import { podLogsSource } from '../../src/sources/cluster/pod-logs.ts';
import { apiClient } from '../support/api-client.ts';
import { logLine, podObject } from '../support/pods-double.ts';

const now = Date.UTC(2026, 10, 28, 12, 30);
const signal = AbortSignal.timeout(60_000);
let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer();
  server.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  const { metadata, status } = podObject('a', {
    restartCount: 1,
    running: now - 30_000,
    last: [now - 900_000, now - 40_000],
  });
  const logs = {
    app: logLine(now - 29_000, 'starts again') + logLine(now - 9_000, 'ERROR Größe'),
    'previous app': logLine(now - 900_000, 'starts') + logLine(now - 40_500, 'ERROR panic'),
  };
  server.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, annotations: { [logsAnnotation]: JSON.stringify(logs) } },
    spec: { containers: [{ name: 'app', image: 'app' }] },
  });
  const kubelet = { manager: 'kubelet', subresource: 'status' } as const;
  server.registry.modify({ resource: pods, namespace: 'shop', name: 'a' }, (pod) => ({ ...pod, status }), kubelet);
});
afterAll(() => server.stop());

const pod = { type: resources.pod, namespace: 'shop', name: 'a' };
const part = { container: 'app', previous: false, bytes: 1_000 };

it('gives the log of a container with the time of each line, since a time', async () => {
  const client = apiClient(server.url);
  expect(await client.logSince(pod, part, signal)).toMatch(/^\S+Z starts again\n\S+Z ERROR Größe\n$/);
  expect(await client.logSince(pod, { ...part, since: now - 10_000 }, signal)).toMatch(/^\S+Z ERROR Größe\n$/);
  expect(await client.logSince(pod, { ...part, previous: true }, signal)).toContain('panic');
  expect(await client.logSince(pod, { ...part, bytes: 10 }, signal)).toBe('2026-11-28');
  await expect(client.logSince(pod, { ...part, container: 'web' }, signal)).rejects.toThrow('container web');
});

it('is what lines are counted from, with the run before a restart', async () => {
  const source = podLogsSource(
    {
      target: { selector: 'app=checkout' },
      container: undefined,
      pattern: 'ERROR',
      total: undefined,
      acceptLost: false,
    },
    { client: apiClient(server.url), namespace: 'shop' },
  );
  expect(await source.look({ from: now - 60_000, to: now }, signal)).toMatchObject({
    kind: 'counts',
    total: 3,
    bad: 2,
  });
});

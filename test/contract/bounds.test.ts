import { createServer, type Server } from 'node:http';
import { gzipSync } from 'node:zlib';
import { MockAgent } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { close, listen } from '../../lab/embedded/sockets.ts';
import { checks } from '../../src/actions/canary/checks-input.ts';
import { parsePlanFile } from '../../src/actions/canary/plan-input.ts';
import { createInventoryStore } from '../../src/apply/inventory.ts';
import { lastLines } from '../../src/apply/last-lines.ts';
import { createClient } from '../../src/cluster/client.ts';
import { resources } from '../../src/cluster/resources.ts';
import { kubernetesObject } from '../../src/cluster/schema.ts';
import { parseRepository } from '../../src/core/image-reference.ts';
import { run } from '../../src/core/process.ts';
import { createGitHub } from '../../src/github/client.ts';
import { pullRequestOf } from '../../src/github/comments.ts';
import { followBuildah, followBuildKit } from '../../src/images/progress.ts';
import { createRegistry } from '../../src/images/registry/registry.ts';
import { createSeal } from '../../src/ledger/seal.ts';
import { parseExpression } from '../../src/meters/queries/promql.ts';
import { reach } from '../../src/remote/connection.ts';
import { shortened } from '../../src/report/diff.ts';

/**
 * What others write is read as far as a bound, and whoever meets the bound is told: answers of all servers, outputs of programs, lines
 * of logs, what is packed, diffs, and files.
 */
const never = new AbortController().signal;
const MIB = 1024 * 1024;

const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => close(server))));

/** The address of a server whose answers do not end. */
async function endless(): Promise<string> {
  const chunk = Buffer.alloc(MIB, ' ');
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = () => {
      if (!response.destroyed) response.write(chunk, () => setImmediate(more));
    };
    more();
  });
  servers.push(server);
  return `http://127.0.0.1:${await listen(server, 0)}`;
}

describe('an answer that does not end is named with its bound:', () => {
  /** The API server, whose answers are one piece of memory again and again. */
  function apiServer() {
    const chunk = new Uint8Array(8 * MIB);
    let sent = 0;
    async function* body() {
      for (; ; sent += 1) yield chunk;
    }
    const dispatcher = new MockAgent();
    Object.assign(dispatcher, { request: async () => ({ statusCode: 200, headers: {}, body: body() }) });
    const connection = {
      server: 'https://api.example',
      authorize: async () => ({ headers: {}, dispatcher }),
      renew: () => undefined,
      close: async () => undefined,
    };
    return { client: createClient(connection, { deadline: 20_000 }), sent: () => sent * 8 };
  }
  const pod = { type: resources.pod, namespace: 'shop', name: 'checkout-1' };

  test.each([
    ['an object', 256, (client: ReturnType<typeof createClient>) => client.get(pod, never)],
    ['a list', 256, (client: ReturnType<typeof createClient>) => client.list(resources.pod, 'shop', {}, never)],
    [
      'metrics of a pod',
      64,
      (client: ReturnType<typeof createClient>) => client.proxy(pod, { port: '8080', path: '/metrics' }, never),
    ],
    [
      'a log',
      64,
      (client: ReturnType<typeof createClient>) =>
        client.log(pod, { container: 'app', previous: false, lines: 20 }, never),
    ],
  ])('%s of the API server, %i MiB', async (_, most, ask) => {
    const { client, sent } = apiServer();
    await expect(ask(client)).rejects.toMatchObject({
      code: 'unsupported',
      problem: expect.stringMatching(new RegExp(`^answered GET /api/v1/\\S+ with more than ${most} MiB, which is not`)),
    });
    expect(sent()).toBeLessThanOrEqual(most);
  });

  test('Prometheus', async () => {
    const url = await endless();
    const { ask } = reach('Prometheus', { address: url }, { env: {} });
    await expect(ask('/api/v1/query', never)).rejects.toMatchObject({
      code: 'unsupported',
      about: `Prometheus ${url}`,
      problem: 'answered GET /api/v1/query with more than 64 MiB, which is not read.',
    });
  });

  test('a registry', async () => {
    const host = new URL(await endless()).host;
    const registry = createRegistry({ plainHttp: [], patience: 20_000, signal: never, login: async () => undefined });
    await expect(registry.manifest(parseRepository(`${host}/acme/shop`), '1')).rejects.toMatchObject({
      code: 'unsupported',
      about: `registry ${host}`,
      problem: 'answered GET /v2/acme/shop/manifests/1 with more than 64 MiB, which is not read.',
    });
    await registry.close();
  });

  test('GitHub', async () => {
    const apiUrl = await endless();
    const github = createGitHub({ token: 't', apiUrl, owner: 'acme', repo: 'shop', signal: never, pause: 1 });
    await expect(pullRequestOf(github, 'a'.repeat(40))).rejects.toMatchObject({
      code: 'unsupported',
      about: `GitHub at ${apiUrl}`,
      problem: 'answered with more than 64 MiB, which is not read.',
    });
  });
});

describe('a program that prints too much is ended, with the bound named:', () => {
  const endlessly = (what: string) => ({
    file: process.execPath,
    args: ['-e', `const more = () => process.${what}.write('x'.repeat(65_536), more); more()`],
  });

  test.each(['stdout', 'stderr'])('%s', async (what) => {
    await expect(run(endlessly(what), { signal: never, deadline: 20_000, most: 200_000 })).rejects.toMatchObject({
      code: 'unsupported',
      problem: 'was ended, as it printed more than is read (200,000 bytes).',
    });
  });

  test('also where its lines are told, and none ends', async () => {
    const lines: string[] = [];
    const policy = { signal: never, deadline: 20_000, most: 200_000, onLine: (line: string) => void lines.push(line) };
    await expect(run(endlessly('stdout'), policy)).rejects.toMatchObject({ code: 'unsupported' });
    expect(lines.join('').length).toBeLessThan(2_000_000);
  });
});

describe('a line of others is cut, with a sign that it was:', () => {
  test('of a container', async () => {
    const log = async () => `${'x'.repeat(50_000)}\nshort`;
    const pod = { type: resources.pod, namespace: 'shop', name: 'checkout-1' };
    const { lines } = await lastLines({ log }, pod, { container: 'app', previous: false }, never);
    expect(lines.map((line) => [line.length <= 2_001, line.endsWith('…')])).toEqual([
      [true, true],
      [true, false],
    ]);
  });

  test('of a step that BuildKit builds, in one piece or in many', () => {
    const follower = followBuildKit();
    const encoded = (text: string) => Buffer.from(text).toString('base64');
    const note = (line: object) => follower.note(JSON.stringify(line));
    note({ vertexes: [{ digest: 'sha256:1', name: 'RUN make', started: '2026-01-01T00:00:00.000Z' }] });
    note({ logs: [{ vertex: 'sha256:1', data: encoded(`short\n${'x'.repeat(50_000)}\n`) }] });
    for (let count = 0; count < 50; count += 1)
      note({ logs: [{ vertex: 'sha256:1', data: encoded('y'.repeat(1_000)) }] });
    note({ logs: [{ vertex: 'sha256:1', data: encoded('\n') }] });
    const [step] = follower.steps();
    expect(step?.lines.map((line) => [line[0], line.length, line.at(-1)])).toEqual([
      ['s', 5, 't'],
      ['x', 10_001, '…'],
      ['y', 10_001, '…'],
    ]);
  });

  test('of the program that builds', () => {
    const long = 'x'.repeat(50_000);
    for (const follower of [followBuildKit(), followBuildah()]) {
      const [note] = follower.note(long);
      expect(note).toEqual({ kind: 'text', line: `${'x'.repeat(10_000)}…` });
      expect(follower.texts()).toEqual([`${'x'.repeat(10_000)}…`]);
    }
  });

  test('of a step that buildah builds', () => {
    const follower = followBuildah();
    for (const line of ['STEP 1/1: RUN make', 'x'.repeat(50_000)]) follower.note(line);
    const [line = ''] = follower.steps().at(-1)?.lines ?? [];
    expect([line.length, line.at(-1)]).toEqual([10_001, '…']);
  });
});

describe('what is packed', () => {
  test('unpacks as far as its bound, which is named, and the way out too', async () => {
    const seal = createSeal('the credentials of all runs');
    const snapshot = gzipSync(Buffer.alloc(65 * MIB, ' '));
    const { createHash } = await import('node:crypto');
    const inventory = JSON.stringify({
      ...{ schema: 1, id: 'run', startedBy: 'alice', startedAt: 1, phase: 'applying', digest: 'd', objects: [] },
      snapshots: [createHash('sha256').update(snapshot).digest('hex')],
    });
    const data: Readonly<Record<string, object>> = {
      ConfigMap: { inventory, seal: seal.sign(`shop/checkout\n${inventory}`) },
      Secret: { snapshot: snapshot.toString('base64') },
    };
    const client: Parameters<typeof createInventoryStore>[0] = {
      find: async ({ type: { apiVersion, kind } }) =>
        kubernetesObject.parse({ apiVersion, kind, metadata: { name: 'x' }, data: data[kind] }),
      apply: async (_, manifest) => kubernetesObject.parse(manifest),
      remove: async () => undefined,
    };
    const store = createInventoryStore(client, 'shop', 'checkout', seal);
    await store.load(never);
    await expect(store.loadSnapshot(never)).rejects.toMatchObject({
      code: 'unsupported',
      about: 'Secret shop/sluice-inventory-checkout',
      problem: 'unpacks to more than 64 MiB, which is not read.',
      next: expect.stringContaining('"mode: discard-record"'),
    });
  });

  test('is not written where it would be more than that, and both bounds are named', async () => {
    const client: Parameters<typeof createInventoryStore>[0] = {
      find: async () => undefined,
      apply: async () => {
        throw new Error('nothing is to be written');
      },
      remove: async () => undefined,
    };
    const store = createInventoryStore(client, 'shop', 'checkout', createSeal('credentials'));
    const type = resources.configMap;
    const found = kubernetesObject.parse({
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'large' } },
      data: { value: ' '.repeat(65 * MIB) },
    });
    const entries = [{ reference: { type, namespace: 'shop', name: 'large' }, found, leavesReplicas: false }];
    await expect(store.saveSnapshot({ former: { digest: '', objects: [] }, entries }, never)).rejects.toMatchObject({
      code: 'unsupported',
      problem: expect.stringMatching(/\(760000 is the most\) and \d+ as they are \(67108864 is the most\)/),
    });
  });
});

describe('what is too long to be read, or to be shown, says so:', () => {
  test('a diff', () => {
    const shown = shortened(`${'x'.repeat(99)}\n`.repeat(1_000));
    expect(shown.length).toBeLessThan(31_000);
    expect(shown).toMatch(/\n… 70\d more lines are in the JSON report \(output "report"\)$/);
  });

  test('a plan', () => {
    expect(() => parsePlanFile('#'.repeat(20_001), 'plan.yaml')).toThrow(
      'has 20,001 characters, which is no plan. Give a file of at most 20,000.',
    );
  });

  test('checks', () => {
    expect(checks.schema.safeParse('#'.repeat(20_001)).error?.issues[0]?.message).toBe(
      'has 20,001 characters, which is no list of checks: 20,000 are the most.',
    );
  });

  test('a PromQL expression', async () => {
    await expect(parseExpression('1+'.repeat(10_001), 'query')).rejects.toMatchObject({
      code: 'bad-query',
      problem: 'is longer than 20,000 characters.',
    });
  });
});

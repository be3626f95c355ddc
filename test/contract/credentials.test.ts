import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request as forward } from 'node:http';
import { createServer as createSocketServer, connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startApiServer } from '../../lab/embedded/api-server/index.ts';
import { close, listen } from '../../lab/embedded/sockets.ts';
import { createClient } from '../../src/cluster/client.ts';
import { loadConfig } from '../../src/cluster/kubeconfig.ts';
import { resources } from '../../src/cluster/resources.ts';
import { connect } from '../../src/cluster/transport.ts';

const api = await startApiServer();
const namespaces = { type: resources.configMap, namespace: 'default', name: 'kept' };
const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
const signal = new AbortController().signal;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credentials-'));
  api.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept', namespace: 'default' } });
});
afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true });
});

function kubeconfig(user: object, server = api.url, cluster: object = {}): string {
  return stringify({
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}

function clientFor(text: string, env: Record<string, string> = {}) {
  const load = () => loadConfig({ kubeconfig: text, context: '', env });
  return createClient(connect(load(), env, load), { attemptTimeout: 1_000, deadline: 20_000 });
}

/** An exec plugin that counts its calls and gives the token that lies in a file. */
async function plugin(token: string, expires?: string): Promise<{ user: object; calls(): Promise<number> }> {
  const [script, count, tokenFile] = ['plugin.mjs', 'count', 'plugin-token'].map((name) => join(folder, name));
  await writeFile(count ?? '', '');
  await writeFile(tokenFile ?? '', token);
  const status = `{ token: readFileSync('${tokenFile}', 'utf8')${expires ? `, expirationTimestamp: '${expires}'` : ''} }`;
  await writeFile(
    script ?? '',
    `import { appendFileSync, readFileSync } from 'node:fs';
appendFileSync('${count}', '.');
console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: ${status} }));
`,
  );
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: [script] };
  return { user: { exec }, calls: async () => (await readFile(count ?? '', 'utf8')).length };
}

describe('an exec plugin', () => {
  it('is run once for requests that begin together', async () => {
    api.setUser({ name: 'exec', token: 'exec-1', rules: [everything] });
    const { user, calls } = await plugin('exec-1');
    const client = clientFor(kubeconfig(user));
    await Promise.all(Array.from({ length: 8 }, () => client.get(namespaces, signal)));
    expect(await calls()).toBe(1);
    await client.close();
  });

  it('is run again when what it gave has expired', async () => {
    api.setUser({ name: 'exec', token: 'exec-1', rules: [everything] });
    const { user, calls } = await plugin('exec-1', new Date(Date.now() - 1_000).toISOString());
    const client = clientFor(kubeconfig(user));
    await client.get(namespaces, signal);
    await client.get(namespaces, signal);
    expect(await calls()).toBe(2);
    await client.close();
  });

  it('is run again when the server does not accept the token any more', async () => {
    api.setUser({ name: 'exec', token: 'exec-1', rules: [everything] });
    const { user, calls } = await plugin('exec-1');
    const client = clientFor(kubeconfig(user));
    await client.get(namespaces, signal);
    api.setUser({ name: 'exec', token: 'exec-2', rules: [everything] });
    await writeFile(join(folder, 'plugin-token'), 'exec-2');
    await expect(client.get(namespaces, signal)).resolves.toMatchObject({ kind: 'ConfigMap' });
    expect(await calls()).toBe(2);
    await client.close();
  });

  it('that fails is named, without what it printed', async () => {
    const script = join(folder, 'failing.sh');
    await writeFile(script, '#!/bin/sh\necho top-secret\necho "not logged in" >&2\nexit 1\n');
    await chmod(script, 0o755);
    const client = clientFor(kubeconfig({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: script } }));
    const refused = client.get(namespaces, signal);
    await expect(refused).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('not logged in'),
    });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('top-secret') });
    await client.close();
  });
});

describe('an exec plugin that gives nothing to use', () => {
  it.each([
    ['prints something else', 'console.log("very-secret-token")', /printed no ExecCredential/],
    ['prints another object', 'console.log("{}")', /printed no ExecCredential/],
  ])('%s: told without it', async (_, script, says) => {
    const path = join(folder, 'odd.mjs');
    await writeFile(path, script);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: [path] };
    const client = clientFor(kubeconfig({ exec }));
    const refused = client.get(namespaces, signal);
    await expect(refused).rejects.toMatchObject({ code: 'forbidden', problem: expect.stringMatching(says) });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('very-secret') });
    await client.close();
  });

  it('is not installed: told with the hint of the kubeconfig', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'no-such-plugin',
      installHint: 'Get it from\nexample.com',
    };
    const client = clientFor(kubeconfig({ exec }));
    await expect(client.get(namespaces, signal)).rejects.toMatchObject({
      next: 'Install the exec plugin of the kubeconfig in an earlier step: Get it from example.com',
    });
    await client.close();
  });
});

describe('a token file', () => {
  it('is read, and read again when its token is refused', async () => {
    api.setUser({ name: 'projected', token: 'projected-1', rules: [everything] });
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'projected-1');
    const client = clientFor(kubeconfig({ tokenFile }));
    await client.get(namespaces, signal);
    api.setUser({ name: 'projected', token: 'projected-2', rules: [everything] });
    await writeFile(tokenFile, 'projected-2');
    await expect(client.get(namespaces, signal)).resolves.toMatchObject({ kind: 'ConfigMap' });
    await client.close();
  });
});

/** A proxy for HTTP, which knows where kubernetes.test is; `asked` counts what comes to it. */
async function startProxy() {
  let asked = 0;
  const proxy = createServer((incoming, outgoing) => {
    asked += 1;
    const url = new URL(incoming.url ?? '');
    url.hostname = '127.0.0.1';
    const onward = forward(url, { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  proxy.on('connect', (incoming, socket) => {
    asked += 1;
    const [, port] = (incoming.url ?? '').split(':');
    const onward = dial(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
  });
  const url = `http://127.0.0.1:${await listen(proxy, 0)}`;
  return { url, asked: () => asked, stop: () => close(proxy) };
}

/** A proxy that speaks SOCKS 5 without a login: RFC 1928. */
async function startSocks() {
  let asked = 0;
  const proxy = createSocketServer((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.from([5, 0]));
      socket.once('data', (request) => {
        asked += 1;
        const onward = dial(request.readUInt16BE(request.length - 2), '127.0.0.1', () => {
          socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
          onward.pipe(socket).pipe(onward);
        });
      });
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return { url: `socks5://127.0.0.1:${port}`, asked: () => asked, stop: async () => void proxy.close() };
}

describe('a proxy', () => {
  const named = api.url.replace('127.0.0.1', 'kubernetes.test');
  const user = { token: 'embedded-admin-token' };

  it('of the environment is used, unless NO_PROXY names the server', async () => {
    const proxy = await startProxy();
    const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url };
    const through = clientFor(kubeconfig(user, named), env);
    await through.get(namespaces, signal);
    expect(proxy.asked()).toBe(1);
    await through.close();

    const past = clientFor(kubeconfig(user), { ...env, NO_PROXY: 'localhost,127.0.0.0/8,.svc' });
    await past.get(namespaces, signal);
    expect(proxy.asked()).toBe(1);
    await past.close();
    await proxy.stop();
  });

  it('that is dead is not asked for a server that NO_PROXY names by its network', async () => {
    const client = clientFor(kubeconfig(user), {
      HTTPS_PROXY: 'http://127.0.0.1:1',
      HTTP_PROXY: 'http://127.0.0.1:1',
      NO_PROXY: '127.0.0.0/8',
    });
    await expect(client.get(namespaces, signal)).resolves.toMatchObject({ kind: 'ConfigMap' });
    await client.close();
  });

  it.each([
    ['HTTP', startProxy],
    ['SOCKS 5', startSocks],
  ])('of the kubeconfig is used, whatever the environment says: %s', async (_, start) => {
    const proxy = await start();
    const text = kubeconfig(user, named, { 'proxy-url': proxy.url });
    const client = clientFor(text, { NO_PROXY: '*', HTTP_PROXY: 'http://127.0.0.1:1' });
    await expect(client.get(namespaces, signal)).resolves.toMatchObject({ kind: 'ConfigMap' });
    expect(proxy.asked()).toBe(1);
    await client.close();
    await proxy.stop();
  });
});

describe('an identity to act as', () => {
  it('comes to the server field by field', async () => {
    let seen: readonly string[] = [];
    const server = createServer((incoming, outgoing) => {
      seen = incoming.rawHeaders;
      outgoing.end(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept' } }));
    });
    const url = `http://127.0.0.1:${await listen(server, 0)}`;
    const client = clientFor(
      kubeconfig(
        {
          token: 't',
          as: 'deployer',
          'as-groups': ['release', 'ci'],
          'as-uid': '77',
          'as-user-extra': { reason: ['ci'] },
        },
        url,
      ),
    );
    await client.get(namespaces, signal);
    const pairs = seen.flatMap((name, index) => (index % 2 === 0 ? [`${name.toLowerCase()}: ${seen[index + 1]}`] : []));
    expect(pairs.filter((pair) => pair.startsWith('impersonate-')).toSorted()).toEqual([
      'impersonate-extra-reason: ci',
      'impersonate-group: ci',
      'impersonate-group: release',
      'impersonate-uid: 77',
      'impersonate-user: deployer',
    ]);
    await client.close();
    await close(server);
  });
});

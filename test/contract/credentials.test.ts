import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request as forward } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startApiServer } from '../../lab/embedded/api-server/index.ts';
import { close, listen } from '../../lab/embedded/sockets.ts';
import { createClient } from '../../src/kubernetes/client.ts';
import { loadConfig } from '../../src/kubernetes/config.ts';
import { resources } from '../../src/kubernetes/resources.ts';
import { connect } from '../../src/kubernetes/transport.ts';

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

function kubeconfig(user: object, server = api.url): string {
  return stringify({
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}

function clientFor(text: string, env: Record<string, string> = {}) {
  const load = () => loadConfig({ kubeconfig: text, context: '', env });
  return createClient(connect(load(), env, load), { attemptTimeout: 1_000, deadline: 3_000 });
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

describe('a proxy', () => {
  it('of the environment is used, unless NO_PROXY names the server', async () => {
    let tunnels = 0;
    const proxy = createServer((incoming, outgoing) => {
      tunnels += 1;
      const onward = forward(incoming.url ?? '', { method: incoming.method, headers: incoming.headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(onward);
    });
    proxy.on('connect', (incoming, socket) => {
      tunnels += 1;
      import('node:net').then(({ connect: dial }) => {
        const [host, port] = (incoming.url ?? '').split(':');
        const onward = dial(Number(port), host, () => {
          socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
          onward.pipe(socket).pipe(onward);
        });
      });
    });
    const url = `http://127.0.0.1:${await listen(proxy, 0)}`;
    const text = kubeconfig({ token: 'embedded-admin-token' });

    const through = clientFor(text, { HTTP_PROXY: url, HTTPS_PROXY: url });
    await through.get(namespaces, signal);
    expect(tunnels).toBe(1);
    await through.close();

    const past = clientFor(text, { HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: '127.0.0.1' });
    await past.get(namespaces, signal);
    expect(tunnels).toBe(1);
    await past.close();
    await close(proxy);
  });
});

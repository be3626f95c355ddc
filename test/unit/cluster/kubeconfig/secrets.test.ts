import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { kubeconfigSecrets } from '../../../../src/cluster/kubeconfig/secrets.ts';
import { loadConfig } from '../../../../src/cluster/kubeconfig.ts';
import { connect } from '../../../../src/cluster/transport.ts';

const EXEC = 'client.authentication.k8s.io/v1';

function kubeconfig(user: object, cluster: object = {}): string {
  return stringify({
    clusters: [{ name: 'c', cluster: { server: 'https://kubernetes.example', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}

describe('the secrets of a kubeconfig', () => {
  it.each<[string, object, object, string[]]>([
    ['a token', { token: 'planted' }, {}, ['planted']],
    ['a token that is a number', { token: 9876543210 }, {}, ['9876543210']],
    [
      'a password that is a number, and what is sent of it',
      { username: 'me', password: 12345678 },
      {},
      ['12345678', Buffer.from('me:12345678').toString('base64')],
    ],
    ['a field that is none of the format', { Passphrase: 'planted' }, {}, ['planted']],
    ['the login of a proxy', {}, { 'proxy-url': 'http://pu:plan%20ted@proxy' }, ['plan%20ted', 'plan ted']],
    ['the login of a server', {}, { server: 'https://svc:planted@kubernetes.example' }, ['planted']],
    ['a token in an address', {}, { 'proxy-url': 'http://planted@proxy' }, ['planted']],
    [
      'the arguments of a plugin',
      {
        exec: {
          args: ['login', '--client-secret', 'a', '--password=b', '-p', 'c', '--what', 'planted-word', 'Planted-1'],
        },
      },
      {},
      ['a', 'b', 'c', 'planted-word', 'Planted-1'],
    ],
    [
      'the environment of a plugin',
      {
        exec: {
          env: [
            { name: 'PASSPHRASE', value: 'a' },
            { name: 'OTHER', value: 'planted-value' },
            { name: 'HTTPS_PROXY', value: 'http://u:pw@proxy' },
          ],
        },
      },
      {},
      ['a', 'planted-value', 'pw'],
    ],
    [
      'what an auth-provider keeps',
      { 'auth-provider': { name: 'oidc', config: { 'id-token': 'planted' } } },
      {},
      ['planted'],
    ],
    ['a key, also as it is in its file', { 'client-key-data': 'cGxhbnRlZA==' }, {}, ['cGxhbnRlZA==', 'planted']],
  ])('are found: %s', (_, user, cluster, expected) => {
    expect(kubeconfigSecrets(kubeconfig(user, cluster))).toEqual(expect.arrayContaining(expected));
  });

  it('are found behind an alias and a merge, and in users that are not in use', () => {
    const text = `t: &t planted-alias
base: &base {password: planted-merge}
users:
- {name: a, user: {token: *t}}
- {name: b, user: {<<: *base}}
clusters: []
`;
    expect(kubeconfigSecrets(text)).toEqual(['planted-alias', 'planted-merge'].toReversed());
  });

  it('are none of the words that a log is full of', () => {
    const args = ['--region', 'eu-central-1', 'eks', 'get-token', '--cluster-name', 'production-1', '--output', 'json'];
    const env = [
      { name: 'AWS_PROFILE', value: 'production' },
      { name: 'AZURE_USE_TOKEN', value: 'true' },
    ];
    const exec = { apiVersion: EXEC, command: 'aws', args, env };
    expect(kubeconfigSecrets(kubeconfig({ exec, 'client-key': '/home/me/client.key' }))).toEqual([]);
  });

  it('are all of a text that can not be read', () => {
    expect(kubeconfigSecrets('users: [{token: planted')).toEqual(['users: [{token: planted']);
  });

  it('of one that contains itself are found', () => {
    expect(kubeconfigSecrets('users: &u [{token: planted}, *u]\nclusters: []\n')).toEqual(['planted']);
  });
});

describe('a kubeconfig that is loaded', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubeconfig-secrets-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(['path', 'KUBECONFIG', 'home', 'text'])('is masked, wherever it came from: %s', async (form) => {
    const masked: string[] = [];
    const text = kubeconfig({ token: 'planted-token' });
    const path = join(folder, 'config');
    await writeFile(path, text);
    const given = { path, KUBECONFIG: '', home: '', text }[form] ?? '';
    const env = form === 'KUBECONFIG' ? { KUBECONFIG: path } : {};
    if (form === 'home') {
      await mkdir(join(folder, '.kube'), { recursive: true });
      await writeFile(join(folder, '.kube', 'config'), text);
    }
    const config = loadConfig({
      kubeconfig: given,
      context: '',
      env: form === 'home' ? { HOME: folder } : env,
      mask: (secrets) => masked.push(...secrets),
    });
    expect(config.getCurrentUser()?.token).toBe('planted-token');
    expect(masked).toContain('planted-token');
  });

  it.each([
    [
      'a file',
      async () => {
        await writeFile(join(folder, 'token'), 'planted-later\n');
        return { tokenFile: join(folder, 'token') };
      },
    ],
    [
      'an exec plugin',
      async () => {
        const script = "console.log(JSON.stringify({ status: { token: ['planted', 'later'].join('-') } }))";
        return { exec: { apiVersion: EXEC, command: process.execPath, args: ['-e', script] } };
      },
    ],
  ])('has the token of %s masked before the first request', async (_, userOf) => {
    const masked: string[] = [];
    const config = loadConfig({ kubeconfig: kubeconfig(await userOf()), context: '', env: {} });
    const connection = connect(
      config,
      {},
      () => config,
      (secrets) => masked.push(...secrets),
    );
    expect((await connection.authorize()).headers).toEqual({ Authorization: 'Bearer planted-later' });
    expect(masked).toContain('planted-later');
    await connection.close();
  });
});

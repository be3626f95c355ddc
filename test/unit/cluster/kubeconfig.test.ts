import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadConfig } from '../../../src/cluster/kubeconfig.ts';
import { clusterSecrets } from '../../../src/runner/secrets.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'));
});
afterAll(() => rm(folder, { recursive: true }));

const server = 'https://10.0.0.1:6443';
const EXEC = 'client.authentication.k8s.io';

function kubeconfig(user: object, cluster: object = {}, change: object = {}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
    'current-context': 'x',
    ...change,
  });
}

const load = (text: string, context = '', env: Record<string, string> = {}) =>
  loadConfig({ kubeconfig: text, context, env });

async function sent(text: string): Promise<RequestOptions> {
  const options: RequestOptions = {};
  await load(text).applyToHTTPSOptions(options);
  return options;
}

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** What an exec plugin is told, which it gives back in place of a token. */
async function execInfo(exec: object, cluster: object = {}): Promise<unknown> {
  const script = await file(
    'tell.mjs',
    `const token = Buffer.from(process.env.KUBERNETES_EXEC_INFO).toString('base64url');
console.log(JSON.stringify({ apiVersion: '${EXEC}/v1', kind: 'ExecCredential', status: { token } }));`,
  );
  const options = await sent(kubeconfig({ exec: { command: process.execPath, args: [script], ...exec } }, cluster));
  const [, token = ''] = /^Bearer (.*)$/.exec(String(Object.entries(options.headers ?? {})[0]?.[1])) ?? [];
  return JSON.parse(Buffer.from(token, 'base64url').toString());
}

describe('an identity to act as', () => {
  it('is sent whole, as kubectl does', async () => {
    const { headers } = await sent(
      kubeconfig({
        token: 't',
        as: 'deployer',
        'as-groups': ['release', 'a,b'],
        'as-uid': '77',
        'as-user-extra': { reason: ['ci'], 'example.com/team (x)': ['a', 'b'] },
      }),
    );
    expect(headers).toEqual({
      Authorization: 'Bearer t',
      'Impersonate-User': 'deployer',
      'Impersonate-Group': ['release', 'a,b'],
      'Impersonate-Uid': '77',
      'Impersonate-Extra-reason': ['ci'],
      'Impersonate-Extra-example.com%2Fteam%20%28x%29': ['a', 'b'],
    });
  });

  it.each([{ 'as-groups': ['release'] }, { 'as-uid': '7' }, { 'as-user-extra': { a: ['b'] } }])(
    'without a name is refused: %j',
    (fields) => expect(() => load(kubeconfig({ token: 't', ...fields }))).toThrow('"as" is missing'),
  );
});

describe('an exec plugin', () => {
  it('gives way to a token in the file', async () => {
    const script = await file(
      'other.mjs',
      `console.log(JSON.stringify({ apiVersion: '${EXEC}/v1', kind: 'ExecCredential', status: { token: 'of-plugin' } }));`,
    );
    const exec = { apiVersion: `${EXEC}/v1`, command: process.execPath, args: [script] };
    expect((await sent(kubeconfig({ token: 'of-file', exec }))).headers).toEqual({ Authorization: 'Bearer of-file' });
  });

  it('is told what kubectl tells it', async () => {
    const exec = { apiVersion: `${EXEC}/v1beta1`, interactiveMode: 'IfAvailable', env: null };
    const info = { apiVersion: `${EXEC}/v1beta1`, kind: 'ExecCredential', spec: { interactive: false } };
    expect(await execInfo(exec)).toEqual(info);
  });

  it('is told of the cluster where it wants to', async () => {
    const cluster = {
      'insecure-skip-tls-verify': true,
      'proxy-url': 'http://proxy.example:3128',
      extensions: [
        { name: 'other', extension: { a: 1 } },
        { name: `${EXEC}/exec`, extension: { audience: 'shop' } },
      ],
    };
    expect(await execInfo({ apiVersion: `${EXEC}/v1`, provideClusterInfo: true }, cluster)).toMatchObject({
      spec: {
        cluster: {
          server,
          'insecure-skip-tls-verify': true,
          'proxy-url': 'http://proxy.example:3128',
          config: { audience: 'shop' },
        },
      },
    });
  });

  it.each([
    [{ apiVersion: `${EXEC}/v1alpha1`, command: 'aws' }, /speaks client\.authentication\.k8s\.io\/v1alpha1/],
    [{ command: 'aws' }, /speaks no version/],
    [{ apiVersion: `${EXEC}/v1` }, /names no command/],
    [{ apiVersion: `${EXEC}/v1`, command: 'login', interactiveMode: 'Always' }, /interactiveMode: Always/],
  ])('that kubectl would not run is refused: %j', (exec, says) => {
    expect(() => load(kubeconfig({ exec }))).toThrow(says);
  });
});

describe('a user', () => {
  it.each([
    [{ 'auth-provider': { name: 'gcp', config: { 'access-token': 'very-secret' } } }, 'auth-provider "gcp"'],
    [{ 'auth-provider': { name: 'azure' } }, 'auth-provider "azure"'],
    [{ token: 'very-secret', username: 'me', password: 'very-secret' }, 'a token and a user name with a password'],
    [{ exec: { apiVersion: `${EXEC}/v1`, command: 'x' }, 'auth-provider': { name: 'oidc' } }, 'only one of them'],
    [{ token: 12_345_678 }, 'user "u" that can\'t be read: token is no string'],
    [{ 'as-groups': 'release' }, 'as-groups is no array'],
  ])('that kubectl refuses is refused by name: %j', (user, says) => {
    expect(() => load(kubeconfig(user))).toThrow(says);
    expect(() => load(kubeconfig(user))).not.toThrow(/very-secret|12345678/);
  });

  it('signs in with a name and a password, which may be empty', async () => {
    expect((await sent(kubeconfig({ username: 'me', password: 'p:w' }))).auth).toBe('me:p:w');
    expect((await sent(kubeconfig({ username: 'me' }))).auth).toBe('me:');
  });

  it('has the token of a file rather than the one beside it, without its line break', async () => {
    const tokenFile = await file('token', 'from-file\n');
    expect((await sent(kubeconfig({ token: 'beside', tokenFile }))).headers).toEqual({
      Authorization: 'Bearer from-file',
    });
    const gone = join(folder, 'gone');
    expect((await sent(kubeconfig({ token: 'beside', tokenFile: gone }))).headers).toEqual({
      Authorization: 'Bearer beside',
    });
  });

  it('has the certificates that the kubeconfig holds rather than those that it points to', async () => {
    const path = await file('other.pem', 'from file');
    const data = Buffer.from('held').toString('base64');
    const user = {
      'client-certificate': path,
      'client-certificate-data': data,
      'client-key': path,
      'client-key-data': data,
    };
    const cluster = {
      'certificate-authority': path,
      'certificate-authority-data': data,
      'tls-server-name': 'shop.example',
    };
    const options = await sent(kubeconfig(user, cluster));
    expect([options.ca, options.cert, options.key].map(String)).toEqual(['held', 'held', 'held']);
    expect(options.servername).toBe('shop.example');
  });

  it('of the context that is not there is no anonymous one', () => {
    expect(() => load(kubeconfig({ token: 't' }, {}, { users: [] }))).toThrow('has no user "u"');
  });
});

describe('a cluster', () => {
  it.each([
    [
      { 'insecure-skip-tls-verify': true, 'certificate-authority-data': 'QQ==' },
      'insecure-skip-tls-verify and a certificate',
    ],
    [{ 'proxy-url': 'socks4://proxy.example' }, 'proxy-url that is none of'],
    [{ 'proxy-url': 'proxy.example:3128' }, 'proxy-url that is none of'],
    [{ server: 'kubernetes.example' }, 'without a server of the form'],
    [{ server: undefined }, 'without a server of the form'],
    [{ 'insecure-skip-tls-verify': 'maybe' }, 'insecure-skip-tls-verify is no boolean'],
  ])('that kubectl refuses is refused by name: %j', (cluster, says) => {
    expect(() => load(kubeconfig({ token: 't' }, cluster))).toThrow(says);
  });

  it.each([
    ['yes', true],
    ['On', true],
    ['no', false],
  ])('is read as YAML 1.1, as kubectl does: %s', (word, skips) => {
    const text = kubeconfig({}, {}).replace(
      `server: ${server}`,
      `server: ${server}\n      insecure-skip-tls-verify: ${word}`,
    );
    expect(load(text).getCurrentCluster()?.skipTLSVerify).toBe(skips);
  });

  it('may do without TLS, as kubectl proxy does, and without compression', async () => {
    const cluster = { server: 'http://localhost:8001', 'disable-compression': true };
    await expect(sent(kubeconfig({}, cluster))).resolves.toMatchObject({ headers: {} });
    expect(load(kubeconfig({}, cluster)).getCurrentCluster()?.server).toBe('http://localhost:8001');
  });
});

describe('a kubeconfig', () => {
  const text = kubeconfig({ token: 'very-secret-token' });
  const base64 = Buffer.from(text).toString('base64');

  it.each([
    ['on one line', base64],
    ['in lines of 76 characters', base64.replaceAll(/(.{76})/g, '$1\n')],
    ['with a line break at its end', `${base64}\n`],
    ['for addresses', Buffer.from(text).toString('base64url')],
  ])('is taken in base64 %s, and masked', async (_, given) => {
    expect((await sent(given)).headers).toEqual({ Authorization: 'Bearer very-secret-token' });
    expect(clusterSecrets({ kubeconfig: given })).toEqual([given.trim(), 'very-secret-token']);
  });

  it('is taken in base64 from a file as well', async () => {
    expect(load(await file('encoded', base64)).getCurrentContext()).toBe('x');
  });

  it.each([
    ['a token', 'a1b2c3.0123456789abcdef'],
    ['a JSON web token', 'eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl'],
    ['half a file in base64', base64.slice(9, 200)],
    ['a file without its line breaks', text.replaceAll('\n', ' ').slice(0, 280)],
    ['a key', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
  ])('that is none is not shown: %s', (_, given) => {
    const refusal = () => load(given);
    expect(refusal).toThrow('is neither the path of a file that exists, nor a kubeconfig');
    expect(refusal).not.toThrow(given.slice(0, 20));
  });

  it.each(['no/such/kubeconfig', './kube.yaml', '/home/runner/.kube/config', 'C:\\Users\\me\\kube.yaml'])(
    'that is not there is named: %s',
    (given) => expect(() => load(given)).toThrow(`no file is at ${given}`),
  );

  it('that can not be read is not quoted', () => {
    const broken = 'users: [{name: a, user: {token: !plain very-secret';
    expect(() => load(`apiVersion: v1\n${broken}`)).toThrow('is not a kubeconfig that can be read');
    expect(() => load(`apiVersion: v1\n${broken}`)).not.toThrow('very-secret');
  });

  it('names nobody twice', () => {
    const user = { name: 'u', user: {} };
    expect(() => load(kubeconfig({}, {}, { users: [user, user] }))).toThrow('has the user "u" twice');
  });

  it('needs a context: its own or that of the input', () => {
    const none = kubeconfig({ token: 't' }, {}, { 'current-context': '' });
    expect(() => load(none)).toThrow('has no current context, so it names no cluster; the contexts are x.');
    expect(load(none, 'x').getCurrentContext()).toBe('x');
    expect(() => load(text, 'y')).toThrow('input "context" (y): names no cluster; the contexts are x.');
    expect(() => load(kubeconfig({}, {}, { clusters: [] }))).toThrow('names the cluster "c", which');
  });

  it('is not judged by what is not in use', () => {
    const users = [
      { name: 'u', user: { token: 't' } },
      { name: 'old', user: { 'auth-provider': { name: 'gcp' } } },
      { name: 'empty', user: null },
    ];
    expect(load(kubeconfig({}, {}, { users })).getCurrentUser()?.token).toBe('t');
  });

  it('names the namespace to work in', () => {
    expect(load(text).getNamespace()).toBe('shop');
  });
});

describe('several files in KUBECONFIG', () => {
  it('are one: of two entries the first counts, and missing files are left out', async () => {
    const first = await file('first', kubeconfig({ token: 'first' }, {}, { 'current-context': '' }));
    const second = await file(
      'second',
      stringify({
        clusters: [{ name: 'c', cluster: { server: 'https://other.example' } }],
        users: [{ name: 'u', user: { token: 'second' } }],
        contexts: [{ name: 'y', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'y',
      }),
    );
    const third = await file('third', stringify({ 'current-context': 'x' }));
    const env = { KUBECONFIG: ['', join(folder, 'gone'), first, second, third].join(':') };
    const config = load('', '', env);
    expect([config.getCurrentContext(), config.getCurrentCluster()?.server, config.getCurrentUser()?.token]).toEqual([
      'y',
      server,
      'first',
    ]);
    expect(load('', 'x', env).getCurrentContext()).toBe('x');
  });

  it('have their paths from their own folders', async () => {
    await mkdir(join(folder, 'a'));
    await writeFile(join(folder, 'a', 'token'), 'beside');
    const path = await file('a/config', kubeconfig({ tokenFile: 'token' }));
    const options: RequestOptions = {};
    await load('', '', { KUBECONFIG: path }).applyToHTTPSOptions(options);
    expect(options.headers).toEqual({ Authorization: 'Bearer beside' });
  });

  it('that are all missing are named, and content in their place is not shown', () => {
    expect(() => load('', '', { KUBECONFIG: '/no/such:/file/either' })).toThrow('exists (/no/such) (/file/either)');
    const content = kubeconfig({ token: 'very-secret-token' });
    expect(() => load('', '', { KUBECONFIG: content })).toThrow(/KUBECONFIG holds the content(?!.*very-secret)/);
  });

  it('are not needed where the home folder has one', async () => {
    const home = join(folder, 'home');
    await mkdir(join(home, '.kube'), { recursive: true });
    await writeFile(join(home, '.kube', 'config'), kubeconfig({ token: 't' }));
    expect(load('', '', { HOME: home }).getCurrentContext()).toBe('x');
    expect(() => load('', '', { HOME: folder })).toThrow('input "kubeconfig": names no cluster.');
  });
});

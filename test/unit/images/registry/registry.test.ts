import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { apiHost, parseReference, parseRepository } from '../../../../src/core/image-reference.ts';
import {
  buildahAuthFiles,
  buildahLogin,
  loginFrom,
  secretsOfAuthFile,
  writeOwnAuthFile,
  writeOwnConfig,
} from '../../../../src/images/credentials.ts';
import type { Login } from '../../../../src/images/registry/authorization.ts';
import { parseChallenges } from '../../../../src/images/registry/challenge.ts';
import { digestOf } from '../../../../src/images/registry/manifests.ts';
import { createRegistry } from '../../../../src/images/registry/registry.ts';

const never = new AbortController().signal;

describe('parseReference', () => {
  it.each([
    ['alpine', 'docker.io', 'library/alpine', undefined],
    ['acme/checkout:1.2', 'docker.io', 'acme/checkout', '1.2'],
    ['ghcr.io/acme/checkout', 'ghcr.io', 'acme/checkout', undefined],
    ['localhost/checkout', 'localhost', 'checkout', undefined],
    ['127.0.0.1:5000/a/b/c:v1', '127.0.0.1:5000', 'a/b/c', 'v1'],
  ])('%s', (text, registry, path, tag) => {
    const parsed = parseReference(text);
    expect(parsed.repository).toMatchObject({ registry, path });
    expect(parsed.tag).toBe(tag);
  });

  it('knows the host of Docker Hub, and digests', () => {
    const digest = digestOf('x');
    expect(parseReference(`alpine:3@${digest}`)).toMatchObject({ tag: '3', digest });
    expect(apiHost(parseRepository('alpine'))).toBe('registry-1.docker.io');
  });

  it.each(['', 'a//b', 'https://ghcr.io/acme', 'a b'])('refuses %j', (text) => {
    expect(() => parseReference(text)).toThrow('is no name of an image');
  });

  it.each([
    ['Ghcr.io/Acme/Checkout', 'has capitals in its repository'],
    ['a@sha256:12', 'names the digest "sha256:12", which is none'],
  ])('refuses %j, and says what is wrong with it', (text, problem) => {
    expect(() => parseReference(text)).toThrow(problem);
  });

  it('knows Docker Hub by all its names, and no port that there can’t be', () => {
    for (const host of ['docker.io', 'index.docker.io', 'registry-1.docker.io'])
      expect(parseRepository(`${host}/acme/shop`)).toMatchObject({
        registry: 'docker.io',
        name: 'docker.io/acme/shop',
      });
    expect(() => parseReference('[::1]:505000/a')).toThrow('is no name of an image');
  });

  it('refuses a tag where a repository is asked for', () => {
    expect(() => parseRepository('ghcr.io/acme/checkout:1')).toThrow('names a tag');
  });
});

describe('parseChallenges', () => {
  it('reads what registries send', () => {
    expect(
      parseChallenges('Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a:b:pull,push"'),
    ).toEqual([
      {
        scheme: 'bearer',
        parameters: { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'a:b:pull,push' },
      },
    ]);
    expect(parseChallenges(['Basic realm="x"', 'Bearer realm=y'])).toEqual([
      { scheme: 'basic', parameters: { realm: 'x' } },
      { scheme: 'bearer', parameters: { realm: 'y' } },
    ]);
    expect(parseChallenges(undefined)).toEqual([]);
  });

  it('reads back any quoted value, and ends with any text', () => {
    const name = fc.stringMatching(/^[a-z]{1,8}$/);
    fc.assert(
      fc.property(fc.dictionary(name, fc.string(), { minKeys: 1 }), (parameters) => {
        const written = Object.entries(parameters).map(
          ([key, value]) => `${key}="${value.replaceAll(/["\\]/g, '\\$&')}"`,
        );
        expect(parseChallenges(`Bearer ${written.join(', ')}`)).toEqual([{ scheme: 'bearer', parameters }]);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseChallenges(text))));
  });
});

describe('the login of a run', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-docker-'));
    await mkdir(join(folder, 'usual/cli-plugins'), { recursive: true });
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });

  it('is added to what docker has, in a file of its own that nobody else can read', async () => {
    const [usual, own] = [join(folder, 'usual'), join(folder, 'own')];
    const before = JSON.stringify({
      auths: { 'ghcr.io': { auth: btoa('me:mine') } },
      credsStore: 'desktop',
      aliases: {},
    });
    await writeFile(join(usual, 'config.json'), before);
    await writeOwnConfig(usual, own, 'registry.lab', { username: 'ci', password: 'a:b' });
    expect(await readFile(join(usual, 'config.json'), 'utf8')).toBe(before);
    expect((await stat(join(own, 'config.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(own, 'cli-plugins'))).isDirectory()).toBe(true);
    // The store of all others does not hide it.
    expect(await loginFrom(own, 'registry.lab', never)).toEqual({ username: 'ci', password: 'a:b' });
    expect(JSON.parse(await readFile(join(own, 'config.json'), 'utf8'))).toMatchObject({
      credsStore: 'desktop',
      aliases: {},
    });
  });

  it('is known with the secrets of all others in its file, in use or not', async () => {
    const path = join(folder, 'config.json');
    const auths = {
      'ghcr.io': { auth: btoa('me:mine') },
      'quay.io': { username: 'you', password: 'yours' },
      'registry.lab': { auth: '', identitytoken: 'identity-token', registrytoken: 'registry-token' },
    };
    await writeFile(path, JSON.stringify({ auths, credsStore: 'desktop' }));
    const secrets = await secretsOfAuthFile(path);
    for (const secret of ['mine', btoa('me:mine'), 'yours', btoa('you:yours'), 'identity-token', 'registry-token'])
      expect(secrets).toContain(secret);
    expect(secrets).not.toContain('');
    expect(await secretsOfAuthFile(join(folder, 'no-such-file.json'))).toEqual([]);
  });

  it('comes from a credential helper, which gets the registry on its input', async () => {
    const helper = join(folder, 'docker-credential-lab');
    const script =
      '#!/bin/sh\nread -r host || true\n[ "$host" = registry.lab ] && echo \'{"Username":"ci","Secret":"s3"}\' && exit 0\necho "credentials not found in native keychain"; exit 1\n';
    await writeFile(helper, script);
    await chmod(helper, 0o755);
    vi.stubEnv('PATH', [folder, process.env.PATH].join(delimiter));
    await writeFile(join(folder, 'config.json'), JSON.stringify({ credsStore: 'lab' }));
    expect(await loginFrom(folder, 'registry.lab', never)).toEqual({ username: 'ci', password: 's3' });
    expect(await loginFrom(folder, 'other.lab', never)).toBeUndefined();
  });
});

describe('the logins of buildah', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-buildah-'));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });
  const entry = (login: string) => ({ auth: btoa(login) });
  async function write(name: string, content: unknown): Promise<string> {
    const path = join(folder, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, JSON.stringify(content));
    return path;
  }

  it.each<[Readonly<Record<string, string>>, string[]]>([
    [{ REGISTRY_AUTH_FILE: '/a/auth.json', XDG_RUNTIME_DIR: '/run/user/1' }, ['/a/auth.json']],
    [{ DOCKER_CONFIG: '/d', XDG_RUNTIME_DIR: '/run/user/1' }, ['/d/config.json']],
    [
      { XDG_RUNTIME_DIR: '/run/user/1', XDG_CONFIG_HOME: '/c' },
      ['/run/user/1/containers/auth.json', '/c/containers/auth.json', '/home/a/.docker/config.json'],
    ],
    [{}, ['/run/containers/7/auth.json', '/home/a/.config/containers/auth.json', '/home/a/.docker/config.json']],
  ])('lie, with %j, in %j', (env, files) => {
    expect(buildahAuthFiles(env, '/home/a', 7)).toEqual(files);
  });

  it('are those of the nearest path, and of the first file that has one', async () => {
    const first = await write('first.json', {
      auths: {
        'quay.io/acme': entry('acme:1'),
        'quay.io/acme/shop': entry('shop:2'),
        'https://index.docker.io/v1/': entry('hub:3'),
      },
    });
    const second = await write('second.json', {
      auths: { 'quay.io': entry('all:4'), 'quay.io/acme': entry('late:5') },
    });
    const of = async (name: string) =>
      (await buildahLogin([join(folder, 'absent.json'), first, second], parseRepository(name), never))?.username;
    expect(await of('quay.io/acme/shop')).toBe('shop');
    expect(await of('quay.io/acme/shop/deep')).toBe('shop');
    expect(await of('quay.io/acme/shopping')).toBe('acme');
    expect(await of('quay.io/others/shop')).toBe('all');
    expect(await of('docker.io/acme/shop')).toBe('hub');
    expect(await of('ghcr.io/acme/shop')).toBeUndefined();
  });

  it('stay in use beside that of the run', async () => {
    const theirs = await write('auth.json', {
      auths: { 'base.lab': entry('reader:1'), 'registry.lab': entry('old:2') },
      credHelpers: { 'registry.lab': 'nowhere' },
    });
    const own = join(folder, 'own', 'auth.json');
    await writeOwnAuthFile([theirs], own, 'registry.lab', { username: 'ci', password: 'a:b' });
    expect((await stat(own)).mode & 0o777).toBe(0o600);
    const of = (registry: string) => buildahLogin([own], { registry, path: 'acme/shop' }, never);
    expect(await of('registry.lab')).toEqual({ username: 'ci', password: 'a:b' });
    expect(await of('base.lab')).toEqual({ username: 'reader', password: '1' });
  });

  it('of docker are found in whichever form their key is written', async () => {
    await write('config.json', {
      auths: {
        'https://registry.lab/v2/': entry('a:1'),
        'http://plain.lab:5000': entry('b:2'),
        'https://index.docker.io/v1/': entry('hub:3'),
      },
    });
    const of = async (registry: string) => (await loginFrom(folder, registry, never))?.username;
    expect([
      await of('registry.lab'),
      await of('plain.lab:5000'),
      await of('docker.io'),
      await of('registry-1.docker.io'),
      await of('lab'),
    ]).toEqual(['a', 'b', 'hub', 'hub', undefined]);
  });

  it('that can’t be read are named by their file or helper, and not quoted', async () => {
    await writeFile(join(folder, 'config.json'), '{"auths": s3cr3t-TOKEN');
    const helper = join(folder, 'docker-credential-odd');
    await writeFile(helper, '#!/bin/sh\necho s3cr3t-TOKEN\n');
    await chmod(helper, 0o755);
    vi.stubEnv('PATH', [folder, process.env.PATH].join(delimiter));
    const helped = await write('helped.json', { credHelpers: { 'registry.lab': 'odd' } });
    for (const failing of [
      loginFrom(folder, 'registry.lab', never),
      buildahLogin([helped], { registry: 'registry.lab', path: 'a' }, never),
    ]) {
      const error: unknown = await failing.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'SluiceError' });
      expect(inspect(error)).not.toContain('s3cr3t');
    }
  });
});

describe('createRegistry', () => {
  let server: Server;
  let seen: { method: string; url: string; authorization: string | undefined }[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let host: string;

  beforeEach(async () => {
    seen = [];
    server = createServer((request, response) => {
      const { method = '', url = '', headers } = request;
      seen.push({ method, url, authorization: headers.authorization });
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    host = `127.0.0.1:${address.port}`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  function client(login?: Login) {
    return createRegistry({ plainHttp: [], patience: 5_000, signal: never, login: async () => login });
  }
  const repository = () => parseRepository(`${host}/acme/checkout`);

  it('gets a token for what it does, and asks for it once', async () => {
    answer = ({ url = '', headers }, response) => {
      if (url.startsWith('/token')) {
        response.end(JSON.stringify({ token: 'granted' }));
      } else if (headers.authorization === 'Bearer granted') {
        response.setHeader('docker-content-digest', 'sha256:1').end();
      } else {
        response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token",service="lab"` }).end();
      }
    };
    const registry = client({ username: 'ci', password: 'secret' });
    expect(await registry.digest(repository(), 'a')).toBe('sha256:1');
    expect(await registry.digest(repository(), 'b')).toBe('sha256:1');
    await registry.close();
    expect(seen.map(({ url }) => url)).toEqual([
      '/v2/acme/checkout/manifests/a',
      '/token?scope=repository%3Aacme%2Fcheckout%3Apull&service=lab',
      '/v2/acme/checkout/manifests/a',
      '/v2/acme/checkout/manifests/b',
    ]);
    expect(seen[1]?.authorization).toBe(`Basic ${btoa('ci:secret')}`);
  });

  /** A registry that gives what is asked for, and answers by what the token may do. */
  function guarded(
    realm: () => string,
    answerFor: (scopes: string[], request: IncomingMessage, response: ServerResponse) => void,
  ) {
    answer = (request, response) => {
      const url = new URL(request.url ?? '', `http://${host}`);
      const scopes = (request.headers.authorization ?? '')
        .replace(/^Bearer /, '')
        .split(' ')
        .filter((scope) => scope !== '');
      if (url.pathname === '/token')
        response.end(JSON.stringify({ token: url.searchParams.getAll('scope').join(' ') }));
      else if (scopes.length === 0) response.writeHead(401, { 'www-authenticate': realm() }).end();
      else answerFor(scopes, request, response);
    };
  }
  const pull = () => `Bearer realm="http://${host}/token",service="lab",scope="repository:acme/checkout:pull"`;
  function pusher() {
    const pushTo = [repository().name];
    return createRegistry({ plainHttp: [], patience: 5_000, signal: never, pushTo, login: async () => undefined });
  }

  it('asks for the right to push, with which a repository that is not there yet says so', async () => {
    guarded(pull, (scopes, { method }, response) => {
      if (!scopes.includes('repository:acme/checkout:pull,push'))
        response.writeHead(401, { 'www-authenticate': pull() }).end();
      else response.writeHead(method === 'POST' ? 202 : 404).end();
    });
    const registry = pusher();
    expect(await registry.digest(repository(), '1.0.0')).toBeUndefined();
    expect(await registry.manifest(repository(), 'sluice-1')).toBeUndefined();
    expect(await registry.tags(repository())).toEqual([]);
    await registry.checkPush(repository());
    await registry.close();
  });

  it('takes what it may not read for absent where it may push, and for refused where it may not', async () => {
    let pushes = 202;
    guarded(pull, (_, { method }, response) => response.writeHead(method === 'POST' ? pushes : 403).end());
    const [allowed, refused] = [pusher(), pusher()];
    expect(await allowed.digest(repository(), '1.0.0')).toBeUndefined();
    pushes = 403;
    await expect(refused.digest(repository(), '1.0.0')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(client().digest(repository(), '1.0.0')).rejects.toMatchObject({ code: 'forbidden' });
    await Promise.all([allowed.close(), refused.close()]);
  });

  it('asks to read where the server gives no right to push', async () => {
    answer = ({ url = '', headers }, response) => {
      if (url.startsWith('/token') && url.includes('push')) response.writeHead(403).end();
      else if (url.startsWith('/token')) response.end(JSON.stringify({ token: 'reader' }));
      else if (headers.authorization === 'Bearer reader') response.setHeader('docker-content-digest', 'sha256:1').end();
      else response.writeHead(401, { 'www-authenticate': pull() }).end();
    };
    const registry = pusher();
    expect(await registry.digest(repository(), '1.0.0')).toBe('sha256:1');
    await registry.close();
  });

  it('keeps the query of a realm, and asks for what else the registry names', async () => {
    const scope = 'repository:mirror/checkout:pull';
    const realm = () => `Bearer realm="http://${host}/token?account=a&tenant=b",scope="${scope}"`;
    guarded(realm, (_, __, response) => response.setHeader('docker-content-digest', 'sha256:1').end());
    const registry = client();
    expect(await registry.digest(repository(), 'a')).toBe('sha256:1');
    await registry.close();
    const asked = new URL(seen.find(({ url }) => url.startsWith('/token'))?.url ?? '', 'http://a');
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({ account: 'a', tenant: 'b' });
    expect(asked.searchParams.getAll('scope')).toEqual(['repository:acme/checkout:pull', scope]);
  });

  it.each(['nonsense', 'file:///etc/passwd', ''])('sends no login to a realm that is no address: %j', async (realm) => {
    answer = (_, response) => response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
    const registry = client({ username: 'ci', password: 'secret' });
    await expect(registry.digest(repository(), 'a')).rejects.toMatchObject({ about: `registry ${host}` });
    await registry.close();
  });

  it('reads a configuration from where the registry keeps it, without telling it who asks', async () => {
    const config = JSON.stringify({ os: 'linux', architecture: 'amd64', config: { OnBuild: ['COPY . /app'] } });
    const text = JSON.stringify({
      config: { mediaType: 'a', digest: digestOf(config), size: 1 },
      layers: [{ mediaType: 'a', digest: 'sha256:2', size: 7 }],
    });
    const elsewhere: (string | undefined)[] = [];
    const store = createServer(({ headers }, response) => {
      elsewhere.push(headers.authorization);
      response.end(config);
    });
    await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
    const address = store.address();
    const port = typeof address === 'object' ? address?.port : 0;
    guarded(pull, (_, { url = '' }, response) => {
      if (url.includes('/blobs/')) response.writeHead(307, { location: `http://127.0.0.1:${port}/blob` }).end();
      else response.setHeader('content-type', 'application/vnd.oci.image.manifest.v1+json').end(text);
    });
    const registry = client();
    const manifest = await registry.manifest(repository(), digestOf(text));
    expect(manifest && (await registry.inspect(repository(), manifest))).toMatchObject({
      platforms: ['linux/amd64'],
      size: 7,
    });
    expect(await registry.triggers(repository(), digestOf(text), [])).toEqual(['COPY . /app']);
    expect(elsewhere).toEqual([undefined, undefined]);
    await registry.close();
    await new Promise((resolve) => store.close(resolve));
  });

  it('follows a redirect within the registry as who it is, and one of a manifest elsewhere as nobody', async () => {
    const text = JSON.stringify({ mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] });
    const elsewhere: (string | undefined)[] = [];
    const store = createServer(({ headers }, response) => {
      elsewhere.push(headers.authorization);
      response.end(text);
    });
    await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
    const address = store.address();
    const port = typeof address === 'object' ? address?.port : 0;
    guarded(pull, (_, { url = '' }, response) => {
      const to = url.includes('/moved/') ? `http://127.0.0.1:${port}/m` : '/v2/acme/moved/manifests/a';
      response.writeHead(307, { location: to }).end();
    });
    const registry = client();
    expect(await registry.manifest(repository(), 'a')).toMatchObject({ digest: digestOf(text) });
    await registry.close();
    await new Promise((resolve) => store.close(resolve));
    expect(elsewhere).toEqual([undefined]);
    const moved = seen.find(({ url }) => url.includes('/moved/'));
    expect(moved?.authorization).toMatch(/^Bearer /);
  });

  it('gives up where redirects have no end, or lead nowhere', async () => {
    for (const location of ['/v2/acme/checkout/manifests/a', 'file:///etc/passwd', 'nonsense://']) {
      answer = (_, response) => response.writeHead(307, { location }).end();
      const registry = client();
      await expect(registry.manifest(repository(), 'a')).rejects.toMatchObject({
        problem: expect.stringContaining('HTTP 307'),
      });
      await registry.close();
    }
    expect(seen.length).toBeLessThan(10);
  });

  it('says that a registry answers something else, and quotes none of it', async () => {
    answer = (_, response) => response.end('<html>s3cr3t</html>');
    const registry = client();
    const error: unknown = await registry.tags(repository()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ about: `registry ${host}`, code: 'failed' });
    expect(inspect(error)).not.toContain('s3cr3t');
    await registry.close();
  });

  it.each([
    [403, 'DENIED', 'forbidden', 'There are no credentials'],
    [400, 'TAG_INVALID', 'conflict', 'build under another version'],
    [409, 'MANIFEST_INVALID', 'conflict', 'build under another version'],
    [404, 'NAME_UNKNOWN', 'not-found', 'Create the repository'],
    [413, 'SIZE_INVALID', 'failed', 'its log'],
  ])('explains HTTP %i %s', async (status, code, expected, next) => {
    answer = (_, response) => response.writeHead(status).end(JSON.stringify({ errors: [{ code, message: 'no' }] }));
    const registry = client();
    const manifest = { digest: digestOf('{}'), mediaType: 'application/vnd.oci.image.index.v1+json', text: '{}' };
    await expect(registry.tag(repository(), manifest, '1.2.3')).rejects.toMatchObject({
      code: expected,
      problem: expect.stringContaining(`HTTP ${status}, ${code}: no`),
      next: expect.stringContaining(next),
    });
    await registry.close();
  });

  it('refuses content that is not what its digest says', async () => {
    const digest = digestOf('{}');
    answer = (_, response) => response.setHeader('content-type', 'application/vnd.oci.image.index.v1+json').end('{ }');
    const registry = client();
    await expect(registry.manifest(repository(), digest)).rejects.toMatchObject({
      problem: expect.stringContaining('is not what the registry gave'),
    });
    await registry.close();
  });

  it('reads all pages of tags, and knows a registry that lists none', async () => {
    answer = ({ url }, response) => {
      const first = url === '/v2/acme/checkout/tags/list?n=1000';
      if (first) response.setHeader('link', '</v2/acme/checkout/tags/list?last=b&n=1000>; rel="next"');
      response.end(JSON.stringify({ tags: first ? ['a', 'b'] : ['c'] }));
    };
    const registry = client();
    expect(await registry.tags(repository())).toEqual(['a', 'b', 'c']);
    answer = (_, response) => response.writeHead(405).end();
    expect(await registry.tags(repository())).toBeUndefined();
    await registry.close();
  });

  it.each([
    ['a path', (next: string) => `</v2/acme/checkout/tags/list?next_page=${next}%3D&n=50>; rel="next"`],
    ['a path from the page', (next: string) => `<list?next_page=${next}%3D>; rel=next`],
    [
      'a whole address',
      (next: string) => `<http://${host}/v2/acme/checkout/tags/list?next_page=${next}%3D>; title="a"; rel="next"`,
    ],
    ['one of several', (next: string) => `</v2/first>; rel="first", <?next_page=${next}%3D>; rel="next"`],
  ])('reads a list of many pages to its end, with %s as its link', async (_, link) => {
    answer = ({ url = '' }, response) => {
      const page = Number(/next_page=(\d+)%3D/.exec(url)?.[1] ?? 0);
      if (page < 40) response.setHeader('link', link(`${page + 1}`));
      response.end(JSON.stringify({ tags: page === 40 ? ['2.1.0', 'latest'] : [`sha-${page}`] }));
    };
    const registry = client();
    const tags = await registry.tags(repository());
    expect(tags).toHaveLength(42);
    expect(tags).toContain('2.1.0');
    await registry.close();
  });

  it.each([
    ['leads to another server', () => '<http://127.0.0.1:1/v2/acme/checkout/tags/list>; rel="next"'],
    ['leads back', () => '</v2/acme/checkout/tags/list?n=1000>; rel="next"'],
    ['leads nowhere', () => '<http://[>; rel="next"'],
  ])('does not know a list whose link %s', async (_, link) => {
    answer = (__, response) => response.setHeader('link', link()).end(JSON.stringify({ tags: ['a'] }));
    const registry = client({ username: 'ci', password: 'secret' });
    expect(await registry.tags(repository())).toBeUndefined();
    expect(seen).toHaveLength(1);
    await registry.close();
  });
});

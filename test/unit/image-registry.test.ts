import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseChallenges } from '../../src/images/challenge.ts';
import { loginFrom, writeOwnConfig } from '../../src/images/credentials.ts';
import { digestOf } from '../../src/images/manifests.ts';
import { apiHost, parseReference, parseRepository } from '../../src/images/reference.ts';
import { createRegistry, type Login } from '../../src/images/registry.ts';

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

  it.each(['', 'Ghcr.io/Acme/Checkout', 'a//b', 'https://ghcr.io/acme', 'a@sha256:12', 'a b'])('refuses %j', (text) => {
    expect(() => parseReference(text)).toThrow('is no name of an image');
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
});

import { createServer } from 'node:http';
import fc from 'fast-check';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOn, proxyPath } from '../../../src/cluster/addresses.ts';
import { createClient, type KubernetesClient } from '../../../src/cluster/client.ts';
import { type ObjectReference, resourcePath, resources } from '../../../src/cluster/resources.ts';

const pod = { type: resources.pod, namespace: 'shop', name: 'checkout-1' };
const secrets = '/api/v1/namespaces/kube-system/secrets/db';

const leadingOut = [
  `/../../../../../../..${secrets}?x=`,
  `/%2e%2e/%2E%2e/..${secrets}`,
  '/..%2f..%2Fsecrets',
  '/%252e%252e/%252e%252e/secrets',
  '/%25252e%25252e/secrets',
  '\\..\\..\\secrets',
  '/x/\\../secrets',
  '/..%5c..%5csecrets',
  '/.\t./.\n./secrets',
  '/. ./secrets',
  '/metrics/..',
  '/./metrics',
  '/..',
  '/metrics#/../x',
  'metrics',
  '',
  `/${'a'.repeat(3_000)}`,
  `/${'%25'.repeat(300_000)}`,
];

describe('a path below a pod', () => {
  it.each(leadingOut)('is refused where it leads out: %j', (path) => {
    expect(() => proxyPath(pod, '9102', path)).toThrow('leads out of it');
  });

  it.each([
    '/metrics',
    '/',
    '/stats/prometheus?filter=upstream_rq_(.xx|time)%24',
    '/actuator/prometheus?x=../..',
    '/a..b/.well-known/...',
    '//metrics',
    '/caf%C3%A9/100%',
  ])('is kept as it is: %s', (path) => {
    const address = proxyPath(pod, '9102', path);
    expect(address).toBe(`/api/v1/namespaces/shop/pods/checkout-1:9102/proxy${path}`);
    expect(new URL(`https://server${address}`).pathname).toMatch(
      /^\/api\/v1\/namespaces\/shop\/pods\/checkout-1:9102\/proxy\//,
    );
  });

  it.each([
    ['../../x', '80'],
    ['a/b', '80'],
    ['a', '80/proxy/../..'],
    ['a', '..'],
    ['a?x=', '80'],
    ['ftp:a', '80'],
    ['', '80'],
    ['a', ''],
  ])('belongs to a name and a port: %j and %j are none', (name, port) => {
    expect(() => proxyPath({ ...pod, name }, port, '/metrics')).toThrow('leads out of it');
  });

  it('may be asked for by TLS', () => {
    expect(proxyPath({ ...pod, name: 'https:checkout-1' }, 'metrics', '/metrics')).toContain(
      '/pods/https:checkout-1:metrics/',
    );
  });
});

describe('an address on the API server', () => {
  it('may stand below a path of its own, as behind Rancher', () => {
    expect(addressOn('https://rancher.example/k8s/clusters/c-1', '/api/v1/pods?limit=1')).toBe(
      'https://rancher.example/k8s/clusters/c-1/api/v1/pods?limit=1',
    );
  });

  it.each(['/api/v1/../../x', '/api/v1/namespaces/%2e%2e/secrets', '/api/v1/a b', '@evil.example/', ''])(
    'is refused where it leads elsewhere: %j',
    (path) => expect(() => addressOn('https://10.0.0.1', path)).toThrow('leads to another place'),
  );
});

describe('an address of whatever somebody says', () => {
  const parts = [
    '..',
    '.',
    '/',
    '\\',
    '%2e',
    '%2E%2e',
    '%252e',
    '%2f',
    '%5c',
    '%',
    '?',
    '#',
    ';',
    '@',
    ':',
    '\t',
    '\n',
  ];
  const words = [
    'metrics',
    'checkout',
    'kube-system',
    'secrets',
    'https:',
    'http://evil.example',
    '\u2025',
    '\uff0e',
    'é',
    '',
  ];
  const hostile = fc
    .array(fc.oneof(fc.constantFrom(...parts, ...words), fc.string({ maxLength: 4 })), { maxLength: 12 })
    .map((pieces) => pieces.join(''));

  /** As a server reads it, and one behind it that decodes once more, again and again. */
  function readingsOf(address: string): string[] {
    const readings = [new URL(address).pathname];
    for (let time = 0; time < 4; time += 1) {
      const decoded = (readings.at(-1) ?? '').replaceAll(/%(2[ef5]|5c)/gi, (_, code: string) =>
        String.fromCharCode(Number.parseInt(code, 16)),
      );
      readings.push(new URL(`http://server${decoded}`).pathname);
    }
    return readings;
  }

  it('stays below the pod or the Service that it names', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (namespace, name, port, path) => {
        const target = { type: resources.service, namespace, name };
        let address: string;
        try {
          address = addressOn('http://server', proxyPath(target, port, `/${path}`));
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-input' });
          return;
        }
        const below = `/api/v1/namespaces/${encodeURIComponent(namespace)}/services/${name}:${port}/proxy/`;
        expect(new URL(address).host).toBe('server');
        expect(new URL(address).pathname.startsWith(below) || namespace === '').toBe(true);
        for (const reading of readingsOf(address)) expect(reading).toContain('/proxy/');
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('stays in the collection that it names, whatever kind, namespace and name are said to be', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (apiVersion, plural, namespace, name) => {
        const path = resourcePath({ apiVersion, kind: 'Odd', plural }, namespace, name);
        let address: string;
        try {
          address = addressOn('http://server/base', path);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-input' });
          return;
        }
        expect(new URL(address).href).toBe(address);
        expect(new URL(address).pathname).toBe(`/base${path}`);
        for (const reading of readingsOf(address)) expect(reading).toMatch(/^\/base\/apis?(\/|$)/);
      }),
      { numRuns: 500, seed: 2 },
    );
  });
});

describe('whoever asks the API server', () => {
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    asked.push(incoming.url ?? '');
    response.writeHead(incoming.url?.includes('moved') ? 302 : 404, { location: '/login?state=secret-state' }).end();
  });
  let client: KubernetesClient;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const dispatcher = new Agent({ allowH2: false });
    client = createClient(
      {
        server: `http://127.0.0.1:${port}`,
        authorize: async () => ({ headers: {}, dispatcher }),
        renew: () => undefined,
        close: async () => undefined,
      },
      { deadline: 1_000, startTime: 0 },
    );
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const signal = new AbortController().signal;
  const odd = { apiVersion: 'v1/../..', kind: 'Odd', plural: '..' };
  const up: ObjectReference = { type: resources.configMap, namespace: '..', name: '..' };
  const manifest = { apiVersion: 'v1', kind: 'Odd', metadata: { name: '..', namespace: '..' } };
  it.each<[string, () => Promise<unknown>]>([
    ['proxy', () => client.proxy(pod, { port: '80', path: '/../..' }, signal)],
    ['log', () => client.log(up, { container: 'a', previous: false, lines: 1 }, signal)],
    ['get', () => client.get(up, signal)],
    ['list', () => client.list(odd, 'shop', {}, signal)],
    ['create', () => client.create(odd, manifest, signal)],
    ['apply', () => client.apply(odd, manifest, signal)],
    ['patch', () => client.patchJson(up, [], signal)],
    ['remove', () => client.remove(up, signal)],
    ['kinds', () => client.kindsIn('apps/..', signal)],
    ['watch', () => client.watch(odd, 'shop', {}, signal).next()],
  ])('asks for nothing else than what it names: %s', async (_, ask) => {
    await expect(ask()).rejects.toMatchObject({ code: 'invalid-input' });
    expect(asked).toEqual([]);
  });

  it('follows no redirect, and tells where it leads', async () => {
    await expect(client.proxy(pod, { port: '80', path: '/moved' }, signal)).rejects.toMatchObject({
      code: 'not-found',
      problem: 'answers with a redirect to /login (HTTP 302), which is not followed.',
    });
  });
});

import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPrometheusApi } from '../../../src/meters/prometheus/api.ts';
import { awsCredentials, signedHeaders } from '../../../src/remote/sigv4.ts';
import { type AskedRequest, type JsonServer, startJsonServer } from '../../support/json-server.ts';

const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};

describe('a signature', () => {
  /** Of AWS' own test suite for Signature Version 4: get-vanilla and get-vanilla-query-order-key-case. */
  test.each([
    ['https://example.amazonaws.com/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    [
      'https://example.amazonaws.com/?Param2=value2&Param1=value1',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
  ])('of %s is the one of AWS', async (url, signature) => {
    const scope = { region: 'us-east-1', service: 'service', credentials };
    expect(await signedHeaders(url, {}, scope, '20150830T123600Z')).toEqual({
      'x-amz-date': '20150830T123600Z',
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    });
  });
});

describe('credentials of the environment', () => {
  test('are those that configure-aws-credentials leaves', () => {
    const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_SESSION_TOKEN: 'c' };
    expect(awsCredentials(env, 'CloudWatch')).toEqual({ accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' });
  });

  test.each([
    [{}, 'AWS_ACCESS_KEY_ID is not set'],
    [{ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: '' }, 'AWS_SECRET_ACCESS_KEY is not set'],
  ])('%j are none', (env, said) => {
    expect(() => awsCredentials(env, 'CloudWatch')).toThrow(said);
  });
});

/** Whether a request is signed, reckoned from what arrived as AWS does: it reads `+` as a plus. */
function isSigned({ url, headers }: AskedRequest, secret: string): boolean {
  const [, scope = '', names = '', signature] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)$/.exec(headers.authorization ?? '') ?? [];
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const [path = '', query = ''] = url.split('?');
  const pairs = query.split('&').map((pair) =>
    pair
      .split('=')
      .map((part) => encode(decodeURIComponent(part)))
      .join('='),
  );
  const canonical = [
    'GET',
    encode(path).replaceAll('%2F', '/'),
    pairs.toSorted().join('&'),
    ...names.split(';').map((name) => `${name}:${headers[name]}`),
    '',
    names,
    createHash('sha256').update('').digest('hex'),
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, createHash('sha256').update(canonical).digest('hex')];
  const mac = (key: string | Buffer, value: string) => createHmac('sha256', key).update(value).digest();
  const key = scope.split('/').reduce<string | Buffer>(mac, `AWS4${secret}`);
  return mac(key, text.join('\n')).toString('hex') === signature;
}

describe('a server behind signatures', () => {
  let server: JsonServer;
  const env = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'session+/=' };
  const authorization = { kind: 'sigv4', region: 'eu-west-1', service: 'aps' } as const;
  const { signal } = new AbortController();

  beforeAll(async () => {
    server = await startJsonServer();
  });
  beforeEach(() => {
    server.requests.length = 0;
  });
  afterAll(() => server.stop());

  test('gets every request signed, with its path, its query and the headers of the connection', async () => {
    server.answer((request) =>
      isSigned(request, 'secret')
        ? { body: { status: 'success', data: { resultType: 'scalar', result: [1, '2'] } } }
        : { status: 403, body: { message: 'The request signature we calculated does not match' } },
    );
    const api = createPrometheusApi(
      { address: `${server.address}/workspaces/ws-1`, authorization, headers: { 'X-Amz-Shop': 'a' } },
      { env },
    );
    const query = 'sum(rate(a{b=~"x y+z|*"}[5m])) / 2 ~ \'ü\'';
    expect((await api.query(query, signal, 1_000)).data).toEqual({ resultType: 'scalar', result: [1, '2'] });
    const [asked] = server.requests;
    expect(asked?.parameters.get('query')).toBe(query);
    expect(asked?.headers['x-amz-security-token']).toBe('session+/=');
    expect(asked?.headers.authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-shop,');
    expect(asked?.headers.authorization).toContain('/eu-west-1/aps/aws4_request');
  });

  test('does not bring the token of the session into errors', async () => {
    server.answer(({ headers }) => ({
      status: 403,
      body: { message: `The security token ${headers['x-amz-security-token']} is expired` },
    }));
    const api = createPrometheusApi({ address: server.address, authorization }, { env });
    const failure = await api.query('up', signal).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'forbidden', message: expect.stringContaining('token *** is expired') });
  });

  test('is not asked without credentials, or through the API server', () => {
    expect(() => server.reach('CloudWatch', { authorization })).toThrow('AWS_ACCESS_KEY_ID is not set');
    expect(() => server.reach('Prometheus', { authorization, address: 'k8s://a/b:http' }, env)).toThrow(
      'keeps the Authorization header',
    );
  });
});

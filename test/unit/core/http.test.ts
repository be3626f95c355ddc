import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { SluiceError } from '../../../src/core/errors.ts';
import { type HttpPolicy, open, send } from '../../../src/core/http.ts';

const servers: Server[] = [];
const agent = new Agent({ allowH2: false });

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

function serve(handle: RequestListener): Promise<string> {
  const server = createServer(handle);
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${portOf(server)}`));
  });
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

function policyOf(change: Partial<HttpPolicy> = {}): HttpPolicy {
  return {
    server: 'the server',
    next: 'Check it.',
    attemptTimeout: 1_000,
    deadline: 5_000,
    signal: new AbortController().signal,
    authorize: async () => ({ headers: {}, dispatcher: agent }),
    ...change,
  };
}

describe('send', () => {
  test.each([429, 500, 502, 503, 504])('asks again after HTTP %i', async (status) => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked += 1;
      response.writeHead(asked < 3 ? status : 200).end('done');
    });
    expect(await send({ method: 'GET', url }, policyOf())).toMatchObject({ status: 200, body: 'done' });
    expect(asked).toBe(3);
  });

  test('asks again after a connection that breaks, and after an attempt without an answer', async () => {
    let asked = 0;
    const url = await serve((request, response) => {
      asked += 1;
      if (asked === 1) request.socket.destroy();
      else if (asked > 2) response.end('done');
    });
    expect(await send({ method: 'GET', url }, policyOf({ attemptTimeout: 50 }))).toMatchObject({ body: 'done' });
    expect(asked).toBe(3);
  });

  test.each([400, 401, 403, 404, 409, 422])('gives HTTP %i back as it is', async (status) => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked += 1;
      response.writeHead(status).end('why');
    });
    expect(await send({ method: 'GET', url }, policyOf())).toMatchObject({ status, body: 'why' });
    expect(asked).toBe(1);
  });

  test('waits as long as the server asks for', async () => {
    const times: number[] = [];
    const url = await serve((_, response) => {
      times.push(Date.now());
      if (times.length === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else response.end();
    });
    await send({ method: 'GET', url }, policyOf());
    const [first = 0, second = 0] = times;
    expect(second - first).toBeGreaterThanOrEqual(1_000);
  });

  test('reads no more of an answer than it may be long', async () => {
    let written = 0;
    const url = await serve((_, response) => {
      const more = () => {
        if (response.destroyed) return;
        written += 65_536;
        response.write('x'.repeat(65_536), () => setImmediate(more));
      };
      more();
    });
    const sent = send({ method: 'GET', url: `${url}/metrics` }, policyOf({ mostBytes: 2 * 1024 * 1024 }));
    await expect(sent).rejects.toMatchObject({
      code: 'unsupported',
      problem: 'answered GET /metrics with more than 2 MiB, which is not read.',
    });
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });

  test('tells what a server says that answers "not now"', async () => {
    const url = await serve((_, response) => response.writeHead(429).end('too many queries'));
    const sent = send({ method: 'GET', url }, policyOf({ deadline: 300, describe: ({ body }) => body }));
    await expect(sent).rejects.toMatchObject({ problem: expect.stringContaining('(HTTP 429: too many queries)') });
  });

  test('gives up at its deadline, with what was asked, of whom, and the last answer', async () => {
    const url = await serve((_, response) => response.writeHead(503).end());
    const sent = send({ method: 'PATCH', url: `${url}/apis/things?secret=1` }, policyOf({ deadline: 300 }));
    await expect(sent).rejects.toMatchObject({
      code: 'unreachable',
      about: 'the server',
      problem: 'did not answer PATCH /apis/things within 0.3 s (HTTP 503).',
      next: 'Check it.',
    });
  });

  test('stops at once with the reason of its signal', async () => {
    const stop = new AbortController();
    const url = await serve(() => stop.abort(new Error('cancelled')));
    await expect(send({ method: 'GET', url }, policyOf({ signal: stop.signal }))).rejects.toThrow('cancelled');
  });

  test('asks for credentials at each attempt, and passes their failure on', async () => {
    let asked = 0;
    const url = await serve((request, response) => {
      asked += 1;
      response.writeHead(request.headers.authorization === 'second' ? 200 : 500).end();
    });
    const tokens = ['first', 'second'];
    const authorize = async () => ({ headers: { authorization: tokens.shift() ?? '' }, dispatcher: agent });
    await send({ method: 'GET', url }, policyOf({ authorize }));
    expect(asked).toBe(2);

    const failed = new SluiceError('forbidden', { about: 'credentials', problem: 'expired.', next: 'Renew them.' });
    await expect(send({ method: 'GET', url }, policyOf({ authorize: () => Promise.reject(failed) }))).rejects.toBe(
      failed,
    );
    expect(asked).toBe(2);
  });

  test('asks again for what can not be the answer, and tells of it at the deadline', async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked += 1;
      response.end(asked < 3 ? 'log in' : 'done');
    });
    const isAnswer = ({ body }: { body: string }) => body === 'done';
    expect(await send({ method: 'GET', url }, policyOf({ isAnswer }))).toMatchObject({ body: 'done' });
    expect(asked).toBe(3);

    const never = send({ method: 'GET', url }, policyOf({ isAnswer: () => false, deadline: 300 }));
    await expect(never).rejects.toMatchObject({
      code: 'unreachable',
      problem: expect.stringContaining('HTTP 200 with something else than an answer'),
    });
  });

  /** Connections that fail with these codes, one after the other; the next one is made. */
  function failingWith(codes: readonly string[]) {
    const left = [...codes];
    const connect = buildConnector({});
    const dispatcher = new Agent({
      allowH2: false,
      connect(options, callback) {
        const code = left.shift();
        if (code === undefined) connect(options, callback);
        else callback(Object.assign(new Error('what OpenSSL says'), { code }), null);
      },
    });
    return { left, authorize: async () => ({ headers: {}, dispatcher }) };
  }

  test.each([
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  ])('does not go on asking where certificates are not trusted: %s', async (code) => {
    const { left, authorize } = failingWith([code, code]);
    const url = await serve((_, response) => response.end());
    await expect(send({ method: 'GET', url }, policyOf({ authorize }))).rejects.toMatchObject({
      code: 'unreachable',
      problem: expect.stringContaining('no certificate that can be trusted'),
    });
    expect(left).toHaveLength(1);
  });

  test('asks again where bytes were changed on the way', async () => {
    const codes = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC'];
    const { left, authorize } = failingWith(codes);
    const url = await serve((_, response) => response.end('done'));
    expect(await send({ method: 'GET', url }, policyOf({ authorize }))).toMatchObject({ body: 'done' });
    expect(left).toHaveLength(0);
  });
});

describe('open', () => {
  test('gives the body as it comes, and ends when nothing has come for a while', async () => {
    const url = await serve((_, response) => {
      response.write('one\n');
    });
    const { body } = await open({ method: 'GET', url }, policyOf(), 1_000);
    const heard: string[] = [];
    const listening = (async () => {
      for await (const chunk of body) heard.push(String(chunk));
    })();
    await expect(listening).rejects.toMatchObject({ code: 'UND_ERR_BODY_TIMEOUT' });
    expect(heard).toEqual(['one\n']);
  });

  test('tells that there is no connection after one attempt', async () => {
    await expect(open({ method: 'GET', url: 'http://127.0.0.1:1/x' }, policyOf(), 1_000)).rejects.toMatchObject({
      code: 'unreachable',
      problem: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

import { createServer, type RequestListener, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { Agent } from 'undici';
import { afterAll, describe, expect, test } from 'vitest';
import { createClient } from '../../../src/cluster/client.ts';
import { resources } from '../../../src/cluster/resources.ts';

const servers: Server[] = [];
const dispatcher = new Agent({ allowH2: false });
const signal = new AbortController().signal;
const reference = { type: resources.configMap, namespace: 'shop', name: 'checkout' };
const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'checkout', namespace: 'shop' } };
const page = '<!doctype html><title>One moment, please</title>';
const notFound = { apiVersion: 'v1', kind: 'Status', status: 'Failure', reason: 'NotFound', message: 'not found' };

// Tests run side by side, as some wait for a deadline.
afterAll(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A client of a server that gives these answers, one after the other, and then the last one again and again. */
function clientOf(...answers: Answer[]) {
  return clientWithin(20_000, answers);
}

/** The same with a deadline in milliseconds. */
async function clientWithin(deadline: number, answers: readonly Answer[]) {
  let asked = 0;
  const bodies: string[] = [];
  const handle: RequestListener = async (request, response) => {
    const { status = 500, body = '' } = answers[Math.min(asked, answers.length - 1)] ?? {};
    asked += 1;
    bodies.push(await text(request));
    response.writeHead(status).end(body);
  };
  const server = createServer(handle).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const connection = {
    server: `http://127.0.0.1:${port}`,
    authorize: async () => ({ headers: {}, dispatcher }),
    renew: () => undefined,
    close: async () => undefined,
  };
  return { client: createClient(connection, { deadline, startTime: 500 }), asked: () => asked, bodies };
}

describe('whole numbers of 64 bits', () => {
  const size = 9007199254740993n;
  const answer = JSON.stringify({ ...object, spec: { size: 0 } }).replace('"size":0', `"size":${size}`);

  test('are read as the API server has them, and written so', async () => {
    const { client, bodies } = await clientOf({ status: 200, body: answer });
    const found = await client.get(reference, signal);
    expect(found).toMatchObject({ spec: { size } });
    const manifest = { ...object, spec: { size } };
    await client.apply(reference.type, manifest, signal);
    await client.create(reference.type, manifest, signal);
    await client.replace(reference.type, manifest, signal);
    await client.patchMerge(reference, { spec: { size } }, signal);
    expect(bodies.filter((body) => body !== '')).toHaveLength(4);
    for (const body of bodies.filter((body) => body !== '')) expect(body).toContain('"size":9007199254740993}');
  });

  test('are watched as they are', async () => {
    const listed = { status: 200, body: `{"kind":"ConfigMapList","metadata":{"resourceVersion":"1"},"items":[]}` };
    const { client } = await clientOf(listed, { status: 200, body: `{"type":"ADDED","object":${answer}}\n` });
    const over = new AbortController();
    for await (const event of client.watch(reference.type, 'shop', {}, over.signal)) {
      expect(event.object).toMatchObject({ spec: { size } });
      over.abort();
    }
    expect(over.signal.aborted).toBe(true);
  });
});

describe.concurrent('something between the client and the API server', () => {
  const whole = { status: 200, body: JSON.stringify(object) };
  const half = { status: 200, body: whole.body.slice(0, whole.body.length / 2) };
  const answers = [
    { says: 'a page', answer: { status: 200, body: page } },
    { says: 'half of the answer', answer: half },
    { says: 'an object of its own', answer: { status: 200, body: '{"error":"log in first"}' } },
    { says: 'that it has no such page', answer: { status: 404, body: page } },
  ];

  test.each(answers)('that says $says is no answer: it is asked again', async ({ answer }) => {
    const { client, asked } = await clientOf(answer, answer, whole);
    expect(await client.get(reference, signal)).toMatchObject({ kind: 'ConfigMap' });
    expect(asked()).toBe(3);
  });

  test('does not make a deletion look done', async () => {
    const { client, asked } = await clientOf({ status: 200, body: page }, whole);
    await client.remove(reference, signal);
    expect(asked()).toBe(2);
  });

  test('that never lets the answer through is named at the deadline', async () => {
    const { client } = await clientWithin(3_000, [{ status: 200, body: page }]);
    await expect(client.list(resources.pod, 'shop', {}, signal)).rejects.toMatchObject({
      code: 'unreachable',
      problem: expect.stringContaining('HTTP 200 with something else than an answer'),
    });
  });

  test('what the API server says for a failure that does not pass is told at the deadline', async () => {
    const message = 'conversion webhook for dapr.io/v1alpha1, Kind=Subscription failed: service "webhook" not found';
    const { client } = await clientWithin(3_000, [
      { status: 500, body: JSON.stringify({ kind: 'Status', code: 500, message }) },
    ]);
    await expect(client.get(reference, signal)).rejects.toMatchObject({
      code: 'unreachable',
      problem: expect.stringContaining(`(HTTP 500: ${message})`),
    });
  });
});

describe('the API server itself', () => {
  test.each([JSON.stringify(notFound), '404 page not found\n'])(
    'is believed that nothing is there: %s',
    async (body) => {
      const { client, asked } = await clientOf({ status: 404, body });
      expect(await client.find(reference, signal)).toBeUndefined();
      expect(asked()).toBe(1);
    },
  );
});

describe.concurrent('an API server that has just started', () => {
  const message = 'leases.coordination.k8s.io "x" is forbidden: User "ci" cannot update resource "leases" in API group';
  const denial = { status: 403, body: JSON.stringify({ ...notFound, reason: 'Forbidden', message }) };
  const quota = {
    status: 403,
    body: JSON.stringify({ ...notFound, message: 'pods "x" is forbidden: exceeded quota' }),
  };
  const whole = { status: 200, body: JSON.stringify(object) };
  const review = {
    status: 201,
    body: JSON.stringify({ kind: 'SelfSubjectAccessReview', status: { allowed: false } }),
  };
  const permission = { apiGroup: '', resource: 'pods', verbs: ['list'], namespace: 'shop' };

  test('is not believed that rights are missing', async () => {
    const { client } = await clientOf(denial, denial, whole);
    expect(await client.get(reference, signal)).toMatchObject({ kind: 'ConfigMap' });
  });

  test('is not believed after an outage either, however long that was', async () => {
    const away = { status: 503, body: '' };
    const { client } = await clientOf(away, away, away, denial, whole);
    expect(await client.get(reference, signal)).toMatchObject({ kind: 'ConfigMap' });
  });

  test('is believed when it goes on saying so', async () => {
    const { client } = await clientOf(denial);
    await expect(client.get(reference, signal)).rejects.toMatchObject({ code: 'forbidden', status: 403 });
  });

  test('is believed at once when it is asked for rights: nothing has been changed yet', async () => {
    const { client, asked } = await clientOf(review);
    expect(await client.missingVerbs(permission, signal)).toEqual(['list']);
    expect(asked()).toBe(1);
  });

  test('is not believed that a ResourceQuota forbids what its controller has not counted yet', async () => {
    const said = 'services "shop" is forbidden: status unknown for quota: few, resources: services';
    const uncounted = { status: 403, body: JSON.stringify({ ...notFound, reason: 'Forbidden', message: said }) };
    const { client } = await clientOf(uncounted, whole);
    expect(await client.get(reference, signal)).toMatchObject({ kind: 'ConfigMap' });
    const { client: goesOn } = await clientOf(uncounted);
    await expect(goesOn.get(reference, signal)).rejects.toMatchObject({
      status: 403,
      problem: expect.stringContaining('status unknown for quota: few'),
    });
  });

  test('is believed at once what has nothing to do with rights', async () => {
    const { client, asked } = await clientOf(quota);
    await expect(client.get(reference, signal)).rejects.toMatchObject({ status: 403 });
    expect(asked()).toBe(1);
  });
});

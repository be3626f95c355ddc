import { randomBytes } from 'node:crypto';
import { request } from 'undici';
import * as z from 'zod';
import { startApiServer } from '../../lab/embedded/api-server/index.ts';
import { startControllers } from '../../lab/embedded/controllers/index.ts';
import { createImages } from '../../lab/embedded/images.ts';
import { loadConfig } from '../../src/cluster/kubeconfig.ts';
import { connect } from '../../src/cluster/transport.ts';

/** An object as tests look at it. */
export const anyObject = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    generation: z.number().optional(),
    creationTimestamp: z.string(),
    labels: z.record(z.string(), z.string()).optional(),
    managedFields: z
      .array(
        z.looseObject({
          manager: z.string(),
          operation: z.string(),
          subresource: z.string().optional(),
          fieldsV1: z.unknown(),
        }),
      )
      .default([]),
    ownerReferences: z.array(z.looseObject({ kind: z.string(), uid: z.string() })).default([]),
  }),
});
export type AnyObject = z.infer<typeof anyObject>;

const watchEvent = z.object({ type: z.string(), object: z.looseObject({}) });

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface Call {
  readonly body?: unknown;
  readonly contentType?: string;
  /** The user that the request is made as, by impersonation. */
  readonly as?: string;
  readonly token?: string;
}

/**
 * The API server under test: the one of `SLUICE_CONTRACT_KUBECONFIG`, else the embedded one with its controllers. Tests
 * work in a namespace of their own, which `close` removes.
 */
export async function openTarget() {
  const kubeconfig = process.env.SLUICE_CONTRACT_KUBECONFIG;
  const embedded = kubeconfig === undefined ? await startEmbedded() : undefined;
  const connection = connect(
    loadConfig({ kubeconfig: kubeconfig ?? embedded?.kubeconfig ?? '', context: '', env: {} }),
    {},
  );
  const namespace = `contract-${randomBytes(4).toString('hex')}`;

  async function send(method: string, path: string, call: Call) {
    const { headers, dispatcher } = await connection.authorize();
    return await request(`${connection.server}${path}`, {
      method,
      headers: {
        ...headers,
        'user-agent': 'contract/1.0',
        'content-type': call.contentType ?? 'application/json',
        ...(call.as !== undefined && { 'impersonate-user': call.as }),
        ...(call.token !== undefined && { Authorization: `Bearer ${call.token}` }),
      },
      ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      dispatcher,
      signal: AbortSignal.timeout(10_000),
    });
  }

  async function call(method: string, path: string, options: Call = {}): Promise<Answer> {
    const response = await send(method, path, options);
    const text = await response.body.text();
    return { status: response.statusCode, body: parse(text) };
  }

  /** The object that a request is expected to give. */
  async function object(method: string, path: string, options: Call = {}): Promise<AnyObject> {
    const { status, body } = await call(method, path, options);
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(body)}`);
    return anyObject.parse(body);
  }

  /** The events of a watch, until `enough` says so or the server ends it. */
  async function watch(path: string, enough: (events: readonly WatchEvent[]) => boolean): Promise<WatchEvent[]> {
    const events: WatchEvent[] = [];
    const { body } = await send('GET', path, {});
    let rest = '';
    // Leaving the loop closes the connection.
    for await (const chunk of body.setEncoding('utf8')) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) events.push(watchEvent.parse(JSON.parse(line)));
      if (enough(events)) break;
    }
    return events;
  }

  const exists = async (path: string) => (await call('GET', path)).status === 200;
  await call('POST', '/api/v1/namespaces', {
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  });

  return {
    namespace,
    connection,
    call,
    object,
    watch,
    /** What the target has beyond an API server. */
    has: {
      controllers: embedded !== undefined || process.env.SLUICE_CONTRACT_IMAGE !== undefined,
      istio: await exists(`/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`),
      /** An image that serves HTTP on port 8080, where pods run. */
      image: embedded === undefined ? process.env.SLUICE_CONTRACT_IMAGE : embedded.image,
    },
    async close(): Promise<void> {
      await call('DELETE', `/api/v1/namespaces/${namespace}`);
      await connection.close();
      await embedded?.stop();
    },
  };
}

export type WatchEvent = z.infer<typeof watchEvent>;

async function startEmbedded() {
  const api = await startApiServer();
  const image = 'registry.example/contract:1';
  const controllers = startControllers(api, { images: createImages({ [image]: {} }) });
  return {
    image,
    kubeconfig: api.kubeconfig(),
    async stop(): Promise<void> {
      controllers.stop();
      await api.stop();
    },
  };
}

function parse(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    // Some paths answer in plain text.
    return text;
  }
}

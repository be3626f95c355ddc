import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pMap from 'p-map';
import { Agent, request } from 'undici';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { LAB } from '../programs/commands.ts';
import { waitUntil } from '../programs/wait.ts';
import { certificateFile, render } from './config.ts';
import { fromHost } from './host.ts';
import { endpoints, kubeconfigPath } from './layout.ts';

const kubeconfig = z.object({ users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]) });

/** Requests to the API server as its administrator. Objects are plain JSON, so no field is lost. */
export async function connect() {
  const { users } = kubeconfig.parse(JSON.parse(await readFile(kubeconfigPath, 'utf8')));
  const authorization = `Bearer ${users[0].user.token}`;
  const dispatcher = new Agent({ connect: { ...fromHost, ca: await readFile(certificateFile) } });

  async function call(method: Method, path: string, body?: unknown, contentType = 'application/json') {
    const response = await request(`${endpoints.apiserver}${path}`, {
      method,
      dispatcher,
      headers: { authorization, 'content-type': contentType },
      body: body === undefined ? null : JSON.stringify(body),
      // On a busy machine a large definition takes ten seconds.
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.body.text();
    if (response.statusCode >= 400) throw new Error(`${method} ${path}: HTTP ${response.statusCode} ${text}`);
    return text;
  }

  /** Events of a watch until the API server ends it or the signal aborts; first, all existing objects. */
  async function* watch(path: string, signal: AbortSignal): AsyncGenerator<unknown> {
    const url = `${endpoints.apiserver}${path}?watch=true`;
    const { body, statusCode } = await request(url, { dispatcher, headers: { authorization }, signal, bodyTimeout: 0 });
    if (statusCode >= 400) throw new Error(`watch of ${path}: HTTP ${statusCode} ${await body.text()}`);
    for await (const line of createInterface({ input: body })) yield JSON.parse(line);
  }

  return {
    get: async (path: string): Promise<unknown> => JSON.parse(await call('GET', path)),
    watch,
    /** Deletes one object, or all in a collection. */
    delete: (path: string) => call('DELETE', path),
    /** Also for requests that proxies pass on. */
    post: (path: string, body?: unknown) => call('POST', path, body),
    /** As a JSON merge patch. */
    merge: (path: string, patch: unknown) => call('PATCH', path, patch, 'application/merge-patch+json'),
    /** As a JSON patch. */
    patch: (path: string, operations: unknown) => call('PATCH', path, operations, 'application/json-patch+json'),
    /** Server-side apply. */
    apply: (manifest: Manifest) =>
      call('PATCH', `${pathOf(manifest)}?fieldManager=${LAB}&force=true`, manifest, 'application/apply-patch+yaml'),
  };
}
type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
export type Api = Awaited<ReturnType<typeof connect>>;

export const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
export type Manifest = z.infer<typeof manifest>;

/** The object's address in the API server. */
export function pathOf({ apiVersion, kind, metadata }: Manifest): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  // This simple plural is right for every kind that the lab uses.
  const name = kind.toLowerCase();
  const plural = name.endsWith('chaos') ? name : `${name.replace(/(?<=[^aeiou])y$/, 'ie')}s`;
  return `${root}${scope}/${plural}/${metadata.name}`;
}

/** The objects of a file in `manifests/`; `values` are names that only this file uses. */
export async function manifestsOf(name: string, values: Readonly<Record<string, string>> = {}): Promise<Manifest[]> {
  const text = await readFile(join(import.meta.dirname, 'manifests', name), 'utf8');
  return parseAllDocuments(render(text, name, values)).map((document) => manifest.parse(document.toJS()));
}

/** Applies the objects of files in `manifests/`, in their order; `values` are names that only these files use. */
export async function applyManifests(
  api: Api,
  names: readonly string[],
  signal: AbortSignal,
  values: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const name of names) {
    for (const object of await manifestsOf(name, values)) {
      signal.throwIfAborted();
      await api.apply(object);
    }
  }
}

/** A definition that was just made has `null`. */
const conditions = z
  .array(z.looseObject({ type: z.string(), status: z.string() }))
  .nullish()
  .transform((given) => given ?? []);

function holds(condition: string, given: z.infer<typeof conditions>): boolean {
  return given.some(({ type, status }) => type === condition && status === 'True');
}

const definitionList = z.looseObject({ items: z.array(z.looseObject({ status: z.looseObject({ conditions }) })) });

/** Applies the custom resource definitions, and waits until the API server serves them. */
export async function applyDefinitions(api: Api, file: string, signal: AbortSignal): Promise<void> {
  const definitions = z.array(manifest).parse(JSON.parse(await readFile(file, 'utf8')));
  // All at once, each would wait for the others, and on a busy machine for longer than a request may take.
  await pMap(definitions, (definition) => api.apply(definition), { concurrency: 2, signal });
  const established = async () => {
    const { items } = definitionList.parse(await api.get('/apis/apiextensions.k8s.io/v1/customresourcedefinitions'));
    return items.every(({ status }) => holds('Established', status.conditions));
  };
  await waitUntil(established, { what: 'custom resources established', timeout: 60_000, signal });
}

const node = z.looseObject({ status: z.looseObject({ conditions }) });

export async function isNodeReady(api: Api): Promise<boolean> {
  return holds('Ready', node.parse(await api.get(`/api/v1/nodes/${LAB}`)).status.conditions);
}

const podList = z.looseObject({
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
      status: z.looseObject({
        phase: z.string().default('Unknown'),
        conditions,
        containerStatuses: z
          .array(z.looseObject({ state: z.looseObject({ waiting: z.looseObject({ reason: z.string() }).optional() }) }))
          .default([]),
      }),
    }),
  ),
});

/** A line for each pod of the cluster: `shop/checkout-stable-…  Ready`, or the reason why it is not ready. */
export async function describePods(api: Api): Promise<string[]> {
  const { items } = podList.parse(await api.get('/api/v1/pods'));
  return items.map(({ metadata, status }) => {
    const waiting = status.containerStatuses.flatMap(({ state }) => state.waiting?.reason ?? []);
    const state = holds('Ready', status.conditions) ? 'Ready' : [status.phase, ...waiting].join(' ');
    return `${metadata.namespace}/${metadata.name}  ${state}`;
  });
}

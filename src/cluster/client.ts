import * as z from 'zod';
import { inAddress } from '../core/text.ts';
import { proxyPath } from './addresses.ts';
import { ApiError } from './errors.ts';
import { createForward } from './forward.ts';
import { createReads } from './reads.ts';
import { type ClientOptions, createRequests, pathOf, queryOf } from './requests.ts';
import { type ObjectReference, versionPath } from './resources.ts';
import type { LogOptions, LogSinceOptions, ProxyRequest, ServedKind } from './schema.ts';
import { createSelfReviews } from './self-reviews.ts';
import type { Connection } from './transport.ts';
import { createWatch } from './watch.ts';
import { createEviction, createWrites } from './writes.ts';

/** The most bytes of an answer from a pod or a Service. The largest pages of metrics have some ten million. */
const MOST_BYTES_OF_OTHERS = 64 * 1024 * 1024;

export type KubernetesClient = ReturnType<typeof createClient>;

/**
 * Generic access to objects as plain JSON. Typed models would drop fields that the library does not know yet, and a copy of a
 * pod template must keep them. Every call has a deadline and is retried while the server is away.
 *
 * Errors are ApiError: `not-found` (404), `forbidden` (401, 403; with the rule to add), `conflict` (409, and 422 for a JSON
 * Patch whose `test` failed), `invalid-input` (other 4xx); or SluiceError `unreachable`.
 */
export function createClient(connection: Connection, options: ClientOptions = {}) {
  const requests = createRequests(connection, options);
  const { call, callFor } = requests;
  const reads = createReads(requests);

  /**
   * GET through the API server's proxy to a pod or a Service.
   *
   * @throws SluiceError `invalid-input` for a path that leads out of the pod or the Service, `unsupported` for an answer that
   *   is too long
   */
  async function proxy(
    target: ObjectReference,
    { port, path, headers = {}, once = false }: ProxyRequest,
    signal: AbortSignal,
  ): Promise<string> {
    const request = {
      method: 'GET' as const,
      path: proxyPath(target, port, path),
      headers,
      mostBytes: MOST_BYTES_OF_OTHERS,
      once,
    };
    return await call({ verb: 'get', reference: target, subresource: 'proxy' }, request, signal);
  }

  /** The last lines that a container wrote. */
  function log(pod: ObjectReference, { container, previous, lines }: LogOptions, signal: AbortSignal): Promise<string> {
    const query = queryOf({ container, previous: `${previous}`, tailLines: `${lines}`, limitBytes: '65536' });
    const path = `${pathOf(pod)}/log${query}`;
    const request = { method: 'GET' as const, path, mostBytes: MOST_BYTES_OF_OTHERS };
    return call({ verb: 'get', reference: pod, subresource: 'log' }, request, signal);
  }

  /** What a container wrote since a time, each line with its own: no more than so many bytes of it, beginning with the oldest. */
  function logSince(
    pod: ObjectReference,
    { container, previous, since, bytes }: LogSinceOptions,
    signal: AbortSignal,
  ): Promise<string> {
    const query = queryOf({
      container,
      previous: `${previous}`,
      timestamps: 'true',
      limitBytes: `${bytes}`,
      ...(since !== undefined && { sinceTime: `${new Date(since).toISOString().slice(0, 19)}Z` }),
    });
    const request = { method: 'GET' as const, path: `${pathOf(pod)}/log${query}`, mostBytes: MOST_BYTES_OF_OTHERS };
    return call({ verb: 'get', reference: pod, subresource: 'log' }, request, signal);
  }

  /**
   * The kinds that the API server serves in a version of a group; an empty list if it does not know that version.
   *
   * @param apiVersion `apps/v1`
   */
  async function kindsIn(apiVersion: string, signal: AbortSignal): Promise<ServedKind[]> {
    // Without a version, the address would be that of the list of versions.
    if (apiVersion === '') return [];
    const path = versionPath(apiVersion);
    const reference = { type: { apiVersion, kind: 'APIResourceList', plural: apiVersion }, namespace: '', name: '' };
    try {
      const served = await callFor(resourceList, { verb: 'get', reference }, { method: 'GET', path }, signal);
      return served.resources
        .filter(({ name }) => !name.includes('/'))
        .map(({ name, kind, namespaced }) => ({ type: { apiVersion, kind, plural: name }, namespaced }));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }

  /** The served versions of an API group, the preferred one first: `policy/v1`. Empty for an unknown group. */
  async function versionsOf(group: string, signal: AbortSignal): Promise<string[]> {
    // The core group is not listed under `/apis`, and has one version.
    if (group === '') return ['v1'];
    const reference = { type: { apiVersion: group, kind: 'APIGroup', plural: group }, namespace: '', name: '' };
    const path = `/apis/${inAddress(group)}`;
    try {
      const request = { method: 'GET' as const, path };
      const { preferredVersion, versions } = await callFor(groupVersions, { verb: 'get', reference }, request, signal);
      const all = [...(preferredVersion ? [preferredVersion] : []), ...versions];
      return [...new Set(all.map(({ groupVersion }) => groupVersion))];
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }

  return {
    server: connection.server,
    get: reads.get,
    find: reads.find,
    list: reads.list,
    ...createWrites(requests),
    ...createEviction(requests),
    ...createWatch(requests, reads),
    ...createSelfReviews(requests),
    proxy,
    forward: createForward(connection),
    log,
    logSince,
    kindsIn,
    versionsOf,
    close: connection.close,
  };
}

const groupVersion = z.looseObject({ groupVersion: z.string() });
const groupVersions = z.looseObject({ preferredVersion: groupVersion.optional(), versions: z.array(groupVersion) });

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#api-resources */
const resourceList = z.looseObject({
  resources: z.array(z.looseObject({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});

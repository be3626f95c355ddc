import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { isSluiceError, SluiceError } from '../canary/errors.ts';
import type { Permission } from '../canary/ports.ts';
import { type HttpRequest, type HttpResponse, open, send } from '../http.ts';
import { parseJson, stringifyJson } from '../json.ts';
import { excerpt } from '../text.ts';
import { addressOn, proxyPath } from './addresses.ts';
import {
  apiGroup,
  describe,
  type ObjectReference,
  type ResourceType,
  resourcePath,
  resources,
  versionPath,
} from './resources.ts';
import type { Connection } from './transport.ts';

/** A watch is opened again this often, so that a connection that died without a word is noticed. */
const WATCH_SECONDS = 30;

/** Bytes of what a pod or a service answers: the largest pages of metrics have some ten million. */
const MOST_BYTES_OF_OTHERS = 64 * 1024 * 1024;

/** Field manager of all that Sluice writes. */
export const FIELD_MANAGER = 'sluice';

const metadata = z.looseObject({
  name: z.string().default(''),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  // Bookmarks of API servers before 1.34 have null.
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  managedFields: z
    .array(
      z.looseObject({
        manager: z.string().optional(),
        operation: z.string().optional(),
        fieldsV1: z.unknown().optional(),
      }),
    )
    .optional(),
  ownerReferences: z
    .array(z.looseObject({ kind: z.string(), name: z.string(), uid: z.string(), controller: z.boolean().optional() }))
    .optional(),
});

/** An object as the API server gave it. Fields that nobody here knows survive. */
export const kubernetesObject = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata });
export type KubernetesObject = z.infer<typeof kubernetesObject>;

/** An object to be written. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** An object to be written, of whatever scope: one that belongs to no namespace names none. */
export interface AnyManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export interface ApplyOptions {
  /** Takes over fields that another manager holds. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
  /** Refuses fields that the schema does not know, instead of dropping them. */
  readonly strict?: boolean;
  /** Who owns the fields; `sluice` without it. */
  readonly fieldManager?: string;
}

/** Which lines of a container's log. */
export interface LogOptions {
  readonly container: string;
  /** Of the container's former run, after a crash. */
  readonly previous: boolean;
  /** How many of the last lines. */
  readonly lines: number;
}

/** RFC 6902, the operations in use. */
export type PatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

export type WatchEvent = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubernetesObject };

/** What `reflect` tells: all objects, or a change of one. */
export type Reflection = { readonly type: 'LISTED'; readonly objects: readonly KubernetesObject[] } | WatchEvent;

export interface Selector {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

const status = z.looseObject({
  message: z.string().default(''),
  reason: z.string().default(''),
  details: z.looseObject({ causes: z.array(z.looseObject({ message: z.string().optional() })).optional() }).optional(),
});

/**
 * A refusal by the API server. `status` is the HTTP status, `reason` the server's own word for it (`Conflict`, `Invalid`, …),
 * `body` the whole answer: through a proxy it is that of the server behind it.
 */
export class ApiError extends SluiceError {
  readonly status: number;
  readonly reason: string;
  readonly body: string;

  constructor(
    code: SluiceError['code'],
    response: HttpResponse,
    reason: string,
    detail: ConstructorParameters<typeof SluiceError>[1],
  ) {
    super(code, detail);
    this.status = response.status;
    this.reason = reason;
    this.body = response.body;
  }
}

export interface ClientOptions {
  /** Milliseconds for one attempt of a request; default 10,000. */
  readonly attemptTimeout?: number;
  /** Milliseconds for a request with all its attempts; default 30,000. */
  readonly deadline?: number;
  /**
   * Milliseconds for which a lack of rights is not believed: an API server that starts listens before it has read the Roles,
   * and refuses everybody meanwhile. Default 5,000, at most half of the deadline.
   */
  readonly startTime?: number;
}

export type KubernetesClient = ReturnType<typeof createClient>;

/**
 * Generic access to objects as plain JSON. Typed models would drop the fields that the library does not know yet; a copy of
 * somebody's pod template must not. Every call has a deadline and repeats itself while the server is away.
 *
 * Errors are ApiError: `not-found` (404), `forbidden` (401, 403; with the rule to add), `conflict` (409, and 422 for a
 * JSON Patch whose `test` failed), `invalid-input` (other 4xx); or SluiceError `unreachable`.
 */
export function createClient(connection: Connection, options: ClientOptions = {}) {
  const { attemptTimeout = 10_000, deadline = 30_000, startTime = Math.min(5_000, deadline / 2) } = options;

  function policy(signal: AbortSignal, isAnswer?: (response: HttpResponse) => boolean, mostBytes?: number) {
    return {
      ...(mostBytes !== undefined && { mostBytes }),
      server: `Kubernetes API server ${connection.server}`,
      next: 'Check that the cluster is reachable from this runner (server address, proxy, firewall).',
      attemptTimeout,
      deadline,
      signal,
      authorize: connection.authorize,
      isFinal: saysWrongSchema,
      ...(isAnswer && { isAnswer }),
    };
  }

  async function call(
    about: Subject,
    { path, mostBytes, ...request }: Omit<HttpRequest, 'url'> & { path: string; mostBytes?: number },
    signal: AbortSignal,
    isAnswer?: (response: HttpResponse) => boolean,
  ): Promise<string> {
    const url = addressOn(connection.server, path);
    const mayBeStarting = within(startTime);
    const isBelieved = (response: HttpResponse) =>
      !(isDenial(response) && mayBeStarting()) && (isAnswer?.(response) ?? true);
    let response = await send({ ...request, url }, policy(signal, isBelieved, mostBytes));
    if (response.status === 401) {
      // A long run outlives its credentials: what a plugin gave without an end, or a kubeconfig that was renewed.
      connection.renew();
      response = await send({ ...request, url }, policy(signal, isBelieved, mostBytes));
    }
    if (response.status >= 400) throw refusal(about, response);
    if (response.status >= 300) throw redirect(about, response);
    return response.body;
  }

  /** A call of the API server itself: what has not the shape of its answers comes from something in between. */
  async function callFor<S extends z.ZodType>(
    shape: S,
    about: Subject,
    request: Parameters<typeof call>[1],
    signal: AbortSignal,
  ): Promise<z.infer<S>> {
    const isAnswer = ({ status, body }: HttpResponse) =>
      status < 400 ? shape.safeParse(jsonOf(body)).success : status !== 404 || saysNotFound(body);
    return shape.parse(jsonOf(await call(about, request, signal, isAnswer)));
  }

  function callForObject(about: Subject, request: Parameters<typeof call>[1], signal: AbortSignal) {
    return callFor(kubernetesObject, about, request, signal);
  }

  /** @throws ApiError `not-found` */
  function get(reference: ObjectReference, signal: AbortSignal): Promise<KubernetesObject> {
    return callForObject({ verb: 'get', reference }, { method: 'GET', path: pathOf(reference) }, signal);
  }

  /** As `get`, with `undefined` for an object that does not exist. */
  async function find(reference: ObjectReference, signal: AbortSignal): Promise<KubernetesObject | undefined> {
    try {
      return await get(reference, signal);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async function listWithVersion(
    type: ResourceType,
    namespace: string | undefined,
    selector: Selector,
    signal: AbortSignal,
  ) {
    const path = `${resourcePath(type, namespace)}${queryOf({ ...selector })}`;
    const about = { verb: 'list', reference: { type, namespace: namespace ?? '', name: '' } };
    const list = await callFor(objectList, about, { method: 'GET', path }, signal);
    // Items of a list carry neither kind nor apiVersion.
    const items = list.items.map((item) => ({ ...item, apiVersion: type.apiVersion, kind: type.kind }));
    return { resourceVersion: list.metadata.resourceVersion, items };
  }

  /** All objects of a type that a selector picks; `namespace` undefined means all namespaces. */
  async function list(
    type: ResourceType,
    namespace: string | undefined,
    selector: Selector,
    signal: AbortSignal,
  ): Promise<KubernetesObject[]> {
    return (await listWithVersion(type, namespace, selector, signal)).items;
  }

  /** @throws ApiError with status 409 and reason `AlreadyExists` */
  function create(
    type: ResourceType,
    manifest: AnyManifest,
    signal: AbortSignal,
    { dryRun = false, fieldManager = FIELD_MANAGER }: Pick<ApplyOptions, 'dryRun' | 'fieldManager'> = {},
  ): Promise<KubernetesObject> {
    const reference = referenceOf(type, manifest);
    const query = queryOf({ fieldManager, dryRun: dryRun ? 'All' : undefined });
    const path = `${resourcePath(type, reference.namespace)}${query}`;
    return callForObject({ verb: 'create', reference }, { method: 'POST', path, ...json(manifest) }, signal);
  }

  /** Replaces a whole object; `metadata.resourceVersion`, where given, must still be the object's. */
  function replace(type: ResourceType, manifest: AnyManifest, signal: AbortSignal): Promise<KubernetesObject> {
    const reference = referenceOf(type, manifest);
    const path = `${pathOf(reference)}?fieldManager=${FIELD_MANAGER}`;
    return callForObject({ verb: 'update', reference }, { method: 'PUT', path, ...json(manifest) }, signal);
  }

  /** Server-side apply. */
  function apply(
    type: ResourceType,
    manifest: AnyManifest,
    signal: AbortSignal,
    { force = false, dryRun = false, strict = false, fieldManager = FIELD_MANAGER }: ApplyOptions = {},
  ): Promise<KubernetesObject> {
    const reference = referenceOf(type, manifest);
    const query = queryOf({
      fieldManager,
      force: force ? 'true' : undefined,
      dryRun: dryRun ? 'All' : undefined,
      fieldValidation: strict ? 'Strict' : undefined,
    });
    const request = {
      method: 'PATCH' as const,
      path: `${pathOf(reference)}${query}`,
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: stringifyJson(manifest),
    };
    return callForObject({ verb: 'patch', reference }, request, signal);
  }

  /** RFC 6902. @throws ApiError `conflict` where a `test` operation failed: the object is not what was last seen. */
  function patchJson(
    reference: ObjectReference,
    operations: readonly PatchOperation[],
    signal: AbortSignal,
    options: Pick<ApplyOptions, 'dryRun'> = {},
  ): Promise<KubernetesObject> {
    return patch(reference, 'application/json-patch+json', operations, signal, options.dryRun);
  }

  /** RFC 7396. */
  function patchMerge(reference: ObjectReference, change: unknown, signal: AbortSignal): Promise<KubernetesObject> {
    return patch(reference, 'application/merge-patch+json', change, signal);
  }

  function patch(
    reference: ObjectReference,
    contentType: string,
    body: unknown,
    signal: AbortSignal,
    dryRun: boolean = false,
  ) {
    const request = {
      method: 'PATCH' as const,
      path: `${pathOf(reference)}${queryOf({ fieldManager: FIELD_MANAGER, dryRun: dryRun ? 'All' : undefined })}`,
      headers: { 'content-type': contentType },
      body: stringifyJson(body),
    };
    return callForObject({ verb: 'patch', reference }, request, signal);
  }

  /**
   * Deletes in the background; an object that is gone already is fine.
   *
   * @param uid of the object that is meant: another one of its name stays, which is a `conflict`
   */
  async function remove(reference: ObjectReference, signal: AbortSignal, uid?: string): Promise<void> {
    const options = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      ...(uid !== undefined && { preconditions: { uid } }),
    };
    try {
      await callFor(
        z.looseObject({ kind: z.string() }),
        { verb: 'delete', reference },
        { method: 'DELETE', path: pathOf(reference), ...json(options) },
        signal,
      );
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  }

  /**
   * What exists now as ADDED events, then every change, until the signal aborts (which ends the sequence without an error).
   * A watch that breaks or is told that it is too old starts again from a fresh list, so an event may come twice, and a
   * DELETED one may be missed: who keeps the objects uses `reflect`.
   */
  async function* watch(
    type: ResourceType,
    namespace: string,
    selector: Selector,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent> {
    for await (const event of reflect(type, namespace, selector, signal)) {
      if (event.type !== 'LISTED') yield event;
      else for (const object of event.objects) yield { type: 'ADDED', object };
    }
  }

  /** As `watch`, with all objects at once in the beginning and after every gap: they replace what was known before. */
  async function* reflect(
    type: ResourceType,
    namespace: string,
    selector: Selector,
    signal: AbortSignal,
  ): AsyncGenerator<Reflection> {
    let mayBeStarting = within(startTime);
    try {
      while (!signal.aborted) {
        const { items, resourceVersion } = await listWithVersion(type, namespace, selector, signal);
        yield { type: 'LISTED', objects: items };
        yield* watchFrom(resourceVersion);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }

    async function* watchFrom(start: string | undefined): AsyncGenerator<WatchEvent> {
      let resourceVersion = start;
      while (!signal.aborted) {
        const query = queryOf({
          ...selector,
          watch: 'true',
          allowWatchBookmarks: 'true',
          timeoutSeconds: `${WATCH_SECONDS}`,
          resourceVersion,
        });
        const url = addressOn(connection.server, `${resourcePath(type, namespace)}${query}`);
        const opened = performance.now();
        let events = 0;
        try {
          const response = await open({ method: 'GET', url }, policy(signal), (WATCH_SECONDS + 5) * 1_000);
          if (response.statusCode >= 400) {
            const body = await response.body.text();
            if (response.statusCode === 410 || response.statusCode >= 500) return;
            const answer = { status: response.statusCode, headers: response.headers, body };
            const about = { verb: 'watch', reference: { type, namespace, name: '' } };
            if (!isDenial(answer) || !mayBeStarting()) throw refusal(about, answer);
            await sleep(500, undefined, { signal });
            return;
          }
          mayBeStarting = within(startTime);
          for await (const line of linesOf(response.body)) {
            const event = watchLine.parse(parseJson(line));
            if (event.type === 'ERROR') return;
            const object = kubernetesObject.parse(event.object);
            resourceVersion = object.metadata.resourceVersion;
            events += 1;
            if (event.type !== 'BOOKMARK') yield { type: event.type, object };
          }
        } catch (error) {
          if (signal.aborted || error instanceof ApiError) throw error;
        }
        // A server that ends every watch at once is not asked in a tight loop.
        if (events === 0 && performance.now() - opened < 1_000) {
          await sleep(1_000, undefined, { signal });
          return;
        }
      }
    }
  }

  /**
   * GET through the API server to a pod or service: `port` is a number or name, `path` begins with a slash.
   *
   * @throws SluiceError `invalid-input` for a path that leads out of the pod or service, `unsupported` for too long an answer
   */
  async function proxy(
    target: ObjectReference,
    port: string,
    path: string,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const request = {
      method: 'GET' as const,
      path: proxyPath(target, port, path),
      headers,
      mostBytes: MOST_BYTES_OF_OTHERS,
    };
    return await call({ verb: 'get', reference: target, subresource: 'proxy' }, request, signal);
  }

  /** The last lines that a container wrote. */
  function log(pod: ObjectReference, { container, previous, lines }: LogOptions, signal: AbortSignal): Promise<string> {
    const query = queryOf({ container, previous: `${previous}`, tailLines: `${lines}`, limitBytes: '65536' });
    const path = `${pathOf(pod)}/log${query}`;
    return call({ verb: 'get', reference: pod, subresource: 'log' }, { method: 'GET', path }, signal);
  }

  /**
   * The kinds that the API server serves in a version of a group; none where it does not know that version.
   *
   * @param apiVersion `apps/v1`
   */
  async function kindsIn(apiVersion: string, signal: AbortSignal): Promise<ServedKind[]> {
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

  /** The versions of a group of kinds that are served, the preferred one first: `policy/v1`; none of a group that is unknown. */
  async function versionsOf(group: string, signal: AbortSignal): Promise<string[]> {
    const reference = { type: { apiVersion: group, kind: 'APIGroup', plural: group }, namespace: '', name: '' };
    try {
      const path = `/apis/${encodeURIComponent(group)}`;
      const { preferredVersion, versions } = await callFor(
        groupVersions,
        { verb: 'get', reference },
        { method: 'GET', path },
        signal,
      );
      const all = [...(preferredVersion ? [preferredVersion] : []), ...versions];
      return [...new Set(all.map(({ groupVersion }) => groupVersion))];
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }

  /** Asks the API server whether these credentials may do all the verbs of a permission; gives back those they may not. */
  async function missingVerbs(permission: Permission, signal: AbortSignal): Promise<string[]> {
    const answers = await Promise.all(
      permission.verbs.map(async (verb) => {
        const { apiGroup: group, resource, subresource, namespace } = permission;
        const review = {
          apiVersion: resources.selfSubjectAccessReview.apiVersion,
          kind: resources.selfSubjectAccessReview.kind,
          spec: { resourceAttributes: { group, resource, subresource, namespace, verb } },
        };
        const path = resourcePath(resources.selfSubjectAccessReview, undefined);
        const reference = { type: resources.selfSubjectAccessReview, namespace: '', name: '' };
        const request = { method: 'POST' as const, path, ...json(review) };
        const { status } = await callFor(accessReview, { verb: 'create', reference }, request, signal);
        return status.allowed ? [] : [verb];
      }),
    );
    return answers.flat();
  }

  /** Who the API server takes this client for; undefined where it does not say (Kubernetes before 1.28). */
  async function username(signal: AbortSignal): Promise<string | undefined> {
    const type = resources.selfSubjectReview;
    const reference = { type, namespace: '', name: '' };
    const review = { apiVersion: type.apiVersion, kind: type.kind };
    const request = { method: 'POST' as const, path: resourcePath(type, undefined), ...json(review) };
    try {
      const answer = await callFor(subjectReview, { verb: 'create', reference }, request, signal);
      return answer.status.userInfo.username;
    } catch (error) {
      if (isSluiceError(error)) return undefined;
      throw error;
    }
  }

  return {
    server: connection.server,
    get,
    find,
    list,
    create,
    replace,
    apply,
    patchJson,
    patchMerge,
    remove,
    watch,
    reflect,
    proxy,
    log,
    kindsIn,
    versionsOf,
    missingVerbs,
    username,
    close: connection.close,
  };
}

const subjectReview = z.looseObject({
  status: z.looseObject({ userInfo: z.looseObject({ username: z.string().optional() }) }),
});

/** The lines of a body as they arrive. Rejects when the connection breaks, which node:readline would not tell. */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
}

/** A kind that the API server serves. */
export interface ServedKind {
  readonly type: ResourceType;
  /** Its objects belong to namespaces. */
  readonly namespaced: boolean;
}

function referenceOf(type: ResourceType, { metadata: { namespace = '', name } }: AnyManifest): ObjectReference {
  return { type, namespace, name };
}

interface Subject {
  readonly verb: string;
  readonly reference: ObjectReference;
  readonly subresource?: string;
}

const objectList = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().optional() }),
  items: z.array(z.looseObject({ metadata })),
});

const groupVersion = z.looseObject({ groupVersion: z.string() });
const groupVersions = z.looseObject({ preferredVersion: groupVersion.optional(), versions: z.array(groupVersion) });

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#api-resources */
const resourceList = z.looseObject({
  resources: z.array(z.looseObject({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});

const watchLine = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
});

const accessReview = z.looseObject({ status: z.looseObject({ allowed: z.boolean() }) });

function json(body: unknown) {
  return { headers: { 'content-type': 'application/json' }, body: stringifyJson(body) };
}

function pathOf(reference: ObjectReference): string {
  return resourcePath(reference.type, reference.namespace, reference.name);
}

function queryOf(parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  return query.size === 0 ? '' : `?${query}`;
}

function refusal(subject: Subject, response: HttpResponse): ApiError {
  const { message, reason } = parseStatus(response.body);
  const { status: code } = response;
  const about =
    subject.reference.name === ''
      ? `${subject.reference.type.plural}${inNamespace(subject.reference.namespace, ' in ')}`
      : describe(subject.reference);
  const said = message === '' ? `HTTP ${code}` : message;
  if (code === 401) {
    return new ApiError('forbidden', response, reason, {
      about: 'Kubernetes API server',
      problem: 'does not accept the credentials (401).',
      next: 'Log in again, or renew the token of the kubeconfig.',
    });
  }
  if (isDenial(response)) {
    const { type, namespace } = subject.reference;
    const resource = type.plural + (subject.subresource ? `/${subject.subresource}` : '');
    return new ApiError('forbidden', response, reason, {
      about,
      problem: `may not be accessed: the right to ${subject.verb} ${resource}${inNamespace(namespace)} is missing.`,
      next: `Add to the ${namespace === '' ? 'ClusterRole' : 'Role'} of these credentials: ${rbacRule({ apiGroup: apiGroup(type), resource, verbs: [subject.verb] })}`,
    });
  }
  if (code === 404) {
    return new ApiError('not-found', response, reason, {
      about,
      problem: 'does not exist.',
      next: isUnserved(subject, reason, said)
        ? `The cluster does not serve ${subject.reference.type.apiVersion}; install its custom resource definitions.`
        : 'Check the name and the namespace.',
    });
  }
  const testFailed = code === 422 && /testing (value|path)|test failed|the server rejected our request/i.test(said);
  if (code === 409 || testFailed) {
    return new ApiError('conflict', response, reason, {
      about,
      problem: `was changed by somebody else in the meantime (${said}).`,
      next: 'Run again; if it happens each time, find out who else writes this object.',
    });
  }
  return new ApiError('invalid-input', response, reason, {
    about,
    problem: `was refused by the API server: ${said}.`,
    next: 'Correct what the message names and run again.',
  });
}

/** Nobody's redirect is followed: where it leads is not who was asked. */
function redirect({ reference }: Subject, response: HttpResponse): ApiError {
  const { location } = response.headers;
  const where = typeof location === 'string' ? ` to ${excerpt(location.split(/[?#]/, 1)[0] ?? '', 200)}` : '';
  return new ApiError('not-found', response, '', {
    about: describe(reference),
    problem: `answers with a redirect${where} (HTTP ${response.status}), which is not followed.`,
    next: 'Give the path that it leads to.',
  });
}

function inNamespace(namespace: string, words = ' in namespace '): string {
  return namespace === '' ? '' : `${words}${namespace}`;
}

/** The authorizer's refusal. Admission rules and quotas also answer 403, in words of their own. */
function isDenial({ status: code, body }: HttpResponse): boolean {
  return code === 403 && / cannot \w+ resource /.test(parseStatus(body).message);
}

/** An apply of what is not of the kind's schema is answered with a 500, which another attempt gets as well. */
function saysWrongSchema({ status: code, body }: HttpResponse): boolean {
  return code === 500 && parseStatus(body).message.includes('failed to create typed patch object');
}

/** True until so many milliseconds after it was asked first. */
function within(milliseconds: number): () => boolean {
  let end: number | undefined;
  return () => {
    end ??= performance.now() + milliseconds;
    return performance.now() < end;
  };
}

/** An API server that does not know a kind at all answers in plain text; through a proxy it may be anybody's text. */
function isUnserved({ subresource }: Subject, reason: string, said: string): boolean {
  const plainText = subresource === undefined && reason === '';
  return plainText || said.includes('could not find the requested resource');
}

function parseStatus(body: string): { message: string; reason: string } {
  // Proxies and load balancers answer in HTML; their first line says enough.
  return status.safeParse(jsonOf(body)).data ?? { message: body.slice(0, 200), reason: '' };
}

/** What a load balancer without a backend says of its paths says nothing of the object. */
function saysNotFound(body: string): boolean {
  return (
    z.looseObject({ kind: z.literal('Status') }).safeParse(jsonOf(body)).success || /^404 page not found\s*$/.test(body)
  );
}

function jsonOf(body: string): unknown {
  try {
    return parseJson(body);
  } catch {
    return undefined;
  }
}

/** One rule of a Role, in YAML's flow style so that it fits into a line. */
function rbacRule(rule: { apiGroup: string; resource: string; verbs: readonly string[] }): string {
  return `{apiGroups: ["${rule.apiGroup}"], resources: ["${rule.resource}"], verbs: [${rule.verbs.join(', ')}]}`;
}

import type * as z from 'zod';
import { type HttpRequest, type HttpResponse, open, send } from '../core/http.ts';
import { stringifyJson, tryParseJson } from '../core/json.ts';
import { addressOn } from './addresses.ts';
import { isDenial, redirect, refusal, type Subject, saysNotFound, saysWrongSchema, wordsOf } from './errors.ts';
import { type ObjectReference, resourcePath } from './resources.ts';
import { kubernetesObject } from './schema.ts';
import type { Connection } from './transport.ts';

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

/** Bytes of an answer of the API server: a list has all objects of a kind, with all that was ever applied to them. */
const MOST_BYTES = 256 * 1024 * 1024;

/** A request of the API server: its path in place of the whole address. */
type ApiRequest = Omit<HttpRequest, 'url'> & { readonly path: string; readonly mostBytes?: number };

export type Requests = ReturnType<typeof createRequests>;

/** Requests of the API server that a connection leads to, each with a deadline and its retries. */
export function createRequests(connection: Connection, options: ClientOptions = {}) {
  const { attemptTimeout = 10_000, deadline = 30_000, startTime = Math.min(5_000, deadline / 2) } = options;

  function policy(signal: AbortSignal, isAnswer?: (response: HttpResponse) => boolean, mostBytes = MOST_BYTES) {
    return {
      mostBytes,
      server: `Kubernetes API server ${connection.server}`,
      next: 'Check that the cluster is reachable from this runner (server address, proxy, firewall).',
      attemptTimeout,
      deadline,
      signal,
      authorize: connection.authorize,
      isFinal: saysWrongSchema,
      describe: wordsOf,
      ...(isAnswer && { isAnswer }),
    };
  }

  /** One call with its retries; credentials that the server does not accept are renewed once. */
  async function call(
    about: Subject,
    { path, mostBytes, ...request }: ApiRequest,
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
    request: ApiRequest,
    signal: AbortSignal,
  ): Promise<z.infer<S>> {
    let answer: z.ZodSafeParseResult<z.infer<S>> | undefined;
    const isAnswer = ({ status, body }: HttpResponse) => {
      if (status >= 400) return status !== 404 || saysNotFound(body);
      answer = shape.safeParse(tryParseJson(body));
      return answer.success;
    };
    const body = await call(about, request, signal, isAnswer);
    // The answer that `call` gives is the one that was looked at last: large ones are not read twice.
    return answer?.success ? answer.data : shape.parse(tryParseJson(body));
  }

  function callForObject(about: Subject, request: ApiRequest, signal: AbortSignal) {
    return callFor(kubernetesObject, about, request, signal);
  }

  /** Opens an answer that goes on arriving, such as a watch; `silence` milliseconds without a byte end it. */
  function openStream(path: string, silence: number, signal: AbortSignal) {
    return open({ method: 'GET', url: addressOn(connection.server, path) }, policy(signal), silence);
  }

  return {
    call,
    callFor,
    callForObject,
    openStream,
    /** Tells from now on whether a lack of rights may be due to a server that starts. */
    expectStart: () => within(startTime),
  };
}

export function json(body: unknown) {
  return { headers: { 'content-type': 'application/json' }, body: stringifyJson(body) };
}

export function pathOf(reference: ObjectReference): string {
  return resourcePath(reference.type, reference.namespace, reference.name);
}

export function queryOf(parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  return query.size === 0 ? '' : `?${query}`;
}

/** True until so many milliseconds after it was asked first. */
function within(milliseconds: number): () => boolean {
  let end: number | undefined;
  return () => {
    end ??= performance.now() + milliseconds;
    return performance.now() < end;
  };
}

import type * as z from 'zod';
import { type HttpPolicy, type HttpRequest, type HttpResponse, open, send } from '../core/http.ts';
import { stringifyJson, tryParseJson } from '../core/json.ts';
import { addressOn } from './addresses.ts';
import {
  budgetWords,
  isDenial,
  redirect,
  refusal,
  type Subject,
  saysNotFound,
  saysUncounted,
  saysWrongSchema,
  wordsOf,
} from './errors.ts';
import { type ObjectReference, resourcePath } from './resources.ts';
import { kubernetesObject } from './schema.ts';
import type { Connection } from './transport.ts';

export interface ClientOptions {
  /** Milliseconds for one attempt of a request; default 10,000. */
  readonly attemptTimeout?: number;
  /** Milliseconds for a request with all its attempts; default 30,000. */
  readonly deadline?: number;
  /**
   * Milliseconds during which a denial is retried: an API server that is starting denies everything until it has read the
   * Roles, and what a ResourceQuota counts until its controller has counted it for the first time. Default 5,000, at most half
   * of the deadline.
   */
  readonly startTime?: number;
}

/**
 * The most bytes of an answer from the API server. A list has all objects of a kind, with their whole last applied
 * configuration.
 */
const MOST_BYTES = 256 * 1024 * 1024;

/** A request to the API server, with a path in place of the whole address. */
type ApiRequest = Omit<HttpRequest, 'url'> & Pick<HttpPolicy, 'mostBytes' | 'once'> & { readonly path: string };

export type Requests = ReturnType<typeof createRequests>;

/** Sends requests over a connection to the API server, each with a deadline and retries. */
export function createRequests(connection: Connection, options: ClientOptions = {}) {
  const { attemptTimeout = 10_000, deadline = 30_000, startTime = Math.min(5_000, deadline / 2) } = options;

  function policy(signal: AbortSignal, given: Pick<HttpPolicy, 'isAnswer' | 'mostBytes' | 'once'> = {}) {
    return {
      mostBytes: MOST_BYTES,
      server: `Kubernetes API server ${connection.server}`,
      next: 'Check that the cluster is reachable from this runner (server address, proxy, firewall).',
      attemptTimeout,
      deadline,
      signal,
      authorize: connection.authorize,
      isFinal: (response: HttpResponse) => saysWrongSchema(response) || budgetWords(response) !== undefined,
      describe: wordsOf,
      ...given,
    };
  }

  /** One call with its retries. Credentials that the server rejects are renewed once. */
  async function call(
    about: Subject,
    { path, mostBytes = MOST_BYTES, once = false, ...request }: ApiRequest,
    signal: AbortSignal,
    isAnswer?: (response: HttpResponse) => boolean,
  ): Promise<string> {
    const url = addressOn(connection.server, path);
    const mayBeStarting = within(startTime);
    const isBelieved = (response: HttpResponse) =>
      !((isDenial(response) || saysUncounted(response)) && mayBeStarting()) && (isAnswer?.(response) ?? true);
    const given = { isAnswer: isBelieved, mostBytes, once };
    let response = await send({ ...request, url }, policy(signal, given));
    if (response.status === 401) {
      // A long run may outlive its credentials: a plugin's token without an expiry, or a kubeconfig that was rewritten.
      connection.renew();
      response = await send({ ...request, url }, policy(signal, given));
    }
    if (response.status >= 400) throw refusal(about, response);
    if (response.status >= 300) throw redirect(about, response);
    return response.body;
  }

  /** A call whose answer comes from the API server itself. An answer of another shape comes from something in between. */
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

  /** Opens an answer that keeps arriving, such as a watch. It ends after `silence` milliseconds without a byte. */
  function openStream(path: string, silence: number, signal: AbortSignal) {
    return open({ method: 'GET', url: addressOn(connection.server, path) }, policy(signal), silence);
  }

  return {
    call,
    callFor,
    callForObject,
    openStream,
    /** From now on, tells whether a denial may come from a server that is starting. */
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

/** True until this many milliseconds after its first call. */
function within(milliseconds: number): () => boolean {
  let end: number | undefined;
  return () => {
    end ??= performance.now() + milliseconds;
    return performance.now() < end;
  };
}

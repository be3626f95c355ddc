import { type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { type HttpRequest, type HttpResponse, send } from '../../core/http.ts';
import { apiHost, isLocalHost, type Repository } from '../../core/image-reference.ts';

export interface TransportOptions {
  /** Hosts that are used without TLS, besides those of this machine. */
  readonly plainHttp: readonly string[];
  /** Milliseconds for one request including its repetitions. */
  readonly patience: number;
  readonly signal: AbortSignal;
}

export interface Call {
  readonly method: HttpRequest['method'];
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type Transport = ReturnType<typeof createTransport>;

/** Sends requests to registries, through the proxy of the environment if there is one. */
export function createTransport({ plainHttp, patience, signal }: TransportOptions) {
  const dispatcher: Dispatcher = new EnvHttpProxyAgent();

  async function request(
    url: string,
    call: Omit<Call, 'path'>,
    repository: Repository,
    authorization?: string,
  ): Promise<HttpResponse> {
    return send(
      {
        method: call.method,
        url,
        ...(call.headers && { headers: call.headers }),
        ...(call.body && { body: call.body }),
      },
      {
        server: `registry ${repository.registry}`,
        next: 'See whether the registry is up and can be reached from this runner, then run again.',
        attemptTimeout: Math.min(patience, 10_000),
        deadline: patience,
        signal,
        authorize: async () => ({ headers: { ...(authorization !== undefined && { authorization }) }, dispatcher }),
      },
    );
  }

  function baseUrl(repository: Repository): string {
    const scheme = isLocalHost(repository.registry) || plainHttp.includes(repository.registry) ? 'http' : 'https';
    return `${scheme}://${apiHost(repository)}/v2/`;
  }

  return { request, baseUrl, close: () => dispatcher.close() };
}

import { type Dispatcher, EnvHttpProxyAgent } from 'undici';
import * as z from 'zod';
import { SluiceError } from '../../core/errors.ts';
import { type HttpRequest, type HttpResponse, send } from '../../core/http.ts';
import { apiHost, isLocalHost, type Repository } from '../../core/image-reference.ts';
import { readAnswer, refused } from './answers.ts';
import { type Challenge, parseChallenges } from './challenge.ts';

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface ConnectionOptions {
  /** Hosts that are spoken to without TLS, besides those of this machine. */
  readonly plainHttp: readonly string[];
  /** Milliseconds for one request with all its repetitions. */
  readonly patience: number;
  readonly signal: AbortSignal;
  /** Names of the repositories that are pushed to: their tokens are asked for with that right. */
  readonly pushTo?: readonly string[];
  /** Who may do what there; undefined for nobody. */
  login(repository: Repository): Promise<Login | undefined>;
}

export interface Call {
  readonly method: HttpRequest['method'];
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type Action = 'pull' | 'pull,push';

const tokenAnswer = z
  .object({ token: z.string().optional(), access_token: z.string().optional() })
  .transform(({ token, access_token }) => token || access_token);
/**
 * Speaks with registries, and logs in as each asks for.
 * https://distribution.github.io/distribution/spec/auth/token/
 */
export function createConnection({ plainHttp, patience, signal, pushTo = [], login }: ConnectionOptions) {
  const dispatcher: Dispatcher = new EnvHttpProxyAgent();
  /** Authorization headers by repository and what may be done there. */
  const granted = new Map<string, string>();
  /** Whether one may push, by repository. */
  const pushable = new Map<string, Promise<boolean>>();

  async function request(url: string, call: Omit<Call, 'path'>, repository: Repository, authorization?: string) {
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

  /** What a token is asked for: registries tell a repository that is not there yet only to those who may push to it. */
  function intentOf({ name }: Repository): Action {
    return pushTo.includes(name) ? 'pull,push' : 'pull';
  }

  async function call(repository: Repository, what: Call, action: Action): Promise<HttpResponse> {
    const url = new URL(what.path, baseUrl(repository)).href;
    const key = `${repository.name} ${action}`;
    const first = await request(url, what, repository, granted.get(key));
    if (first.status !== 401) return first;
    const authorization = await authorize(parseChallenges(first.headers['www-authenticate']), repository, action);
    if (authorization === undefined) return first;
    granted.set(key, authorization);
    return request(url, what, repository, authorization);
  }

  /** https://distribution.github.io/distribution/spec/auth/token/ */
  async function authorize(challenges: readonly Challenge[], repository: Repository, action: Action) {
    const known = await login(repository);
    const basic = known && `Basic ${Buffer.from(`${known.username}:${known.password}`, 'utf8').toString('base64')}`;
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm !== undefined);
    if (!bearer) return challenges.some(({ scheme }) => scheme === 'basic') ? basic : undefined;
    const scopes = scopesOf(repository, action, bearer.parameters.scope);
    const realm = realmOf(bearer, repository);
    const asked = await askForToken(realm, scopes, bearer.parameters.service, repository);
    const mayPullOnly = action === 'pull,push' && (asked.status === 401 || asked.status === 403);
    // Some servers refuse the whole where others give a part of it.
    const answer = mayPullOnly
      ? await askForToken(realm, scopesOf(repository, 'pull'), bearer.parameters.service, repository)
      : asked;
    if (answer.status !== 200) throw refused(repository, answer, 'logging in', known !== undefined);
    const token = readAnswer(tokenAnswer, answer.body, repository);
    return token === undefined ? undefined : `Bearer ${token}`;
  }

  async function askForToken(
    realm: URL,
    scopes: readonly string[],
    service: string | undefined,
    repository: Repository,
  ): Promise<HttpResponse> {
    const known = await login(repository);
    // An identity token, which docker keeps under this name, is exchanged: OAuth 2.
    if (known?.username === '<token>') {
      const body = new URLSearchParams({
        scope: scopes.join(' '),
        ...(service !== undefined && { service }),
        grant_type: 'refresh_token',
        client_id: 'sluice',
        refresh_token: known.password,
      });
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      return request(realm.href, { method: 'POST', headers, body: `${body}` }, repository);
    }
    const url = new URL(realm);
    for (const scope of scopes) url.searchParams.append('scope', scope);
    if (service !== undefined) url.searchParams.append('service', service);
    const basic = known && `Basic ${Buffer.from(`${known.username}:${known.password}`, 'utf8').toString('base64')}`;
    return request(url.href, { method: 'GET' }, repository, basic);
  }

  /** Where tokens are given. A registry with TLS must not send a password to where there is none. */
  function realmOf({ parameters }: Challenge, repository: Repository): URL {
    const realm = URL.parse(parameters.realm ?? '');
    const plain = baseUrl(repository).startsWith('http:');
    if (realm && (realm.protocol === 'https:' || (plain && realm.protocol === 'http:'))) return realm;
    throw new SluiceError('failed', {
      about: `registry ${repository.registry}`,
      problem: 'sends logins to an address that is not safe or none at all.',
      next: 'See whether something between here and the registry changes its answers.',
    });
  }

  async function expect(
    repository: Repository,
    what: Call,
    action: Action,
    doing: string,
    allowed: readonly number[],
  ): Promise<HttpResponse> {
    const response = await call(repository, what, action);
    if (allowed.includes(response.status)) return response;
    const unseen = (response.status === 401 || response.status === 403) && what.method !== 'POST';
    // Some registries refuse to show what is not there. Who may push there may go on.
    if (unseen && allowed.includes(404) && action === 'pull,push' && (await mayPush(repository))) {
      return { status: 404, headers: {}, body: '' };
    }
    throw refused(repository, response, doing, (await login(repository)) !== undefined);
  }

  function mayPush(repository: Repository): Promise<boolean> {
    const asked = pushable.get(repository.name) ?? beginUpload(repository).then(({ status }) => status === 202);
    pushable.set(repository.name, asked);
    return asked;
  }

  /** Begins an upload and gives it up again. */
  async function beginUpload(repository: Repository): Promise<HttpResponse> {
    const path = `${repository.path}/blobs/uploads/`;
    const response = await call(repository, { method: 'POST', path }, 'pull,push');
    const { location } = response.headers;
    const base = new URL(path, baseUrl(repository));
    const upload = response.status === 202 && typeof location === 'string' ? URL.parse(location, base.href) : null;
    // An upload that is left open is cleared by the registry in its time.
    if (upload?.origin === base.origin) await call(repository, { method: 'DELETE', path: upload.href }, 'pull,push');
    return response;
  }

  return { request, call, expect, beginUpload, intentOf, baseUrl, login, close: () => dispatcher.close() };
}

/** The intent, and what else the registry asks for. */
function scopesOf({ path }: Repository, action: Action, challenged = ''): string[] {
  const own = `repository:${path}:`;
  const others = challenged.split(' ').filter((scope) => scope !== '' && !scope.startsWith(own));
  return [`${own}${action}`, ...others];
}

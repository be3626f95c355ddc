import type { HttpResponse } from '../../core/http.ts';
import type { Repository } from '../../core/image-reference.ts';
import { refused } from './answers.ts';
import { type Action, createAuthorization, type FindLogin } from './authorization.ts';
import { parseChallenges } from './challenge.ts';
import { type Call, createTransport, type TransportOptions } from './transport.ts';

export interface ConnectionOptions extends TransportOptions {
  /** Names of the repositories that are pushed to; their tokens are requested with the right to push. */
  readonly pushTo?: readonly string[];
  readonly login: FindLogin;
}

/** The purpose of a request, and the statuses that it accepts. */
interface Purpose {
  readonly action: Action;
  /** For the error: `reading the configuration`. */
  readonly doing: string;
  /** HTTP statuses. */
  readonly allowed: readonly number[];
}

const redirects = [301, 302, 303, 307, 308];

/** The most redirects that are followed to the storage of a registry. */
const MOST_REDIRECTS = 3;

export type Connection = ReturnType<typeof createConnection>;

/** Sends requests to registries, and logs in as each asks for. */
export function createConnection({ pushTo = [], login, ...options }: ConnectionOptions) {
  const { request, baseUrl, close } = createTransport(options);
  const authorize = createAuthorization({ request, baseUrl }, login);
  /** Authorization headers by repository and action. */
  const granted = new Map<string, string>();
  /** Whether pushing is allowed, by repository. */
  const pushable = new Map<string, Promise<boolean>>();

  /**
   * The right to ask a token for: some registries admit only to those who may push that a repository does not exist yet.
   */
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

  /** @throws SluiceError where the answer has none of the allowed statuses */
  async function expect(
    repository: Repository,
    what: Call,
    { action, doing, allowed }: Purpose,
  ): Promise<HttpResponse> {
    const response = await call(repository, what, action);
    if (allowed.includes(response.status)) return response;
    const unseen = (response.status === 401 || response.status === 403) && what.method !== 'POST';
    // Some registries refuse access to a repository that does not exist; with the right to push, it can be created.
    if (unseen && allowed.includes(404) && action === 'pull,push' && (await mayPush(repository))) {
      return { status: 404, headers: {}, body: '' };
    }
    throw refused(repository, response, doing, (await login(repository)) !== undefined);
  }

  /**
   * Like `expect`, for reads, and follows redirects to the storage of hosted registries. Sends credentials only to the
   * registry itself, and never goes from TLS to plain HTTP.
   */
  async function read(repository: Repository, what: Call, purpose: Purpose): Promise<HttpResponse> {
    const home = new URL(baseUrl(repository));
    let url = new URL(what.path, home);
    let response = await expect(repository, what, { ...purpose, allowed: [...purpose.allowed, ...redirects] });
    for (let count = 0; redirects.includes(response.status) && count < MOST_REDIRECTS; count += 1) {
      const { location } = response.headers;
      const to = typeof location === 'string' ? URL.parse(location, url.href) : null;
      if (!to || (to.protocol !== 'https:' && to.protocol !== url.protocol)) break;
      url = to;
      const isHome = url.origin === home.origin;
      response = isHome
        ? await call(repository, { ...what, path: url.href }, purpose.action)
        : await request(url.href, what, repository);
    }
    if (purpose.allowed.includes(response.status)) return response;
    throw refused(repository, response, purpose.doing, (await login(repository)) !== undefined);
  }

  function mayPush(repository: Repository): Promise<boolean> {
    const asked = pushable.get(repository.name) ?? beginUpload(repository).then(({ status }) => status === 202);
    pushable.set(repository.name, asked);
    return asked;
  }

  /** Begins an upload and cancels it. */
  async function beginUpload(repository: Repository): Promise<HttpResponse> {
    const path = `${repository.path}/blobs/uploads/`;
    const response = await call(repository, { method: 'POST', path }, 'pull,push');
    const { location } = response.headers;
    const base = new URL(path, baseUrl(repository));
    const upload = response.status === 202 && typeof location === 'string' ? URL.parse(location, base.href) : null;
    // The registry itself cleans up an upload that stays open.
    if (upload?.origin === base.origin) await call(repository, { method: 'DELETE', path: upload.href }, 'pull,push');
    return response;
  }

  return { call, expect, read, beginUpload, intentOf, baseUrl, login, close };
}

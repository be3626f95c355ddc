import * as z from 'zod';
import { SluiceError } from '../../core/errors.ts';
import type { HttpResponse } from '../../core/http.ts';
import type { Repository } from '../../core/image-reference.ts';
import { readAnswer, refused } from './answers.ts';
import type { Challenge } from './challenge.ts';
import type { Transport } from './transport.ts';

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Finds the login for a repository; undefined for anonymous access. */
export type FindLogin = (repository: Repository) => Promise<Login | undefined>;

export type Action = 'pull' | 'pull,push';

const tokenAnswer = z
  .object({ token: z.string().optional(), access_token: z.string().optional() })
  .transform(({ token, access_token }) => token || access_token);

/**
 * Returns the Authorization header that a registry asks for; undefined where no header would be accepted.
 * https://distribution.github.io/distribution/spec/auth/token/
 */
export function createAuthorization({ request, baseUrl }: Pick<Transport, 'request' | 'baseUrl'>, login: FindLogin) {
  async function authorize(
    challenges: readonly Challenge[],
    repository: Repository,
    action: Action,
  ): Promise<string | undefined> {
    const known = await login(repository);
    const basic = known && basicAuthorization(known);
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm !== undefined);
    if (!bearer) return challenges.some(({ scheme }) => scheme === 'basic') ? basic : undefined;
    const scopes = scopesOf(repository, action, bearer.parameters.scope);
    const realm = realmOf(bearer, repository);
    const asked = await askForToken(realm, scopes, bearer.parameters.service, repository);
    const mayPullOnly = action === 'pull,push' && (asked.status === 401 || asked.status === 403);
    // Some servers refuse the whole request where others grant a part of it.
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
    // An identity token, which docker stores under this user name, is exchanged by OAuth 2.
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
    const basic = known && basicAuthorization(known);
    return request(url.href, { method: 'GET' }, repository, basic);
  }

  /** The address of the token service. A registry with TLS must not send a password to an address without TLS. */
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

  return authorize;
}

function basicAuthorization({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

/** The scope for this action, and the other scopes that the registry asks for. */
function scopesOf({ path }: Repository, action: Action, challenged = ''): string[] {
  const own = `repository:${path}:`;
  const others = challenged.split(' ').filter((scope) => scope !== '' && !scope.startsWith(own));
  return [`${own}${action}`, ...others];
}

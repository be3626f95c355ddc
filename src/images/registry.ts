import { type Dispatcher, EnvHttpProxyAgent } from 'undici';
import * as z from 'zod';
import { SluiceError } from '../canary/errors.ts';
import { type HttpRequest, type HttpResponse, send } from '../http.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import {
  attested,
  configSchema,
  type Descriptor,
  digestOf,
  type Inspected,
  imageSchema,
  indexSchema,
  type Manifest,
  manifestTypes,
  platformText,
  predicatesOf,
} from './manifests.ts';
import { apiHost, isLocalHost, type Repository } from './reference.ts';

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface RegistryOptions {
  /** Hosts that are spoken to without TLS, besides those of this machine. */
  readonly plainHttp: readonly string[];
  /** Milliseconds for one request with all its repetitions. */
  readonly patience: number;
  readonly signal: AbortSignal;
  /** Who may do what, for a registry as it is named in references; undefined for nobody. */
  login(registry: string): Promise<Login | undefined>;
}

export type Registry = ReturnType<typeof createRegistry>;

interface Call {
  readonly method: HttpRequest['method'];
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const tokenAnswer = z
  .object({ token: z.string().optional(), access_token: z.string().optional() })
  .transform(({ token, access_token }) => token || access_token);
const tagList = z.object({ tags: z.array(z.string()).nullish() });
const errorAnswer = z.object({ errors: z.array(z.object({ code: z.string(), message: z.string().optional() })) });

/** A repository with more tags than this is not read to its end. */
const MOST_PAGES = 20;

/**
 * A client of registries by the OCI distribution specification, which logs in as each asks for.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export function createRegistry({ plainHttp, patience, signal, login }: RegistryOptions) {
  const dispatcher: Dispatcher = new EnvHttpProxyAgent();
  /** Authorization headers by repository and what may be done there. */
  const granted = new Map<string, string>();

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

  async function call(repository: Repository, what: Call, action: 'pull' | 'pull,push'): Promise<HttpResponse> {
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
  async function authorize(challenges: readonly Challenge[], repository: Repository, action: string) {
    const known = await login(repository.registry);
    const basic = known && `Basic ${Buffer.from(`${known.username}:${known.password}`, 'utf8').toString('base64')}`;
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm !== undefined);
    if (!bearer) return challenges.some(({ scheme }) => scheme === 'basic') ? basic : undefined;
    const { realm = '', service } = bearer.parameters;
    const scope = `repository:${repository.path}:${action}`;
    // An identity token, which docker keeps under this name, is exchanged: OAuth 2.
    const identity = known?.username === '<token>' ? known.password : undefined;
    const query = new URLSearchParams({ scope, ...(service !== undefined && { service }) });
    const answer =
      identity === undefined
        ? await request(`${realm}?${query}`, { method: 'GET' }, repository, basic)
        : await request(
            realm,
            {
              method: 'POST',
              headers: { 'content-type': 'application/x-www-form-urlencoded' },
              body: `${query}&grant_type=refresh_token&client_id=sluice&refresh_token=${encodeURIComponent(identity)}`,
            },
            repository,
          );
    if (answer.status !== 200) throw refused(repository, answer, 'logging in', known !== undefined);
    const token = tokenAnswer.parse(JSON.parse(answer.body));
    return token === undefined ? undefined : `Bearer ${token}`;
  }

  async function expect(
    repository: Repository,
    what: Call,
    action: 'pull' | 'pull,push',
    doing: string,
    allowed: readonly number[],
  ): Promise<HttpResponse> {
    const response = await call(repository, what, action);
    if (allowed.includes(response.status)) return response;
    throw refused(repository, response, doing, (await login(repository.registry)) !== undefined);
  }

  /** The manifest that a tag or digest names; undefined where there is none. */
  async function manifest(repository: Repository, reference: string): Promise<Manifest | undefined> {
    const headers = { accept: manifestTypes.join(', ') };
    const path = `${repository.path}/manifests/${reference}`;
    const doing = `reading ${reference}`;
    const response = await expect(repository, { method: 'GET', path, headers }, 'pull', doing, [200, 404]);
    if (response.status === 404) return undefined;
    const digest = digestOf(response.body);
    const wanted = reference.startsWith('sha256:') ? reference : response.headers['docker-content-digest'];
    if (typeof wanted === 'string' && wanted.startsWith('sha256:') && wanted !== digest) {
      throw new SluiceError('failed', {
        about: `${repository.name}@${wanted}`,
        problem: `is not what the registry gave: its content has the digest ${digest}.`,
        next: 'Something between here and the registry changes what it sends; do not use this image.',
      });
    }
    return { digest, mediaType: mediaTypeOf(response), text: response.body };
  }

  async function child(repository: Repository, descriptor: Descriptor): Promise<Manifest> {
    const found = await manifest(repository, descriptor.digest);
    if (found) return found;
    throw new SluiceError('not-found', {
      about: `${repository.name}@${descriptor.digest}`,
      problem: 'is a part of the image and is not in the registry.',
      next: 'Run again; if it stays so, the registry loses what was pushed.',
    });
  }

  return {
    manifest,

    /** The digest that a tag names, without reading what it is; undefined where there is no such tag. */
    async digest(repository: Repository, tag: string): Promise<string | undefined> {
      const headers = { accept: manifestTypes.join(', ') };
      const path = `${repository.path}/manifests/${tag}`;
      const response = await expect(
        repository,
        { method: 'HEAD', path, headers },
        'pull',
        `looking for ${tag}`,
        [200, 404],
      );
      if (response.status === 404) return undefined;
      const digest = response.headers['docker-content-digest'];
      return typeof digest === 'string' ? digest : (await manifest(repository, tag))?.digest;
    },

    /** All tags, as far as the registry lists them; undefined where it does not. */
    async tags(repository: Repository): Promise<string[] | undefined> {
      const found: string[] = [];
      let path: string | undefined = `${repository.path}/tags/list?n=1000`;
      for (let page = 0; path !== undefined && page < MOST_PAGES; page += 1) {
        const response: HttpResponse = await call(repository, { method: 'GET', path }, 'pull');
        if (response.status === 404) return [];
        if (response.status !== 200) return undefined;
        found.push(...(tagList.parse(JSON.parse(response.body)).tags ?? []));
        path = nextPage(response);
      }
      return found;
    },

    /** Names a manifest that is in the repository by one more tag. */
    async tag(repository: Repository, { text, mediaType }: Manifest, tag: string): Promise<void> {
      const call = {
        method: 'PUT' as const,
        path: `${repository.path}/manifests/${tag}`,
        headers: { 'content-type': mediaType },
        body: text,
      };
      await expect(repository, call, 'pull,push', `putting the tag ${tag}`, [200, 201, 202]);
    },

    /** Begins an upload and gives it up again: whether one may push is asked before the build, not after. */
    async checkPush(repository: Repository): Promise<void> {
      const path = `${repository.path}/blobs/uploads/`;
      const doing = 'asking for the right to push';
      const response = await expect(repository, { method: 'POST', path }, 'pull,push', doing, [202]);
      const { location } = response.headers;
      if (typeof location !== 'string') return;
      const upload = new URL(location, new URL(path, baseUrl(repository)));
      if (upload.host !== new URL(baseUrl(repository)).host) return;
      // An upload that is left open is cleared by the registry in its time.
      await call(repository, { method: 'DELETE', path: upload.href }, 'pull,push');
    },

    /** Reads an image with all manifests below it. Throws `not-found` where something is missing. */
    async inspect(repository: Repository, top: Manifest): Promise<Inspected> {
      if (!/index|list/.test(top.mediaType)) {
        const image = imageSchema.parse(JSON.parse(top.text));
        const path = `${repository.path}/blobs/${image.config.digest}`;
        const { body } = await expect(repository, { method: 'GET', path }, 'pull', 'reading the configuration', [200]);
        const platform = platformText(configSchema.parse(JSON.parse(body)));
        return {
          manifest: top,
          platforms: platform === undefined ? [] : [platform],
          size: sizeOf(image),
          predicates: [],
        };
      }
      const { manifests } = indexSchema.parse(JSON.parse(top.text));
      const parts = await Promise.all(
        manifests.map(async (part) => ({
          part,
          image: imageSchema.parse(JSON.parse((await child(repository, part)).text)),
        })),
      );
      const images = parts.filter(({ part }) => attested(part) === undefined);
      const predicates = images.map(
        ({ part }) =>
          new Set(
            parts.filter((other) => attested(other.part) === part.digest).flatMap(({ image }) => predicatesOf(image)),
          ),
      );
      return {
        manifest: top,
        platforms: images.flatMap(({ part }) => (part.platform && platformText(part.platform)) ?? []),
        size: Math.max(0, ...images.map(({ image }) => sizeOf(image))),
        predicates: [...(predicates[0] ?? [])].filter((type) => predicates.every((found) => found.has(type))),
      };
    },

    close: () => dispatcher.close(),
  };
}

function sizeOf({ layers }: z.infer<typeof imageSchema>): number {
  return layers.reduce((sum, { size }) => sum + size, 0);
}

function mediaTypeOf({ headers, body }: HttpResponse): string {
  const said = headers['content-type'];
  if (typeof said === 'string' && said !== '' && !said.startsWith('application/json'))
    return said.split(';')[0] ?? said;
  return z.object({ mediaType: z.string() }).parse(JSON.parse(body)).mediaType;
}

/** `Link: </v2/acme/checkout/tags/list?last=v9&n=1000>; rel="next"` */
function nextPage({ headers }: HttpResponse): string | undefined {
  const { link } = headers;
  return typeof link === 'string' ? /<([^>]+)>\s*;\s*rel="?next"?/.exec(link)?.[1] : undefined;
}

/** What a registry's refusal means, and what to do. Its codes: the distribution specification, "Error codes". */
function refused(repository: Repository, response: HttpResponse, doing: string, loggedIn: boolean): SluiceError {
  const { status } = response;
  const errors = errorsOf(response.body);
  const said = errors.map(({ code, message }) => (message ? `${code}: ${message}` : code)).join('; ');
  const about = repository.name;
  const problem = `${doing} was refused (HTTP ${status}${said === '' ? '' : `, ${said}`}).`;
  if (status === 401 || status === 403) {
    const next = loggedIn
      ? 'Give the credentials the right to push to this repository (in GHCR: packages: write, and the repository among those with access).'
      : 'There are no credentials for this registry: give "username" and "password", or log in in an earlier step.';
    return new SluiceError('forbidden', { about, problem, next });
  }
  if (/immutable|TAG_INVALID/i.test(said) || status === 409) {
    const next = 'The registry keeps this tag as it is: build under another version, or leave this tag out.';
    return new SluiceError('conflict', { about, problem, next });
  }
  if (status === 404) {
    const next = 'Create the repository in the registry first; some registries (ECR) make none by themselves.';
    return new SluiceError('not-found', { about, problem, next });
  }
  const next = 'See what the registry says of it in its log.';
  return new SluiceError('failed', { about, problem, next });
}

function errorsOf(body: string): z.infer<typeof errorAnswer>['errors'] {
  try {
    return errorAnswer.parse(JSON.parse(body)).errors;
  } catch {
    // A proxy's page, or nothing: the status says enough.
    return [];
  }
}

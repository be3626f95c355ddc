import * as z from 'zod';
import type { HttpResponse } from '../../core/http.ts';
import type { Repository } from '../../core/image-reference.ts';
import { absent, changedOnTheWay, nextPage, readAnswer, refused } from './answers.ts';
import { type Call, type ConnectionOptions, createConnection } from './connection.ts';
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

export type { Login } from './connection.ts';
export type Registry = ReturnType<typeof createRegistry>;

const tagList = z.object({ tags: z.array(z.string()).nullish() });

/** Pages of tags; a registry with more is taken for one that lists none. */
const MOST_PAGES = 5_000;

/** Redirects that are followed to where a registry keeps its blobs. */
const MOST_REDIRECTS = 3;

/**
 * A client of registries by the OCI distribution specification, which logs in as each asks for.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export function createRegistry(options: ConnectionOptions) {
  const connection = createConnection(options);
  const { request, call, expect, beginUpload, intentOf, baseUrl, login } = connection;

  /** A blob, from wherever the registry keeps it: there, nobody is told who asks. */
  async function blob(repository: Repository, digest: string, doing: string): Promise<string> {
    const path = `${repository.path}/blobs/${digest}`;
    const redirects = [301, 302, 303, 307, 308];
    let response = await expect(repository, { method: 'GET', path }, intentOf(repository), doing, [200, ...redirects]);
    let url = new URL(path, baseUrl(repository));
    for (let count = 0; redirects.includes(response.status) && count < MOST_REDIRECTS; count += 1) {
      const { location } = response.headers;
      const to = typeof location === 'string' ? URL.parse(location, url.href) : null;
      if (!to || (to.protocol !== 'https:' && to.protocol !== url.protocol)) break;
      url = to;
      response = await request(url.href, { method: 'GET' }, repository);
    }
    if (response.status !== 200) throw refused(repository, response, doing, (await login(repository)) !== undefined);
    if (digest.startsWith('sha256:') && digestOf(response.body) !== digest) {
      throw changedOnTheWay(repository, digest, digestOf(response.body));
    }
    return response.body;
  }

  async function configOf(repository: Repository, image: string) {
    const { config } = readAnswer(imageSchema, image, repository);
    return readAnswer(configSchema, await blob(repository, config.digest, 'reading the configuration'), repository);
  }

  /** The manifest that a tag or digest names; undefined where there is none. */
  async function manifest(repository: Repository, reference: string): Promise<Manifest | undefined> {
    const headers = { accept: manifestTypes.join(', ') };
    const path = `${repository.path}/manifests/${reference}`;
    const doing = `reading ${reference}`;
    const what: Call = { method: 'GET', path, headers };
    const response = await expect(repository, what, intentOf(repository), doing, [200, 404]);
    if (response.status === 404) return undefined;
    const digest = digestOf(response.body);
    const wanted = reference.startsWith('sha256:') ? reference : response.headers['docker-content-digest'];
    if (typeof wanted === 'string' && wanted.startsWith('sha256:') && wanted !== digest) {
      throw changedOnTheWay(repository, wanted, digest);
    }
    return { digest, mediaType: mediaTypeOf(response, repository), text: response.body };
  }

  async function child(repository: Repository, descriptor: Descriptor): Promise<Manifest> {
    const found = await manifest(repository, descriptor.digest);
    if (found) return found;
    throw absent(repository, descriptor.digest);
  }

  return {
    manifest,

    /** The digest that a tag names, without reading what it is; undefined where there is no such tag. */
    async digest(repository: Repository, tag: string): Promise<string | undefined> {
      const headers = { accept: manifestTypes.join(', ') };
      const path = `${repository.path}/manifests/${tag}`;
      const what: Call = { method: 'HEAD', path, headers };
      const response = await expect(repository, what, intentOf(repository), `looking for ${tag}`, [200, 404]);
      if (response.status === 404) return undefined;
      const digest = response.headers['docker-content-digest'];
      return typeof digest === 'string' ? digest : (await manifest(repository, tag))?.digest;
    },

    /** All tags, to the end of the list; undefined where the registry does not give it. */
    async tags(repository: Repository): Promise<string[] | undefined> {
      const found: string[] = [];
      const base = new URL(baseUrl(repository));
      let page: URL | undefined = new URL(`${repository.path}/tags/list?n=1000`, base);
      const seen = new Set<string>();
      while (page !== undefined) {
        // Elsewhere, or the same again: the list has no end that can be trusted.
        if (page.origin !== base.origin || seen.has(page.href) || seen.size >= MOST_PAGES) return undefined;
        seen.add(page.href);
        const what: Call = { method: 'GET', path: page.href };
        const response: HttpResponse = await call(repository, what, intentOf(repository));
        if (response.status === 404) return seen.size === 1 ? [] : undefined;
        if (response.status !== 200) return undefined;
        found.push(...(readAnswer(tagList, response.body, repository).tags ?? []));
        page = nextPage(response, page);
      }
      return found;
    },

    /** Names a manifest that is in the repository by one more tag. */
    async tag(repository: Repository, { text, mediaType }: Manifest, tag: string): Promise<void> {
      const what: Call = {
        method: 'PUT',
        path: `${repository.path}/manifests/${tag}`,
        headers: { 'content-type': mediaType },
        body: text,
      };
      await expect(repository, what, 'pull,push', `putting the tag ${tag}`, [200, 201, 202]);
    },

    /** Asks before the build, not after, whether one may push. */
    async checkPush(repository: Repository): Promise<void> {
      const response = await beginUpload(repository);
      if (response.status === 202) return;
      const loggedIn = (await login(repository)) !== undefined;
      throw refused(repository, response, 'asking for the right to push', loggedIn);
    },

    /**
     * Instructions that an image leaves for those that build on it (ONBUILD).
     *
     * @param platforms of an index, those that are looked at; all where it has none of them
     */
    async triggers(repository: Repository, digest: string, platforms: readonly string[]): Promise<string[]> {
      const top = await manifest(repository, digest);
      if (!top) throw absent(repository, digest);
      if (!isIndex(top)) return (await configOf(repository, top.text)).config?.OnBuild ?? [];
      const images = readAnswer(indexSchema, top.text, repository).manifests.filter(
        (part) => attested(part) === undefined,
      );
      const meant = images.filter(({ platform }) => isOneOf((platform && platformText(platform)) ?? '', platforms));
      const configs = await Promise.all(
        (meant.length > 0 ? meant : images).map(async (part) =>
          configOf(repository, (await child(repository, part)).text),
        ),
      );
      return configs.flatMap(({ config }) => config?.OnBuild ?? []);
    },

    /** Reads an image with all manifests below it. Throws `not-found` where something is missing. */
    async inspect(repository: Repository, top: Manifest): Promise<Inspected> {
      if (!isIndex(top)) {
        const platform = platformText(await configOf(repository, top.text));
        return {
          manifest: top,
          platforms: platform === undefined ? [] : [platform],
          size: sizeOf(readAnswer(imageSchema, top.text, repository)),
          predicates: [],
        };
      }
      const { manifests } = readAnswer(indexSchema, top.text, repository);
      const parts = await Promise.all(
        manifests.map(async (part) => ({
          part,
          image: readAnswer(imageSchema, (await child(repository, part)).text, repository),
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

    close: connection.close,
  };
}

function sizeOf({ layers }: z.infer<typeof imageSchema>): number {
  return layers.reduce((sum, { size }) => sum + size, 0);
}

/** `linux/arm64/v8` is `linux/arm64`. */
function isOneOf(platform: string, wanted: readonly string[]): boolean {
  return wanted.some((one) => platform === one || platform.startsWith(`${one}/`));
}

function isIndex({ mediaType }: Manifest): boolean {
  return /index|list/.test(mediaType);
}

function mediaTypeOf({ headers, body }: HttpResponse, repository: Repository): string {
  const said = headers['content-type'];
  if (typeof said === 'string' && said !== '' && !said.startsWith('application/json'))
    return said.split(';')[0] ?? said;
  return readAnswer(z.object({ mediaType: z.string() }), body, repository).mediaType;
}

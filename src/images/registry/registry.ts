import * as z from 'zod';
import type { HttpResponse } from '../../core/http.ts';
import type { Repository } from '../../core/image-reference.ts';
import { nextPage, readAnswer, refused } from './answers.ts';
import { type ConnectionOptions, createConnection } from './connection.ts';
import { createContentReader } from './content.ts';
import { inspectImage, readTriggers } from './inspect.ts';
import { type Inspected, type Manifest, manifestTypes } from './manifests.ts';
import type { Call } from './transport.ts';

export type Registry = ReturnType<typeof createRegistry>;

const tagList = z.object({ tags: z.array(z.string()).nullish() });

/** The most pages of tags; a registry with more counts as one that does not list its tags. */
const MOST_PAGES = 5_000;

/**
 * A client for registries by the OCI distribution specification, which logs in as each asks for.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export function createRegistry(options: ConnectionOptions) {
  const connection = createConnection(options);
  const { call, expect, read, beginUpload, intentOf, baseUrl, login, close } = connection;
  const reader = createContentReader(connection);

  return {
    /** The manifest of a tag or digest; undefined where there is none. */
    manifest: reader.manifest,

    /** The digest of a tag, without reading the manifest; undefined where there is no such tag. */
    async digest(repository: Repository, tag: string): Promise<string | undefined> {
      const headers = { accept: manifestTypes.join(', ') };
      const path = `${repository.path}/manifests/${tag}`;
      const what: Call = { method: 'HEAD', path, headers };
      const purpose = { action: intentOf(repository), doing: `looking for ${tag}`, allowed: [200, 404] };
      const response = await read(repository, what, purpose);
      if (response.status === 404) return undefined;
      const digest = response.headers['docker-content-digest'];
      return typeof digest === 'string' ? digest : (await reader.manifest(repository, tag))?.digest;
    },

    /** All tags, to the end of the list; undefined where the registry does not list them all. */
    async tags(repository: Repository): Promise<string[] | undefined> {
      const found: string[] = [];
      const base = new URL(baseUrl(repository));
      let page: URL | undefined = new URL(`${repository.path}/tags/list?n=1000`, base);
      const seen = new Set<string>();
      while (page !== undefined) {
        // A page on another host, or a page that repeats: the list cannot be trusted.
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

    /** Adds a tag to a manifest that is in the repository. */
    async tag(repository: Repository, { text, mediaType }: Manifest, tag: string): Promise<void> {
      const what: Call = {
        method: 'PUT',
        path: `${repository.path}/manifests/${tag}`,
        headers: { 'content-type': mediaType },
        body: text,
      };
      const doing = `putting the tag ${tag}`;
      await expect(repository, what, { action: 'pull,push', doing, allowed: [200, 201, 202] });
    },

    /** Checks the right to push before the build instead of after it. */
    async checkPush(repository: Repository): Promise<void> {
      const response = await beginUpload(repository);
      if (response.status === 202) return;
      const loggedIn = (await login(repository)) !== undefined;
      throw refused(repository, response, 'asking for the right to push', loggedIn);
    },

    /**
     * The ONBUILD instructions of an image.
     *
     * @param platforms which images of an index are read; all where the index has none of these platforms
     */
    triggers(repository: Repository, digest: string, platforms: readonly string[]): Promise<string[]> {
      return readTriggers(reader, repository, digest, platforms);
    },

    /** Reads an image with all manifests below it. Throws `not-found` where one is missing. */
    inspect(repository: Repository, top: Manifest): Promise<Inspected> {
      return inspectImage(reader, repository, top);
    },

    close,
  };
}

import * as z from 'zod';
import type { HttpResponse } from '../../core/http.ts';
import type { Repository } from '../../core/image-reference.ts';
import { absent, changedOnTheWay, readAnswer } from './answers.ts';
import type { Connection } from './connection.ts';
import { configSchema, type Descriptor, digestOf, imageSchema, type Manifest, manifestTypes } from './manifests.ts';
import type { Call } from './transport.ts';

export type ContentReader = ReturnType<typeof createContentReader>;

/** Reads content by its digest, and checks it against the digest. */
export function createContentReader({ read, intentOf }: Connection) {
  async function blob(repository: Repository, digest: string, doing: string): Promise<string> {
    const what: Call = { method: 'GET', path: `${repository.path}/blobs/${digest}` };
    const response = await read(repository, what, { action: intentOf(repository), doing, allowed: [200] });
    if (digest.startsWith('sha256:') && digestOf(response.body) !== digest) {
      throw changedOnTheWay(repository, digest, digestOf(response.body));
    }
    return response.body;
  }

  async function configOf(repository: Repository, image: string) {
    const { config } = readAnswer(imageSchema, image, repository);
    return readAnswer(configSchema, await blob(repository, config.digest, 'reading the configuration'), repository);
  }

  /** The manifest of a tag or digest; undefined where there is none. */
  async function manifest(repository: Repository, reference: string): Promise<Manifest | undefined> {
    const headers = { accept: manifestTypes.join(', ') };
    const path = `${repository.path}/manifests/${reference}`;
    const doing = `reading ${reference}`;
    const what: Call = { method: 'GET', path, headers };
    const response = await read(repository, what, { action: intentOf(repository), doing, allowed: [200, 404] });
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

  return { manifest, child, configOf };
}

function mediaTypeOf({ headers, body }: HttpResponse, repository: Repository): string {
  const said = headers['content-type'];
  if (typeof said === 'string' && said !== '' && !said.startsWith('application/json'))
    return said.split(';')[0] ?? said;
  return readAnswer(z.object({ mediaType: z.string() }), body, repository).mediaType;
}

import { createHmac } from 'node:crypto';
import type { Repository } from '../core/image-reference.ts';
import type { Manifest } from './registry/manifests.ts';
import type { Registry } from './registry/registry.ts';

/**
 * How a run knows that an image in the registry was built from a content by a trusted run. A tag is no proof: anyone who may
 * push can put it.
 */
export interface Evidence {
  /** The signature of an image is the proof; otherwise a reused image is signed again. */
  readonly bySignature: boolean;
  /** Whether this digest was built from the content with this key. */
  proves(repository: Repository, digest: string, key: string): Promise<boolean>;
  /** Stores the proof for an image that was built. */
  leave(repository: Repository, manifest: Manifest, key: string): Promise<void>;
}

/** A tag that binds the content to the digest; it can be computed only with the secret. */
function sealOf(secret: string, key: string, digest: string): string {
  const seal = createHmac('sha256', secret)
    .update(JSON.stringify(['sluice evidence 1', key, digest]))
    .digest('hex');
  return `${key}-${seal.slice(0, 40)}`;
}

/** Evidence for runs that share a secret: a second tag on the digest, which is an HMAC of content and digest. */
export function sealedEvidence(secret: string, registry: Pick<Registry, 'digest' | 'tag'>): Evidence {
  return {
    bySignature: false,
    async proves(repository, digest, key) {
      return (await registry.digest(repository, sealOf(secret, key, digest))) === digest;
    },
    async leave(repository, manifest, key) {
      const seal = sealOf(secret, key, manifest.digest);
      if ((await registry.digest(repository, seal)) !== manifest.digest) await registry.tag(repository, manifest, seal);
    },
  };
}

/**
 * Evidence by the signature of the image, which names the content and its signer.
 *
 * @param verify whether `NAME@DIGEST` has such a signature
 */
export function signedEvidence(verify: (image: string, key: string) => Promise<boolean>): Evidence {
  return {
    bySignature: true,
    proves: ({ name }, digest, key) => verify(`${name}@${digest}`, key),
    // The image was signed before its tags were put.
    leave: async () => undefined,
  };
}

import { isSluiceError, messageOf } from '../core/errors.ts';
import { parseReference } from '../core/image-reference.ts';
import { type ContentFacts, contentKey } from './content-key.ts';
import { type BuildContext, hashContext } from './context.ts';
import { frontendsOf, outsideOf, triggersAreLocal } from './dockerfile.ts';
import { parseDockerfile } from './dockerfile-syntax.ts';
import type { Registry } from './registry/registry.ts';

/** The inputs of a build outside of its context, as they are now. */
interface Digests {
  /** By the references of the images. */
  readonly digests: Readonly<Record<string, string>>;
  /** What cannot be known, as sentences. */
  readonly unknown: readonly string[];
}

/** The inputs of a build that decide its content. */
export interface ContentSources {
  readonly context: BuildContext;
  readonly facts: Omit<ContentFacts, 'context' | 'dockerfile' | 'bases' | 'epoch'>;
  /** Time of the commit, in milliseconds since 1970. */
  readonly createdAt: number | undefined;
}

/** What is needed to compute a key. */
export interface KeyWorld {
  readonly registry: Pick<Registry, 'digest' | 'triggers'>;
  readonly policy: { readonly signal: AbortSignal };
  /** Is told why there is no key, or why the key differs each time. */
  readonly emit: (event: { readonly type: 'note'; readonly text: string }) => void;
}

/** The key of the content; undefined where an input of the build cannot be known before it. */
export async function keyOf(order: ContentSources, world: KeyWorld): Promise<string | undefined> {
  const { context, facts, createdAt } = order;
  const outside = await readOutside(order, world);
  const hashed = await hashContext(context, world.policy.signal, facts.builderKind);
  const readsEpoch = context.dockerfile.includes('SOURCE_DATE_EPOCH');
  const reasons = [...outside.unknown, ...hashed.unknown];
  if (readsEpoch && createdAt === undefined)
    reasons.push('The Dockerfile reads SOURCE_DATE_EPOCH, which is not known.');
  if (reasons.length > 0) {
    const text = `Whether this content was built before can't be known: ${reasons.join(' ')}`;
    world.emit({ type: 'note', text });
    return undefined;
  }
  if (hashed.withGit) {
    const text = 'The context holds .git, which differs after each checkout: name .git in .dockerignore.';
    world.emit({ type: 'note', text });
  }
  return contentKey({
    ...facts,
    context: hashed.hash,
    dockerfile: context.dockerfile,
    bases: outside.digests,
    epoch: readsEpoch ? createdAt : undefined,
  });
}

/** Reads the Dockerfile, and asks registries for the digests of the images that it names. */
async function readOutside({ context, facts }: ContentSources, { registry, policy }: KeyWorld): Promise<Digests> {
  const buildah = facts.builderKind === 'buildah';
  const platforms = facts.platforms.filter((platform) => /^\w+\/\w/.test(platform));
  const outside = outsideOf(context.dockerfile, facts.buildArgs, platforms);
  const unknown = [...outside.unknown];
  if (buildah && context.file.endsWith('.in')) unknown.push('buildah lets a preprocessor read the Containerfile.');
  const digests: Record<string, string> = {};
  const frontends = frontendsOf(parseDockerfile(context.dockerfile).syntax, facts.buildArgs);
  const look = async (image: string): Promise<string | undefined> => {
    const { repository, tag = 'latest', digest = await registry.digest(repository, tag) } = parseReference(image);
    if (digest === undefined) return `${image} is not in its registry.`;
    digests[image] = digest;
    // The frontend only reads the Dockerfile; no image builds on it, so its ONBUILD does not matter.
    if (frontends.includes(image)) return undefined;
    const native = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
    const triggers = await registry.triggers(repository, digest, platforms.length > 0 ? platforms : [native]);
    return triggersAreLocal(triggers) ? undefined : `${image} takes something from elsewhere (ONBUILD).`;
  };
  const looked = outside.images.map(async (image) => {
    // buildah's configuration decides which registry a short name means.
    if (buildah && !/^[^/.:]*[.:][^/]*\/|^localhost\//.test(image)) return `buildah decides where ${image} comes from.`;
    try {
      return await look(image);
    } catch (error) {
      policy.signal.throwIfAborted();
      if (!isSluiceError(error)) throw error;
      return messageOf(error);
    }
  });
  const problems = (await Promise.all(looked)).flatMap((problem) => problem ?? []);
  return { digests, unknown: [...unknown, ...problems] };
}

import { isSluiceError, messageOf } from '../core/errors.ts';
import { parseReference } from '../core/image-reference.ts';
import { type ContentFacts, contentKey } from './content-key.ts';
import { type BuildContext, hashContext } from './context.ts';
import { frontendsOf, outsideOf, triggersAreLocal } from './dockerfile.ts';
import { parseDockerfile } from './dockerfile-syntax.ts';
import type { Registry } from './registry/registry.ts';

/** What goes into a build from elsewhere than its context, as it is now. */
interface Digests {
  /** By the references of the images. */
  readonly digests: Readonly<Record<string, string>>;
  /** What can't be known, as sentences. */
  readonly unknown: readonly string[];
}

/** What is built, as far as it decides the content. */
export interface ContentSources {
  readonly context: BuildContext;
  readonly facts: Omit<ContentFacts, 'context' | 'dockerfile' | 'bases' | 'epoch'>;
  /** Milliseconds since 1970 of the commit. */
  readonly createdAt: number | undefined;
}

/** What a key is found with. */
export interface KeyWorld {
  readonly registry: Pick<Registry, 'digest' | 'triggers'>;
  readonly policy: { readonly signal: AbortSignal };
  /** Told why there is no key, or what makes it another one each time. */
  readonly emit: (event: { readonly type: 'note'; readonly text: string }) => void;
}

/** The key of the content; undefined where something that goes into it can't be known before the build. */
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

/** Reads the Dockerfile, and asks registries what the images are that it names. */
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
    // It reads the Dockerfile, and no image builds on it.
    if (frontends.includes(image)) return undefined;
    const native = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
    const triggers = await registry.triggers(repository, digest, platforms.length > 0 ? platforms : [native]);
    return triggersAreLocal(triggers) ? undefined : `${image} takes something from elsewhere (ONBUILD).`;
  };
  const looked = outside.images.map(async (image) => {
    // Which registry is meant, the configuration of buildah says.
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

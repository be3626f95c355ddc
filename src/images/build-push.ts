import { isSluiceError, SluiceError } from '../core/errors.ts';
import type { Repository } from '../core/image-reference.ts';
import { keyOf } from './build-key.ts';
import type { Builder, BuildPolicy, BuildRequest } from './builder.ts';
import type { ContentFacts } from './content-key.ts';
import type { BuildContext } from './context.ts';
import type { Evidence } from './evidence.ts';
import { hasProvenance, hasSbom, missingFrom } from './missing-parts.ts';
import { type BuildStep, type ProgressNote, slowest } from './progress.ts';
import type { Inspected } from './registry/manifests.ts';
import type { Registry } from './registry/registry.ts';
import { type ImmutableTags, isFixed, staleFloatingTags, type Tags } from './tags.ts';

/** The build that is asked for. */
export interface Order {
  readonly context: BuildContext;
  /** The first one names the image in outputs. */
  readonly repositories: readonly Repository[];
  readonly tags: Tags;
  readonly immutable: ImmutableTags;
  /** What decides the content besides context, Dockerfile and base images. */
  readonly facts: Omit<ContentFacts, 'context' | 'dockerfile' | 'bases' | 'epoch'>;
  /** Time of the commit, in milliseconds since 1970. */
  readonly createdAt: number | undefined;
  readonly push: boolean;
  /** Whether an existing image with the same content is reused. */
  readonly reuse: boolean;
  readonly dryRun: boolean;
  /** The tag under which an image is pushed first, if it must have a tag and has no content key. */
  readonly staging: string;
  request(): Promise<Omit<BuildRequest, 'destination'>>;
}

/** What is needed to build. */
export interface BuildWorld {
  readonly registry: Registry;
  /** Created on first use: an unchanged image needs no builder. */
  builder(): Promise<Builder>;
  readonly policy: Omit<BuildPolicy, 'onProgress'>;
  /** Signs an image by its digest and names its content; undefined where images are not signed. */
  readonly sign: ((image: string, key: string | undefined) => Promise<void>) | undefined;
  /** How an image is known to have been built here; without it, no image is reused. */
  readonly evidence?: Evidence | undefined;
  readonly emit: (event: BuildEvent) => void;
}

/** Events for the log and the summary. */
export type BuildEvent =
  | { readonly type: 'stage' | 'note' | 'warning'; readonly text: string }
  | { readonly type: 'progress'; readonly note: ProgressNote };

export interface Outcome {
  /** Undefined where nothing was pushed. */
  readonly digest: string | undefined;
  /** The tags that now name the digest; in a dry run, the tags that would. */
  readonly tags: readonly string[];
  readonly platforms: readonly string[];
  /** Bytes of the layers of the largest platform. */
  readonly size: number | undefined;
  readonly provenance: boolean;
  readonly sbom: boolean;
  readonly signed: boolean;
  /** Nothing was built, because the registry already had this content. */
  readonly skipped: boolean;
  readonly contentKey: string | undefined;
  readonly slowest: readonly { readonly name: string; readonly milliseconds: number }[];
}

const SLOWEST = 5;

/**
 * Builds an image and pushes it, in this order: refuses what is not allowed, builds, pushes without a tag, checks that the
 * registry has the image with all its parts, and only then puts the tags. A failure before that changes nothing that anybody
 * pulls.
 *
 * @throws SluiceError
 */
export async function buildPush(order: Order, world: BuildWorld): Promise<Outcome> {
  const { emit } = world;
  const key = await keyOf(order, world);
  const tags = order.push ? await wantedTags(order, world) : order.tags.all;

  const found = key !== undefined && order.push && order.reuse ? await findContent(order, key, world) : undefined;
  if (found) {
    emit({ type: 'note', text: `Nothing to build: this content is in the registry as ${found.manifest.digest}.` });
    await refuseMoved(order, tags, found.manifest.digest, world);
    const signs = !order.dryRun && world.evidence?.bySignature === false && world.sign !== undefined;
    if (signs) await signAll(order, found, key, world);
    if (!order.dryRun) await putTags(order, tags, found, world);
    return { ...outcomeOf(found, tags, key, []), skipped: true, signed: signs };
  }
  if (order.push) {
    await refuseMoved(order, tags, undefined, world);
    await Promise.all(order.repositories.map((repository) => world.registry.checkPush(repository)));
  }
  if (order.dryRun) return nothingPushed(tags, key, []);

  const { digest, steps } = await build(order, key, world);
  if (!order.push) return nothingPushed(order.tags.all, key, steps);
  const built = await verify(order, digest, world);
  await signAll(order, built, key, world);
  await refuseMoved(order, tags, built.manifest.digest, world);
  // Puts the key first, so that the next run completes a run that ends between two tags.
  if (key !== undefined) await putKey(order, key, built, world);
  await putTags(order, tags, built, world);
  return { ...outcomeOf(built, tags, key, steps), signed: world.sign !== undefined };
}

async function signAll(order: Order, image: Inspected, key: string | undefined, world: BuildWorld): Promise<void> {
  if (!world.sign) return;
  world.emit({ type: 'stage', text: 'Sign' });
  for (const { name } of order.repositories) await world.sign(`${name}@${image.manifest.digest}`, key);
}

/** The tags without the floating ones (such as `latest`) that already belong to a newer version. */
async function wantedTags(order: Order, { registry, emit }: BuildWorld): Promise<readonly string[]> {
  const { tags, repositories } = order;
  if (tags.floating.length === 0) return tags.all;
  const lists = await Promise.all(repositories.map((repository) => registry.tags(repository)));
  if (lists.includes(undefined)) {
    const text = `The registry does not list its tags: ${tags.floating.join(', ')} are moved unseen.`;
    emit({ type: 'warning', text });
  }
  const stale = staleFloatingTags(
    tags,
    lists.flatMap((list) => list ?? []),
  );
  for (const { tag, newer } of stale) emit({ type: 'note', text: `${tag} stays where it is: ${newer} is newer.` });
  return tags.all.filter((tag) => !stale.some((moved) => moved.tag === tag));
}

/** The image of this content, if every repository has it, complete and attested as asked. */
async function findContent(order: Order, key: string, world: BuildWorld): Promise<Inspected | undefined> {
  const { registry, evidence, emit } = world;
  const [first, ...others] = order.repositories;
  if (!first) return undefined;
  if (!evidence) {
    const text =
      'Built anew: without "reuse-secret" or "sign", nothing proves that an image in the registry was built here.';
    emit({ type: 'note', text });
    return undefined;
  }
  const manifests = await Promise.all([first, ...others].map((repository) => registry.manifest(repository, key)));
  const [manifest] = manifests;
  if (!manifest || manifests.some((other) => other?.digest !== manifest.digest)) return undefined;
  const proofs = [first, ...others].map((repository) => evidence.proves(repository, manifest.digest, key));
  if ((await Promise.all(proofs)).includes(false)) {
    const text = `${first.name}:${key} is ${manifest.digest}, and nothing proves that it was built here: built anew.`;
    emit({ type: 'warning', text });
    return undefined;
  }
  try {
    const found = await registry.inspect(first, manifest);
    const missing = missingFrom(found, order.facts);
    if (missing.length === 0) return found;
    emit({ type: 'note', text: `${manifest.digest} has this content and lacks ${missing.join(' and ')}: built anew.` });
  } catch (error) {
    if (!isSluiceError(error, 'not-found')) throw error;
    emit({ type: 'warning', text: `${error.about} ${error.problem} It is built anew.` });
  }
  return undefined;
}

/** Refuses a build that would move an immutable tag. */
async function refuseMoved(
  { repositories, immutable, tags: wanted }: Order,
  tags: readonly string[],
  digest: string | undefined,
  { registry }: BuildWorld,
): Promise<void> {
  const fixed = tags.filter((tag) => isFixed(tag, wanted, immutable));
  await Promise.all(
    repositories.flatMap((repository) =>
      fixed.map(async (tag) => {
        const existing = await registry.digest(repository, tag);
        if (existing === undefined || existing === digest) return;
        throw new SluiceError('conflict', {
          about: `tag ${repository.name}:${tag}`,
          problem: `is immutable and names ${existing} already.`,
          next: 'Release under a new version; or take the tag out of "immutable-tags" where it may move.',
        });
      }),
    ),
  );
}

async function build(order: Order, key: string | undefined, world: BuildWorld) {
  const builder = await world.builder();
  world.emit({ type: 'stage', text: `Build with ${builder.name}` });
  // The content key also promises a signature, which is made later.
  const staging = world.sign ? order.staging : (key ?? order.staging);
  const destination = order.push
    ? ({ kind: 'push', repositories: order.repositories, staging } as const)
    : loadOrNowhere(order);
  const onProgress = (note: ProgressNote) => world.emit({ type: 'progress', note });
  return builder.build({ ...(await order.request()), destination }, { ...world.policy, onProgress });
}

function loadOrNowhere({ repositories, tags }: Order) {
  const references = repositories.flatMap(({ name }) => tags.all.map((tag) => `${name}:${tag}`));
  return references.length === 0 ? ({ kind: 'nowhere' } as const) : ({ kind: 'load', references } as const);
}

/** Checks that all repositories have the pushed image with all its parts. */
async function verify(order: Order, digest: string | undefined, { registry, emit }: BuildWorld): Promise<Inspected> {
  emit({ type: 'stage', text: 'Verify in the registry' });
  const seen = await Promise.all(
    order.repositories.map(async (repository) => {
      const manifest = digest === undefined ? undefined : await registry.manifest(repository, digest);
      return manifest && registry.inspect(repository, manifest);
    }),
  );
  const [first] = seen;
  if (!first || seen.includes(undefined)) {
    throw new SluiceError('failed', {
      about: order.repositories.map(({ name }) => name).join(', '),
      problem: `does not have ${digest ?? 'a digest'} after the push.`,
      next: 'Run again; no tag was put.',
    });
  }
  const missing = missingFrom(first, order.facts);
  if (missing.length > 0) {
    throw new SluiceError('failed', {
      about: `${order.repositories[0]?.name}@${first.manifest.digest}`,
      problem: `was pushed without ${missing.join(' and ')}; no tag was put.`,
      next: 'Use a builder that can do that (docker/setup-buildx-action makes one), or do without by the inputs.',
    });
  }
  return first;
}

/**
 * Leaves the evidence and puts the key. A registry with immutable tags keeps the key on the first image of this content.
 */
async function putKey(order: Order, key: string, built: Inspected, world: BuildWorld): Promise<void> {
  try {
    for (const repository of order.repositories) await world.evidence?.leave(repository, built.manifest, key);
    await putTags(order, [key], built, world);
  } catch (error) {
    if (!isSluiceError(error, 'conflict')) throw error;
    world.emit({ type: 'note', text: `The registry keeps ${key} as it is, from an earlier build of this content.` });
  }
}

/** Puts the immutable tags last: a run that fails before the first of them can be repeated. */
async function putTags(
  { repositories, immutable, tags: wanted }: Order,
  tags: readonly string[],
  { manifest }: Inspected,
  { registry, emit }: BuildWorld,
): Promise<void> {
  emit({ type: 'stage', text: 'Put the tags' });
  const [movable, fixed] = [false, true].map((kind) => tags.filter((tag) => isFixed(tag, wanted, immutable) === kind));
  for (const tag of [...(movable ?? []), ...(fixed ?? [])]) {
    for (const repository of repositories) {
      if ((await registry.digest(repository, tag)) === manifest.digest) continue;
      await registry.tag(repository, manifest, tag);
      emit({ type: 'note', text: `${repository.name}:${tag} is ${manifest.digest} now.` });
    }
  }
}

function outcomeOf(
  { manifest, platforms, size, predicates }: Inspected,
  tags: readonly string[],
  key: string | undefined,
  steps: readonly BuildStep[],
): Outcome {
  return {
    ...nothingPushed(tags, key, steps),
    digest: manifest.digest,
    platforms,
    size,
    provenance: hasProvenance(predicates),
    sbom: hasSbom(predicates),
  };
}

function nothingPushed(tags: readonly string[], key: string | undefined, steps: readonly BuildStep[]): Outcome {
  return {
    digest: undefined,
    tags,
    platforms: [],
    size: undefined,
    provenance: false,
    sbom: false,
    signed: false,
    skipped: false,
    contentKey: key,
    slowest: slowest(steps, SLOWEST),
  };
}

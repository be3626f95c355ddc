import { createHash } from 'node:crypto';
import { compare, parse, rcompare, type SemVer } from 'semver';
import { SluiceError } from '../core/errors.ts';
import { tagPattern } from '../core/image-reference.ts';
import { nearest } from '../core/nearest.ts';
import { trimEndOf } from '../core/text.ts';
import type { Source } from './source.ts';

/** The source of a tag. The named rules are those of docker/metadata-action. */
export type TagRule =
  | { readonly kind: 'semver' | 'branch' | 'pr' | 'sha' | 'latest' }
  | { readonly kind: 'raw'; readonly tag: string };

/** The tags of one build. */
export interface Tags {
  /** In the order of the rules, each once. */
  readonly all: readonly string[];
  /** The tags of `all` that follow the newest version of their line: `1.2`, `1`, `latest`. */
  readonly floating: readonly string[];
  /** The tags of `all` that come only from a branch: they follow the branch, even if they look like a version. */
  readonly branches: readonly string[];
  /** Such as `1.2.3`; without a version, the first tag. */
  readonly version: string | undefined;
}

const ruleNames = ['semver', 'branch', 'pr', 'sha', 'latest'] as const;

/** @throws SluiceError `invalid-input` for a rule that cannot be read */
export function parseTagRule(text: string): TagRule {
  const kind = ruleNames.find((name) => name === text);
  if (kind) return { kind };
  const [, written] = /^raw=(.*)$/.exec(text) ?? [];
  const tag = written ?? text;
  const meant = written === undefined ? nearest(text, ruleNames) : undefined;
  if (meant !== undefined) {
    throw refusal(text, `is near the rule "${meant}".`, `Write ${meant}, or raw=${text} for a tag of that name.`);
  }
  if (!tagPattern.test(tag)) {
    throw refusal(text, 'is neither a rule nor a tag.', `Write ${ruleNames.join(', ')}, or a tag such as nightly.`);
  }
  return { kind: 'raw', tag };
}

/**
 * The tags that the rules give for these sources. A rule that does not apply (`pr` on a branch) gives none.
 *
 * @param version overrides the version of the Git tag
 */
export function tagsOf(rules: readonly TagRule[], source: Source, version?: string): Tags {
  const release = parse(version ?? gitTag(source) ?? '');
  const found = rules.flatMap((rule) => tagsOfRule(rule, source, release));
  const all = [...new Set(found.map(({ tag }) => tag))];
  const floating = new Set(found.filter((tag) => tag.floating).map(({ tag }) => tag));
  const others = new Set(found.filter((tag) => !tag.branch).map(({ tag }) => tag));
  return {
    all,
    branches: all.filter((tag) => !others.has(tag)),
    floating: all.filter((tag) => floating.has(tag)),
    version: release?.version ?? all[0],
  };
}

interface FoundTag {
  readonly tag: string;
  readonly floating: boolean;
  readonly branch?: boolean;
}

const fixed = (tag: string): FoundTag => ({ tag, floating: false });

function tagsOfRule(rule: TagRule, source: Source, release: SemVer | null): FoundTag[] {
  switch (rule.kind) {
    case 'semver':
      return release ? semverTags(release) : plainGitTag(source);
    case 'branch': {
      const branch = /^refs\/heads\/(.+)$/.exec(source.ref ?? '')?.[1];
      return branch === undefined ? [] : [{ ...fixed(asTag(branch)), branch: true }];
    }
    case 'pr':
      return source.pullRequest === undefined ? [] : [fixed(`pr-${source.pullRequest}`)];
    case 'sha':
      return source.revision === undefined ? [] : [fixed(`sha-${source.revision.slice(0, 7)}`)];
    case 'latest':
      return [fixed('latest')];
    case 'raw':
      return [fixed(rule.tag)];
  }
}

/**
 * A pre-release never gets `latest`; and a tag `0` would promise that there are no breaking changes, which 0.x does not.
 */
function semverTags({ version, major, minor, prerelease }: SemVer): FoundTag[] {
  if (prerelease.length > 0) return [fixed(version)];
  const lines = [`${major}.${minor}`, ...(major === 0 ? [] : [`${major}`]), 'latest'];
  return [fixed(version), ...lines.map((tag) => ({ tag, floating: true }))];
}

/** A Git tag that is no version becomes a tag itself. */
function plainGitTag(source: Source): FoundTag[] {
  const tag = gitTag(source);
  return tag === undefined ? [] : [fixed(asTag(tag))];
}

function gitTag({ ref = '' }: Source): string | undefined {
  return /^refs\/tags\/(.+)$/.exec(ref)?.[1];
}

const LONGEST = 128;

/**
 * `feature/new_cart` → `feature-new_cart`: replaces characters that a tag cannot contain by a dash, as docker/metadata-action
 * does. Where non-ASCII characters or the end of the name are lost, a hash of the name keeps the tag unique.
 */
function asTag(name: string): string {
  const tag = name.replaceAll(/[^a-zA-Z0-9._-]+/g, '-').replace(/^[.-]+/, '');
  const isWhole = /^[\x20-\x7e]*$/.test(name) && tag !== '' && tag.length <= LONGEST;
  if (isWhole) return tag;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  const readable = trimEndOf(tag.slice(0, LONGEST - hash.length - 5), '.-');
  return readable === '' ? `ref-${hash}` : `ref-${readable}-${hash}`;
}

/**
 * The floating tags that would go back: if 1.2.4 is published after 2.0.0, `latest` stays at 2.0.0.
 *
 * @param existing all tags of the repository
 */
export function staleFloatingTags(tags: Tags, existing: readonly string[]): { tag: string; newer: string }[] {
  const own = parse(tags.version ?? '');
  if (!own) return [];
  const releases = existing
    .flatMap((tag) => parse(tag) ?? [])
    .filter(({ prerelease }) => prerelease.length === 0)
    .toSorted(rcompare);
  return tags.floating.flatMap((tag) => {
    const [newest] = releases.filter((release) => tag === 'latest' || `${release.version}.`.startsWith(`${tag}.`));
    return newest && compare(newest, own) > 0 ? [{ tag, newer: newest.version }] : [];
  });
}

/** The tags that must never name anything else once they exist: `versions`, `all`, and patterns with `*`. */
export type ImmutableTags = readonly string[];

/**
 * Whether a tag must not be moved. `versions` are complete versions such as 1.2.3 and 1.2.3-rc.1, not the lines 1.2 and 1.
 */
export function isImmutable(tag: string, immutable: ImmutableTags): boolean {
  return immutable.some((pattern) => {
    if (pattern === 'all') return true;
    if (pattern === 'versions') return parse(tag) !== null;
    return matchesGlob(tag, pattern);
  });
}

/** `*` stands for any text. Searches each piece once, from left to right, so that no pattern takes long. */
function matchesGlob(tag: string, pattern: string): boolean {
  const [first = '', ...pieces] = pattern.split('*');
  const last = pieces.pop();
  if (last === undefined) return tag === first;
  if (!tag.startsWith(first) || !tag.slice(first.length).endsWith(last)) return false;
  let rest = tag.slice(first.length, tag.length - last.length);
  return pieces.every((piece) => {
    const at = rest.indexOf(piece);
    rest = rest.slice(at + piece.length);
    return at !== -1;
  });
}

/** Whether a tag of this build must not be moved. A tag from a branch is no version, whatever its name. */
export function isFixed(tag: string, { branches }: Pick<Tags, 'branches'>, immutable: ImmutableTags): boolean {
  const patterns = branches.includes(tag) ? immutable.filter((pattern) => pattern !== 'versions') : immutable;
  return isImmutable(tag, patterns);
}

function refusal(text: string, problem: string, next: string): SluiceError {
  return new SluiceError('invalid-input', { about: `tag "${text}"`, problem: `"${text}" ${problem}`, next });
}

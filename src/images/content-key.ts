import { createHash } from 'node:crypto';
import { sortedJson } from '../core/json.ts';
import type { BuilderKind } from './ignore-file.ts';

/** All that decides what a build gives, as far as it can be known before. */
export interface ContentFacts {
  readonly context: string;
  readonly dockerfile: string;
  readonly target: string | undefined;
  /** Of the input; else what names the builder's own. */
  readonly platforms: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Their names alone: as for BuildKit's own cache, another value is no other content. */
  readonly secretIds: readonly string[];
  /** Names of agents and keys. */
  readonly ssh: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: readonly string[];
  /** Digests of the images that it builds on, by their references. */
  readonly bases: Readonly<Record<string, string>>;
  readonly builderKind: BuilderKind;
  readonly provenance: string;
  readonly sbom: string;
  /** How it is signed, and by whom, where the signature is what proves that it was built here. */
  readonly signature: string;
  /** Milliseconds since 1970 of the commit, where the Dockerfile reads SOURCE_DATE_EPOCH. */
  readonly epoch: number | undefined;
}

/** Another one when the meaning of the key changes. */
const VERSION = 2;

/**
 * A tag that names the content of a build: `sluice-` and 40 hexadecimal digits. Equal for equal facts, in whatever order
 * their fields and names stand.
 */
export function contentKey(facts: ContentFacts): string {
  const hash = createHash('sha256').update(sortedJson([VERSION, facts]));
  return `sluice-${hash.digest('hex').slice(0, 40)}`;
}

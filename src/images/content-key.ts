import { createHash } from 'node:crypto';
import { sortedJson } from '../core/json.ts';
import type { BuilderKind } from './ignore-file.ts';

/** Everything that decides the result of a build, as far as it can be known before. */
export interface ContentFacts {
  readonly context: string;
  readonly dockerfile: string;
  readonly target: string | undefined;
  /** From the input; else a text that stands for the builder's own platform. */
  readonly platforms: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  /** The names only: as in BuildKit's own cache, another value of a secret does not change the content. */
  readonly secretIds: readonly string[];
  /** Names of SSH agents and keys. */
  readonly ssh: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: readonly string[];
  /** Digests of the base images, by their references. */
  readonly bases: Readonly<Record<string, string>>;
  readonly builderKind: BuilderKind;
  readonly provenance: string;
  readonly sbom: string;
  /** How the image is signed, and by whom, where the signature proves that it was built here. */
  readonly signature: string;
  /** Time of the commit in milliseconds since 1970, where the Dockerfile reads SOURCE_DATE_EPOCH. */
  readonly epoch: number | undefined;
}

/** Changes when the meaning of the key changes. */
const VERSION = 2;

/**
 * A tag that names the content of a build: `sluice-` and 40 hexadecimal digits. Equal for equal facts, whatever the order of
 * their fields and names.
 */
export function contentKey(facts: ContentFacts): string {
  const hash = createHash('sha256').update(sortedJson([VERSION, facts]));
  return `sluice-${hash.digest('hex').slice(0, 40)}`;
}

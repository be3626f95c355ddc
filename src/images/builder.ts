import type { Repository } from '../core/image-reference.ts';
import type { BuildStep, ProgressNote } from './progress.ts';

/** What is built, from what, and where it goes. */
export interface BuildRequest {
  /** Absolute path. */
  readonly folder: string;
  /** Absolute path of the Dockerfile. */
  readonly file: string;
  readonly target: string | undefined;
  /** Empty for the builder's own platform. */
  readonly platforms: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  /**
   * Arguments whose names sound secret: the builder takes them from its environment, as everybody can read a command line.
   */
  readonly hiddenArgs: Readonly<Record<string, string>>;
  /** Secret id → file with the secret; no value is ever an argument of a program. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly ssh: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** `KEY=VALUE`, `index:KEY=VALUE` */
  readonly annotations: readonly string[];
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly noCache: boolean;
  readonly pull: boolean;
  /** BuildKit's attributes of the attestation, such as `mode=max`; `false` for no attestation. */
  readonly provenance: string;
  readonly sbom: string;
  /** Creation time of the image, in milliseconds since 1970. */
  readonly createdAt: number | undefined;
  readonly destination: Destination;
}

type Destination =
  /** Pushed without a tag where the builder can do that; else under the tag `staging`, which nobody deploys. */
  | { readonly kind: 'push'; readonly repositories: readonly Repository[]; readonly staging: string }
  | { readonly kind: 'load'; readonly references: readonly string[] }
  | { readonly kind: 'nowhere' };

interface Built {
  /** The digest of the pushed image. */
  readonly digest: string | undefined;
  readonly steps: readonly BuildStep[];
}

export interface Builder {
  /** For the log: `docker buildx with builder sluice-1`. */
  readonly name: string;
  /** @throws SluiceError that names the failed step, with its last lines */
  build(request: BuildRequest, policy: BuildPolicy): Promise<Built>;
}

export interface BuildPolicy {
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly deadline: number;
  /** Takes the progress of the build as it happens. */
  readonly onProgress: (note: ProgressNote) => void;
  /** A folder that belongs to this run alone. */
  readonly scratch: string;
  readonly plainHttp: readonly string[];
  /** Added to the environment of every program; says where docker's configuration is. */
  readonly env: Readonly<Record<string, string>>;
}

/** Repeats an option for each value. */
export function each(option: string, values: readonly string[]): string[] {
  return values.flatMap((value) => [option, value]);
}

export function pairs(entries: Readonly<Record<string, string>>): string[] {
  return Object.entries(entries).map(([name, value]) => `${name}=${value}`);
}

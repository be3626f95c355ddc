import type { Repository } from '../core/image-reference.ts';
import type { BuildStep, ProgressNote } from './progress.ts';

/** What is built, from what and whereto. */
export interface BuildRequest {
  /** Absolute. */
  readonly folder: string;
  /** Absolute path of the Dockerfile. */
  readonly file: string;
  readonly target: string | undefined;
  /** Empty: the builder's own. */
  readonly platforms: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Those that sound secret: the builder takes them from its environment, as everybody can read its arguments. */
  readonly hiddenArgs: Readonly<Record<string, string>>;
  /** Files with the secrets by their ids; no value is ever an argument of a program. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly ssh: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** `KEY=VALUE`, `index:KEY=VALUE` */
  readonly annotations: readonly string[];
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly noCache: boolean;
  readonly pull: boolean;
  /** BuildKit's attributes of the attestation: `mode=max`; `false` for none. */
  readonly provenance: string;
  readonly sbom: string;
  /** Milliseconds since 1970 that the image says it was made at. */
  readonly createdAt: number | undefined;
  readonly destination: Destination;
}

type Destination =
  /** Pushed without a tag where the builder can do that; else under `staging`, a tag that nobody deploys. */
  | { readonly kind: 'push'; readonly repositories: readonly Repository[]; readonly staging: string }
  | { readonly kind: 'load'; readonly references: readonly string[] }
  | { readonly kind: 'nowhere' };

interface Built {
  /** Of what was pushed. */
  readonly digest: string | undefined;
  readonly steps: readonly BuildStep[];
}

export interface Builder {
  /** For the log: `docker buildx with builder sluice-1`. */
  readonly name: string;
  /** @throws SluiceError that names the step that failed, with its last lines */
  build(request: BuildRequest, policy: BuildPolicy): Promise<Built>;
}

export interface BuildPolicy {
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly deadline: number;
  /** Takes what the build tells as it comes. */
  readonly onProgress: (note: ProgressNote) => void;
  /** A folder of the run's own. */
  readonly scratch: string;
  readonly plainHttp: readonly string[];
  /** Added to the environment of every program: where docker's configuration lies. */
  readonly env: Readonly<Record<string, string>>;
}

/** Arguments of an option that is given once for each value. */
export function each(option: string, values: readonly string[]): string[] {
  return values.flatMap((value) => [option, value]);
}

/** `NAME=VALUE` of each entry. */
export function pairs(entries: Readonly<Record<string, string>>): string[] {
  return Object.entries(entries).map(([name, value]) => `${name}=${value}`);
}

import type { Repository } from '../../core/image-reference.ts';
import type { Outcome } from '../../images/build-push.ts';

/** Every output of `actions/build-push` with its description; `action.yml` and the documentation follow this list. */
export const buildPushOutputs = {
  image: 'The image by its digest: `ghcr.io/acme/checkout@sha256:…`. Empty where nothing was pushed.',
  digest: 'Its digest: `sha256:…`.',
  tags: 'Its tags with their repositories, a line each.',
  platforms: 'The platforms of the image, separated by commas.',
  version: 'What the image calls its version: `1.2.3`, else its first tag.',
  skipped: '`true` where this content was in the registry, so that nothing was built.',
  'content-key': 'The tag that names the content. Empty where it can’t be known before the build.',
  provenance: '`true` where each platform has a provenance attestation.',
  sbom: '`true` where each platform has an SBOM.',
  signed: '`true` where the digest was signed in this run.',
  size: 'Bytes that the largest platform’s layers take when they are pulled.',
  report: 'Path of the JSON report.',
} as const;

export type BuildPushOutput = keyof typeof buildPushOutputs;

/** The result of a build. */
export interface BuildResult {
  readonly outcome: Outcome;
  readonly repositories: readonly Repository[];
  readonly version: string | undefined;
  /** The command that verifies the signature; absent where the image is not signed. */
  readonly verifySignature?: string;
}

/** The tags, each with its repository. */
export function references({ outcome, repositories }: BuildResult): string[] {
  return repositories.flatMap(({ name }) => outcome.tags.map((tag) => `${name}:${tag}`));
}

/** The outputs; empty where there is no value. */
export function buildPushOutputsOf(result: BuildResult, report: string): Record<BuildPushOutput, string> {
  const { outcome, repositories, version } = result;
  const [first] = repositories;
  return {
    image: first && outcome.digest !== undefined ? `${first.name}@${outcome.digest}` : '',
    digest: outcome.digest ?? '',
    tags: outcome.digest === undefined ? '' : references(result).join('\n'),
    platforms: outcome.platforms.join(','),
    version: version ?? '',
    skipped: `${outcome.skipped}`,
    'content-key': outcome.contentKey ?? '',
    provenance: `${outcome.provenance}`,
    sbom: `${outcome.sbom}`,
    signed: `${outcome.signed}`,
    size: outcome.size === undefined ? '' : `${outcome.size}`,
    report,
  };
}

import type { ContentFacts } from './content-key.ts';
import type { Inspected } from './registry/manifests.ts';

export function hasProvenance(predicates: readonly string[]): boolean {
  return predicates.some((type) => type.startsWith('https://slsa.dev/provenance/'));
}

export function hasSbom(predicates: readonly string[]): boolean {
  return predicates.some((type) => type.startsWith('https://spdx.dev/') || type.startsWith('https://cyclonedx.org/'));
}

/** The requested parts that an image lacks. */
export function missingFrom(
  { predicates, platforms }: Inspected,
  asked: Pick<ContentFacts, 'provenance' | 'sbom' | 'platforms'>,
): string[] {
  return [
    ...(asked.provenance !== 'false' && !hasProvenance(predicates) ? ['provenance'] : []),
    ...(asked.sbom !== 'false' && !hasSbom(predicates) ? ['SBOM'] : []),
    ...asked.platforms.filter((platform) => platform.includes('/') && !hasPlatform(platforms, platform)),
  ];
}

/** `linux/arm64` also stands for `linux/arm64/v8`, and the other way round. */
function hasPlatform(platforms: readonly string[], wanted: string): boolean {
  return platforms.some((one) => one === wanted || one.startsWith(`${wanted}/`) || wanted.startsWith(`${one}/`));
}

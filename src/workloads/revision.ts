import { createHash } from 'node:crypto';
import { digestOf, isReady, type Pod, runningImages } from '../cluster/pods.ts';
import { describe } from '../cluster/resources.ts';
import { deadline } from '../core/deadline.ts';
import { SluiceError } from '../core/errors.ts';
import { stringifyJson } from '../core/json.ts';
import type { ArmSight, ArmTarget } from './arm-view.ts';
import type { ArmsContext } from './arms-context.ts';
import { imagesOf, isRolledOut, type PodTemplate, referenceTo, type Workload } from './workload.ts';

/** `template-3f2a…`: identifies a pod template, independent of the order of its fields. */
export function templateRevision(template: PodTemplate): string {
  return `template-${createHash('sha256')
    .update(stringifyJson(ordered(template)))
    .digest('hex')
    .slice(0, 16)}`;
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, ordered(item)]));
}

/** What pods must show to prove that they run a release. */
export interface ExpectedRevision {
  /** Containers that the release changes, with their images. */
  readonly images: ReadonlyMap<string, string>;
  /** For an image without a digest: what the canary's pods were seen to run. */
  readonly seen: ReadonlyMap<string, ReadonlySet<string>>;
  /** An annotation that the pods must have, for a release of config alone. */
  readonly annotation?: readonly [name: string, value: string] | undefined;
}

/** What pods run in the expected containers, with a message if it is not what was expected. */
function checkRevision(
  pods: readonly Pod[],
  { images, seen, annotation }: ExpectedRevision,
): { readonly digest: string } | { readonly mismatch: string } {
  const alive = pods.filter((pod) => isReady(pod));
  let digest = '';
  for (const [container, image] of images) {
    const running = runningImages(alive, container);
    const wanted = digestOf(image);
    const shown = [...running].join(', ');
    const known = seen.get(container);
    // A runtime may report the digest of the platform's image; then the reference by which the pods pulled it is proof enough.
    const pulledByDigest = wanted !== undefined && alive.every((pod) => digestOf(imageOf(pod, container)) === wanted);
    if (wanted !== undefined && !pulledByDigest && !(running.size === 1 && running.has(wanted))) {
      return { mismatch: `container ${container} runs ${shown || 'nothing'} instead of ${wanted}` };
    }
    if (wanted === undefined && running.size > 1)
      return { mismatch: `container ${container} runs several images: ${shown}` };
    if (wanted === undefined && known && known.size > 0 && [...running].some((id) => !known.has(id))) {
      return {
        mismatch: `container ${container} runs ${shown}, the canary ran ${[...known].join(', ')}: the tag was moved`,
      };
    }
    if (digest === '') digest = wanted ?? shown;
  }
  const without = annotation && alive.find(({ metadata }) => metadata.annotations?.[annotation[0]] !== annotation[1]);
  if (without) return { mismatch: `pod ${without.metadata.name} was made from an older template` };
  return { digest };
}

function imageOf(pod: Pod, container: string): string {
  return [...pod.spec.initContainers, ...pod.spec.containers].find(({ name }) => name === container)?.image ?? '';
}

/** The images of containers as the template has them. */
export function templateImages(template: PodTemplate, containers: readonly string[]): Map<string, string> {
  const images = imagesOf(template);
  return new Map(
    containers.flatMap((name) => (images.get(name) === undefined ? [] : [[name, images.get(name) ?? '']])),
  );
}

/** Milliseconds for pods that were available before to be available again when they are verified. */
const VERIFY_PATIENCE = 60_000;

/**
 * Waits briefly until all pods of an arm are available and run a revision.
 *
 * @throws SluiceError `not-ready` with what they run instead
 */
export async function verifyRevision(
  context: ArmsContext,
  target: ArmTarget,
  expected: (found: Workload) => ExpectedRevision | undefined,
  signal: AbortSignal,
): Promise<{ readonly digest: string; readonly evidence: string }> {
  const about = describe(referenceTo(target, context.namespace));
  let shown = 'its pods are not available';
  const unverified = () =>
    new SluiceError('not-ready', {
      about,
      problem: `was not seen to serve the new version: ${shown}.`,
      next: 'Look at its pods; name the image by digest (name@sha256:…) so that it can be known for sure.',
    });
  using limit = deadline(context.clock, VERIFY_PATIENCE, unverified, signal);
  return await context.view(target).until((sight) => {
    const result = check(sight);
    if ('mismatch' in result) shown = result.mismatch;
    return 'mismatch' in result ? undefined : result;
  }, limit.signal);

  function check({ workload, pods, health }: ArmSight) {
    if (!workload) return { mismatch: 'it does not exist' };
    const wanted = expected(workload);
    if (!wanted) return { mismatch: 'its pod template was changed by somebody else' };
    const available = `${health.ready} of ${health.desired} pods are ready`;
    if (!isRolledOut(workload) || health.ready < health.desired || health.ready === 0) return { mismatch: available };
    const result = checkRevision(pods, wanted);
    return 'mismatch' in result ? result : { ...result, evidence: `${available} and run ${result.digest}` };
  }
}

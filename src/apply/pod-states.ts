/**
 * Milliseconds for which a container may be unable to start where the kubelet tries again, often with success: a registry
 * or runtime that is busy, a Secret that comes late.
 */
export const START_PATIENCE = 30_000;

/**
 * Waiting reasons of the kubelet that are about the image, and the milliseconds for which it may help to wait: a registry may
 * not have it everywhere yet.
 */
export const imageReasons: ReadonlyMap<string, number> = new Map([
  ['ErrImagePull', START_PATIENCE],
  ['ImagePullBackOff', START_PATIENCE],
  ['RegistryUnavailable', START_PATIENCE],
  ['SignatureValidationFailed', 0],
  ['InvalidImageName', 0],
  ['ErrImageNeverPull', 0],
]);

/** Waiting reasons of the kubelet that are about what else a container needs for its start: it may help to wait. */
export const startReasons: ReadonlySet<string> = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]);

/** What a registry says of an image that it will not give at the next attempt either. */
export const finalRefusal =
  /not found|manifest unknown|unauthorized|authorization failed|denied|no match for platform/i;

/** What a registry says of an image that it does not have: it may be pushed yet. */
export const notThere = /not found|manifest unknown|name unknown|repository does not exist/i;

/** The runtime says at each step which image it is about; the last step is what failed. */
const pullSteps =
  /(?:Failed to pull image|failed to pull and unpack image|failed to resolve (?:image|reference)) "[^"]*": |rpc error: code = \w+ desc = /gi;

/** Why an image could not be pulled, without the way there. */
export function pullFailure(message: string): string {
  return message.replaceAll(pullSteps, '');
}

/** Milliseconds that a pod may wait for a node: an autoscaler needs a few minutes to bring one. */
export const UNSCHEDULABLE_PATIENCE = 180_000;

/**
 * Milliseconds for which a pod may be ready no more beside others that are: it gets no requests then, and a node that stands
 * still for a moment is not its version's fault. Kubernetes looks every ten seconds by default.
 */
export const UNREADY_PATIENCE = 10_000;

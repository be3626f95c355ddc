/**
 * What keeps pods from coming up, and how long each cause may last: one table for all that deploys or judges a version. A
 * cause that may pass by itself gets its usual time, so that it fails no good release; a cause that can't pass ends the
 * wait at once.
 *
 * Two policies use the table. `starting` is for deploys, which wait until a workload is rolled out. `serving` is for a
 * canary, which gets requests: it also covers what happens to a pod that was ready.
 */

import { endsOf } from '../core/text.ts';

/** Milliseconds in which retries of the kubelet often succeed: a busy registry, a Secret or an image that comes late. */
export const START_PATIENCE = 30_000;

/** Milliseconds that a pod may wait for a node: an autoscaler needs a few minutes to bring one. */
export const UNSCHEDULABLE_PATIENCE = 180_000;

/** Milliseconds for which the API server may refuse to create pods: somebody may still free quota or change the rule. */
const CREATION_PATIENCE = 20_000;

/**
 * Milliseconds for which a pod may stop being ready while others are ready: it gets no requests then, and a short pause of
 * its node is not the fault of its version. Kubernetes probes every ten seconds by default.
 */
export const UNREADY_PATIENCE = 10_000;

/** Milliseconds that each may last; Infinity where only the deadline of the wait ends it. */
const startPatience = {
  /** The container ended again and again; a deploy counts it after `maxRestarts` restarts. */
  'crash-loop': 0,
  /** The image name is invalid, its signature is wrong, or the pod may not pull it at all. */
  'image-invalid': 0,
  /** The registry does not have the image: the push or a mirror may be late. `imageTimeout` may extend it. */
  'image-missing': START_PATIENCE,
  /** The registry refuses access to the image: the pull secret may come late. */
  'image-refused': START_PATIENCE,
  /** The registry does not answer, or no reason is known. `imageTimeout` may extend it. */
  'image-unavailable': START_PATIENCE,
  /** The container lacks something else: a Secret, a ConfigMap, an answer of the runtime. */
  unstartable: START_PATIENCE,
  unschedulable: UNSCHEDULABLE_PATIENCE,
  /** A quota is full. The time does not run while pods of the same workload are ending, as that makes room. */
  'no-room': CREATION_PATIENCE,
  /** The API server or an admission rule refuses the pod. */
  'pod-refused': CREATION_PATIENCE,
  /** The pod could not be created for another reason: the API server or a webhook does not answer. */
  uncreated: Number.POSITIVE_INFINITY,
};

/** Milliseconds that each may last for a pod that is watched while it serves. */
const servingPatience = {
  ...startPatience,
  'out-of-memory': 0,
  /** A container has ended with an error, or was started again, after the pod was ready. */
  restarted: 0,
  evicted: 0,
  /** Applies where other pods are ready; where none is, it counts at once. */
  unready: UNREADY_PATIENCE,
};

/** What keeps a pod from coming up. A missing volume or sandbox is not listed: each retry may bring it. */
export type StartState = keyof typeof startPatience;
export type ServingState = keyof typeof servingPatience;

export interface StartingPolicy {
  readonly patience: Readonly<Record<StartState, number>>;
  /** Restarts of a container before its crash loop counts. */
  readonly maxRestarts: number;
}

export interface ServingPolicy {
  readonly patience: Readonly<Record<ServingState, number>>;
}

export const starting: StartingPolicy = { patience: startPatience, maxRestarts: 3 };
export const serving: ServingPolicy = { patience: servingPatience };

/** The policy for a version whose image may be pushed up to `imageTimeout` milliseconds after its release began. */
export function withImageTimeout({ patience }: ServingPolicy, imageTimeout: number): ServingPolicy {
  return {
    patience: {
      ...patience,
      'image-missing': Math.max(patience['image-missing'], imageTimeout),
      // Between two attempts, an older kubelet does not say why the last one failed.
      'image-unavailable': Math.max(patience['image-unavailable'], imageTimeout),
    },
  };
}

/** Something that keeps pods from coming up and may pass by itself. */
export interface Problem {
  readonly state: StartState;
  /** As Kubernetes calls it: `ImagePullBackOff`, `Unschedulable`. */
  readonly reason: string;
  readonly message: string;
  /** Milliseconds that waiting is worthwhile; Infinity where only the deadline ends it. */
  readonly patience: number;
  /** Something that will end the problem is under way, so its time does not run. */
  readonly isPassing?: boolean;
}

/** Why a container waits, as the kubelet says. */
interface Waiting {
  readonly reason: string;
  readonly message: string;
}

/** https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go */
const invalidImage = new Set(['SignatureValidationFailed', 'InvalidImageName', 'ErrImageNeverPull']);
const unpulled = new Set(['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable']);

/** https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kuberuntime/kuberuntime_container.go */
const startFailures = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** What a registry says of an image that it does not have. */
const notThere = /not found|manifest unknown|name unknown|repository does not exist/i;

/** What a registry says of an image that it has but does not give out. */
const notGiven = /unauthorized|authorization failed|denied|no match for platform/i;

/** What keeps a container from starting; undefined where nothing does. */
export function startState({ reason, message }: Waiting): StartState | undefined {
  if (reason === 'CrashLoopBackOff') return 'crash-loop';
  if (startFailures.has(reason)) return 'unstartable';
  if (invalidImage.has(reason)) return 'image-invalid';
  if (!unpulled.has(reason)) return undefined;
  if (notThere.test(message)) return 'image-missing';
  return notGiven.test(message) ? 'image-refused' : 'image-unavailable';
}

/** Whether the image keeps a container from starting. */
export function isAboutImage(state: StartState): boolean {
  return state.startsWith('image-');
}

/** Classifies what a controller says of a pod that it can't create, in a condition or an event. */
export function creationState(message: string): 'no-room' | 'pod-refused' | 'uncreated' {
  if (/exceeded quota/.test(message)) return 'no-room';
  return /forbidden|is invalid|denied the request/.test(message) ? 'pod-refused' : 'uncreated';
}

/** The runtime names the image at each step; the last step is the one that failed. */
const pullSteps =
  /(?:Failed to pull image|failed to pull and unpack image|failed to resolve (?:image|reference)) "[^"]*": |rpc error: code = \w+ desc = /gi;

/** Why an image could not be pulled, without the steps before. */
export function pullFailure(message: string): string {
  return endsOf(message).replaceAll(pullSteps, '');
}

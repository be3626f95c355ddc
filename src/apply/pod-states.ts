/**
 * What keeps pods from coming up, and how long each may last: one rule for everything that deploys or judges a version. A state
 * that may pass by itself gets the time in which it usually does, so that no good release fails for it; what can't pass ends the
 * waiting at once.
 *
 * Two policies read the table. `starting` is that of deploys, which wait until a workload is rolled out. `serving` is that of a
 * canary, which gets requests: there it counts as well what happens to a pod that was ready.
 */

import { endsOf } from '../core/text.ts';

/** Milliseconds in which a kubelet that tries again often succeeds: a registry that is busy, a Secret or an image that comes late. */
export const START_PATIENCE = 30_000;

/** Milliseconds that a pod may wait for a node: an autoscaler needs a few minutes to bring one. */
export const UNSCHEDULABLE_PATIENCE = 180_000;

/** Milliseconds for which the API server may refuse to create pods: the room or the rule that they need may be on its way. */
const CREATION_PATIENCE = 20_000;

/**
 * Milliseconds for which a pod may be ready no more beside others that are: it gets no requests then, and a node that stands
 * still for a moment is not its version's fault. Kubernetes looks every ten seconds by default.
 */
export const UNREADY_PATIENCE = 10_000;

/** Milliseconds that each may last; Infinity where only the deadline of whoever waits ends it. */
const startPatience = {
  /** The container ended again and again; a deploy counts it after `maxRestarts` restarts. */
  'crash-loop': 0,
  /** The image has a name that can't be one or a wrong signature, or the pod may not pull it at all. */
  'image-invalid': 0,
  /** The registry does not have the image: it may be pushed yet, or be on its way to a mirror. `imageTimeout` may say more. */
  'image-missing': START_PATIENCE,
  /** The registry does not give the image: the pull secret may be on its way. */
  'image-refused': START_PATIENCE,
  /** The registry does not answer, or nobody says why the image does not come. `imageTimeout` may say more. */
  'image-unavailable': START_PATIENCE,
  /** Something else that the container needs is missing: a Secret, a ConfigMap, an answer of the runtime. */
  unstartable: START_PATIENCE,
  unschedulable: UNSCHEDULABLE_PATIENCE,
  /** A quota is full. The time runs only while no pod of the same workload is ending, as that makes room. */
  'no-room': CREATION_PATIENCE,
  /** The API server or an admission rule refuses the pod. */
  'pod-refused': CREATION_PATIENCE,
  /** The pod could not be created for another reason: the API server or a webhook does not answer. */
  uncreated: Number.POSITIVE_INFINITY,
};

/** Milliseconds that each may last at a pod that is watched while it serves. */
const servingPatience = {
  ...startPatience,
  'out-of-memory': 0,
  /** A container has ended with an error, or was started again, after the pod was ready. */
  restarted: 0,
  evicted: 0,
  /** The time holds beside pods that are ready; where none is, it counts at once. */
  unready: UNREADY_PATIENCE,
};

/** What keeps a pod from coming up. A volume or a sandbox that does not come is none: each retry may bring it. */
export type StartState = keyof typeof startPatience;
export type ServingState = keyof typeof servingPatience;

export interface StartingPolicy {
  readonly patience: Readonly<Record<StartState, number>>;
  /** Restarts of a container until its crash loop counts. */
  readonly maxRestarts: number;
}

export interface ServingPolicy {
  readonly patience: Readonly<Record<ServingState, number>>;
}

export const starting: StartingPolicy = { patience: startPatience, maxRestarts: 3 };
export const serving: ServingPolicy = { patience: servingPatience };

/** The policy for a version whose image may be pushed only so many milliseconds after its release has begun. */
export function withImageTimeout({ patience }: ServingPolicy, imageTimeout: number): ServingPolicy {
  return {
    patience: {
      ...patience,
      'image-missing': Math.max(patience['image-missing'], imageTimeout),
      // Between two attempts an older kubelet does not say why the last one failed.
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
  /** Milliseconds for which it is worth to wait; Infinity where only the deadline ends it. */
  readonly patience: number;
  /** Something is going on that ends it: the time does not run meanwhile. */
  readonly isPassing?: boolean;
}

/** Why a container waits, in the words of the kubelet. */
interface Waiting {
  readonly reason: string;
  readonly message: string;
}

/** https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go */
const invalidImage = new Set(['SignatureValidationFailed', 'InvalidImageName', 'ErrImageNeverPull']);
const unpulled = new Set(['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable']);

/** https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kuberuntime/kuberuntime_container.go */
const startFailures = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** What a registry says of an image that it does not have: it may be pushed yet. */
const notThere = /not found|manifest unknown|name unknown|repository does not exist/i;

/** What a registry says of an image that it has and does not give. */
const notGiven = /unauthorized|authorization failed|denied|no match for platform/i;

/** What keeps a container from its start; undefined for one that nothing does. */
export function startState({ reason, message }: Waiting): StartState | undefined {
  if (reason === 'CrashLoopBackOff') return 'crash-loop';
  if (startFailures.has(reason)) return 'unstartable';
  if (invalidImage.has(reason)) return 'image-invalid';
  if (!unpulled.has(reason)) return undefined;
  if (notThere.test(message)) return 'image-missing';
  return notGiven.test(message) ? 'image-refused' : 'image-unavailable';
}

/** It is the image that keeps a container from its start. */
export function isAboutImage(state: StartState): boolean {
  return state.startsWith('image-');
}

/** What a controller says of a pod that it can't create, in a condition or in an event. */
export function creationState(message: string): 'no-room' | 'pod-refused' | 'uncreated' {
  if (/exceeded quota/.test(message)) return 'no-room';
  return /forbidden|is invalid|denied the request/.test(message) ? 'pod-refused' : 'uncreated';
}

/** The runtime says at each step which image it is about; the last step is what failed. */
const pullSteps =
  /(?:Failed to pull image|failed to pull and unpack image|failed to resolve (?:image|reference)) "[^"]*": |rpc error: code = \w+ desc = /gi;

/** Why an image could not be pulled, without the way there. */
export function pullFailure(message: string): string {
  return endsOf(message).replaceAll(pullSteps, '');
}

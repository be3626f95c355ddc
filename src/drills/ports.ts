/**
 * What a drill needs from the world. All times are milliseconds (instants: since the Unix epoch).
 */

import type { Json } from '../core/json.ts';
import type { Permission } from '../core/permission.ts';
import type { InjectedIntoRequests } from './measure/felt-by-requests.ts';

/** A pod that a fault hits. */
export interface HitPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** The node that it runs on; empty while it has none. */
  readonly node: string;
}

/** What a fault would hit, from what is in the cluster now. */
export interface Aim {
  /** Every pod that it hits, for the limits of the blast radius and the log; sorted by name. */
  readonly pods: readonly HitPod[];
  /** How many pods the fault was chosen from: those that its selector matches; 0 where nothing was chosen. */
  readonly candidates: number;
  /** How many of `pods` are none of those: they share the node of one. They count as hit, and not for the share; 0 without. */
  readonly beside?: number;
  /** Every object that is written or deleted, in words: `delete Pod shop/checkout-1`, `cordon Node n1`. */
  readonly writes: readonly string[];
  /** What the reader should know before, one sentence each: `2 pods of the node belong to other workloads`. */
  readonly warnings: readonly string[];
  /** All that injecting and removing need, to be kept in the cluster. It contains no secret. */
  readonly mark: Json;
}

/**
 * How a fault was felt. `felt` and `not-felt` are proven, by the faulted pods themselves, by those who inject, or by the data plane;
 * `unknown` is all else.
 */
export interface Effect {
  readonly felt: 'felt' | 'not-felt' | 'unknown';
  /** The proof, in a sentence without a full stop: `3 of 3 pods are gone`, `AllInjected is False: tc failed on pod b`. */
  readonly evidence: string;
}

/** What a fault is from the inputs. */
export interface FaultPlan {
  /** `pod-kill`, `istio-delay`, `network-partition`. */
  readonly kind: string;
  /** The fault in its short form: `pod-kill on app=checkout one`. */
  readonly text: string;
  /** How long it lasts; 0 for one that happens at once, such as a pod that is deleted. */
  readonly lasts: number;
  /** Who ends it if this run dies: the cluster, after its own duration; or the next run of Sluice (or its post step). */
  readonly endedBy: 'cluster' | 'sluice';
}

/** One fault of a drill. Adapters in `drills/faults` implement this, one file a kind. */
export interface Fault extends FaultPlan {
  /** Only requests with this header are faulted, so that no user is: own ones without it are its control arm. */
  readonly header?: { readonly name: string; readonly value: string };
  /** What is injected into requests, where own requests can show it by themselves. */
  readonly injects?: InjectedIntoRequests;
  readonly permissions: readonly Permission[];
  /**
   * What the fault would hit now. Only reads.
   *
   * @throws SluiceError where it can't work: no pod matches, a kind is not served, a budget forbids it
   */
  aim(signal: AbortSignal): Promise<Aim>;
  /** Injects the fault. Can be repeated with the same mark. Resolves once it is written, not once it is felt. */
  inject(mark: Json, signal: AbortSignal): Promise<void>;
  /** How the fault is felt now, as far as the cluster and its pods tell. Only reads. Asked again and again while it lasts. */
  effect(mark: Json, signal: AbortSignal): Promise<Effect>;
  /**
   * Removes the fault and all that it has left, and waits until the cluster confirms that. Can be repeated, also by another process
   * and after a fault that was injected only in part.
   *
   * @throws SluiceError that names what could not be removed, and how to do so by hand
   */
  remove(mark: Json, signal: AbortSignal): Promise<void>;
}

/**
 * One request, or several that are only known together. `from` and `to` are when it was sent and answered, or the window in which they
 * were counted.
 */
export interface Tally {
  readonly from: number;
  readonly to: number;
  readonly good: number;
  readonly bad: number;
  /** Milliseconds that the answer took; only of a single request that was answered. */
  readonly took?: number;
  /** Of a drill with a control arm: whether the request had the header that faults look for. */
  readonly arm?: 'faulted' | 'clean';
  /** Why it was bad, in a few words: `HTTP 503`, `no answer within 5s`. */
  readonly fault?: string;
}

/** The requests by which a drill measures what users feel. */
export interface Requests {
  /** What is asked or counted, and of whom: `20 requests a second to the service at k8s://shop/checkout:8080: GET /`. */
  readonly asked: string;
  /** Own requests are counted one by one; those of users in windows. */
  readonly kind: 'own' | 'counted';
  /** Some of the requests have the header of the fault, and the others are their control arm. */
  readonly hasControl?: boolean;
  readonly permissions: readonly Permission[];
  /**
   * The most milliseconds between what happened and its tally: the window of counts, or the time that an answer may take. Times of
   * recovery are as exact as that for counts, and exact to the request for own ones.
   */
  readonly resolution: number;
  /** Proves that the question means something; what the reader should know, one sentence each. */
  preflight(signal: AbortSignal): Promise<{ readonly evidence: string; readonly warnings: readonly string[] }>;
  /** Tells each tally as soon as it is known, until the signal aborts; then resolves. A failure to ask is told as a gap. */
  follow(tell: TellRequests, signal: AbortSignal): Promise<void>;
}

export interface TellRequests {
  tally(tally: Tally): void;
  /** Nothing is known of a time. */
  gap(from: number, to: number, reason: string): void;
}

/** How something beside the requests answers a fault: an autoscaler, a circuit breaker, an alert. */
export interface Responder {
  /** `autoscaler`, `outlier-ejection`, `alert`. */
  readonly kind: string;
  /** What is watched: `HorizontalPodAutoscaler shop/checkout`. */
  readonly about: string;
  readonly permissions: readonly Permission[];
  /** Tells what it sees, until the signal aborts; then resolves. */
  follow(tell: (moment: Moment) => void, signal: AbortSignal): Promise<void>;
}

/** Something that happened at a time. */
export interface Moment {
  readonly at: number;
  /** `autoscaler`, `outlier-ejection`, `alert`. */
  readonly kind: string;
  /** One of the kind's own words: `crossed`, `decided`, `ready`; `opened`, `closed`; `firing`, `resolved`; `missing`. */
  readonly state: string;
  /** What it happened to, by its own name, where there can be several: the alert's name. */
  readonly about?: string;
  /** A sentence without a full stop: `desired replicas 3 -> 5`. */
  readonly text: string;
}

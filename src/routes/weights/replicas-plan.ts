import type { Attainable } from '../../canary/ports.ts';

/** Pods of each arm. */
export interface Pods {
  readonly stable: number;
  readonly canary: number;
}

/**
 * The pod counts nearest to a weight, with the sum that was found. Between 0 and 100 % each arm has at least one pod, so one
 * pod found becomes two.
 *
 * @param total pods of both arms as found, at least 1
 * @param weight per cent
 */
export function planPods(total: number, weight: number): Pods {
  if (weight === 0) return { stable: total, canary: 0 };
  if (weight === 100) return { stable: 0, canary: total };
  const canary = Math.max(1, Math.min(Math.round((total * weight) / 100), total - 1));
  return { stable: Math.max(1, total - canary), canary };
}

/** The canary's weight in per cent for these pod counts, if each pod gets as many requests as any other. */
export function weightOfPods({ stable, canary }: Pods): number {
  return stable + canary === 0 ? 0 : (canary / (stable + canary)) * 100;
}

/** Per cent by which an attainable weight may differ from the requested one. */
const NEAR = 0.5;

/**
 * The weight, in whole per cent, that this many pods can give. Two pods give 50 % and no less: a user who requests 5 % has to
 * know that half of the requests are at stake.
 *
 * @param total pods of both arms as found, at least 1
 */
export function attainableBy(total: number, weight: number): Attainable {
  const given = weightOfPods(planPods(total, weight));
  if (Math.abs(given - weight) <= NEAR) return { weight };
  const whole = Math.max(1, Math.round(given));
  const there = total === 1 ? 'is 1' : `are ${total}`;
  return { weight: whole, why: `${weight} % needs ${podsFor(weight, total)} pods, and there ${there}: ${whole} %` };
}

/** The accepted relative error of a weight if far fewer pods attain it. */
const ROUGHLY = 0.02;

/**
 * The pods that give a weight exactly. Or nearly, if that needs only a quarter of them, and still more than exist: 3 for 33 %.
 */
function podsFor(weight: number, there: number): number {
  const isGivenBy = (total: number, tolerance: number) =>
    Math.abs(weightOfPods(planPods(total, weight)) - weight) <= tolerance * weight;
  const counts = Array.from({ length: 99 }, (_, index) => index + 2);
  const exactly = counts.find((total) => isGivenBy(total, 1e-9)) ?? 100;
  const roughly = counts.find((total) => isGivenBy(total, ROUGHLY)) ?? exactly;
  return roughly > there && roughly * 4 < exactly ? roughly : exactly;
}

/** `asked 30 %, 1 of 4 pods = 25.0 %` */
export function describeApproximation(pods: Pods, weight: number): string {
  return `asked ${weight} %, ${pods.canary} of ${pods.stable + pods.canary} pods = ${weightOfPods(pods).toFixed(1)} %`;
}

/**
 * The next pod counts on the way to `target`. Growing arms grow at once; shrinking ones shrink only as far as three quarters of
 * the pods stay ready, which is what a Deployment's rolling update keeps by default
 * (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable).
 *
 * @param asked the current replicas
 * @param ready how many of them are ready
 * @param total pods of both arms as found
 */
export function nextPods(asked: Pods, ready: Pods, target: Pods, total: number): Pods {
  const least = Math.ceil(total * 0.75);
  const next = (now: number, wanted: number, readyOfOther: number) =>
    now <= wanted ? wanted : Math.min(now, Math.max(wanted, least - readyOfOther));
  return {
    stable: next(asked.stable, target.stable, ready.canary),
    canary: next(asked.canary, target.canary, ready.stable),
  };
}

/** Pods of each arm. */
export interface Pods {
  readonly stable: number;
  readonly canary: number;
}

/**
 * The pod counts that come nearest to a weight, together as many as were found. Between 0 and 100 % each arm has at least
 * one pod, so one pod found becomes two.
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

/** The canary's weight in per cent that pod counts mean if each pod gets as many requests as any other. */
export function weightOfPods({ stable, canary }: Pods): number {
  return stable + canary === 0 ? 0 : (canary / (stable + canary)) * 100;
}

/** `asked 30 %, 1 of 4 pods = 25.0 %` */
export function describeApproximation(pods: Pods, weight: number): string {
  return `asked ${weight} %, ${pods.canary} of ${pods.stable + pods.canary} pods = ${weightOfPods(pods).toFixed(1)} %`;
}

/**
 * The pod counts to ask for now on the way to `target`: what has to grow grows at once; what has to shrink does so as far
 * as three quarters of the pods stay ready, which is what a Deployment's rolling update leaves by default
 * (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable).
 *
 * @param asked the counts asked for at present
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

import * as z from 'zod';
import { isReady } from '../../cluster/pods.ts';
import { readObject } from '../../cluster/read-object.ts';
import { resources } from '../../cluster/resources.ts';
import { kubernetesObject } from '../../cluster/schema.ts';
import { labelSelector, selects } from '../../cluster/selectors.ts';
import { SluiceError } from '../../core/errors.ts';
import type { FaultPod } from './choose-pods.ts';
import type { FaultWorld } from './world.ts';

const budget = z.looseObject({
  ...kubernetesObject.shape,
  spec: z.looseObject({
    selector: labelSelector.nullish(),
    unhealthyPodEvictionPolicy: z.string().default('IfHealthyBudget'),
  }),
  status: z
    .looseObject({
      observedGeneration: z.number().default(0),
      // Without it, nobody has counted yet.
      disruptionsAllowed: z.number().optional(),
      currentHealthy: z.number().default(0),
      desiredHealthy: z.number().default(0),
      expectedPods: z.number().default(0),
    })
    .prefault({}),
});
type Budget = z.infer<typeof budget>;

/** A PodDisruptionBudget with those of the pods to be disrupted that it counts. */
export interface Claim {
  /** `PodDisruptionBudget shop/checkout` */
  readonly about: string;
  readonly pods: readonly FaultPod[];
  /** Undefined while its controller has not observed it as it is now. */
  readonly allowed: number | undefined;
  readonly healthy: number;
  readonly desired: number;
  /** No pod may ever go, however many are healthy. */
  readonly forEver: boolean;
}

/** What disrupting these pods takes of the budgets of their namespaces. */
export async function claimBudgets(
  { client }: Pick<FaultWorld, 'client'>,
  namespace: string | undefined,
  pods: readonly FaultPod[],
  signal: AbortSignal,
): Promise<Claim[]> {
  const found = await client.list(resources.podDisruptionBudget, namespace, {}, signal);
  return found
    .map((object) => readObject(object, budget))
    .flatMap((each) => {
      const own = pods.filter((pod) => covers(each, pod) && !spares(each, pod));
      return own.length === 0 ? [] : [claimOf(each, own)];
    });
}

/**
 * Refuses what the budgets do not allow now.
 *
 * @throws SluiceError `unsupported`, one error for all budgets
 */
export function refuseOverBudget(claims: readonly Claim[]): void {
  const over = claims.flatMap(({ about, pods, allowed, healthy, desired }) => {
    if (allowed === undefined)
      return [{ about, problem: 'is not counted yet by its controller, so what it allows is not known' }];
    if (pods.length <= allowed) return [];
    return [
      {
        about,
        problem: `allows ${allowed} of its pods to go (${healthy} are healthy, ${desired} have to be), and the fault takes ${pods.length}`,
      },
    ];
  });
  const [first, ...others] = over;
  if (!first) return;
  const further = others.map(({ about, problem }) => ` ${about} ${problem}.`).join('');
  throw new SluiceError('unsupported', {
    about: first.about,
    problem: `${first.problem}.${further}`,
    next: 'Hit fewer pods, run more of them, or set the fault to ignore budgets.',
  });
}

function claimOf(each: Budget, pods: readonly FaultPod[]): Claim {
  const { metadata, status } = each;
  const isObserved = status.observedGeneration >= (metadata.generation ?? 0) && status.disruptionsAllowed !== undefined;
  return {
    about: `PodDisruptionBudget ${metadata.namespace ?? ''}/${metadata.name}`,
    pods,
    allowed: isObserved ? status.disruptionsAllowed : undefined,
    healthy: status.currentHealthy,
    desired: status.desiredHealthy,
    forEver: isObserved && status.desiredHealthy >= status.expectedPods,
  };
}

function covers({ metadata, spec }: Budget, { metadata: { namespace, labels = {} } }: FaultPod): boolean {
  // A budget without a selector covers no pod, and one with an empty selector all.
  return metadata.namespace === namespace && spec.selector != null && selects(spec.selector, labels);
}

/** Whether the API server evicts a pod without asking the budget: one that is not ready does not count in it. */
function spares({ spec, status }: Budget, pod: FaultPod): boolean {
  if (isReady(pod)) return false;
  if (pod.status.phase === 'Pending' || spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0;
}

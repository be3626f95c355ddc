import { isSluiceError } from '../core/errors.ts';
import type { Plan, Step } from '../judge/plan.ts';
import { printPlan } from '../judge/plan-syntax.ts';
import type { RolloutOptions } from './options.ts';
import type { Attainable, RouteSnapshot } from './ports.ts';
import { isUnfinished } from './unfinished.ts';
import type { World } from './world.ts';

/** A plan with weights that the router can give. */
export interface FittedPlan {
  readonly plan: Plan;
  /** The weights that can't be given, one part of a sentence each: `5 % needs 20 pods, and there are 2: 50 %`. */
  readonly why: readonly string[];
}

/**
 * The plan with weights that this many pods can give. Steps with the same weight become one step that lasts as long as all of
 * them together, so that nothing is observed for less time than planned.
 */
export function fitPlan({ steps }: Plan, attainable: (weight: number) => Attainable): FittedPlan {
  const fitted: Step[] = [];
  const why: string[] = [];
  for (const step of steps) {
    const { weight, why: reason } = attainable(step.weight);
    if (reason !== undefined) why.push(reason);
    const before = fitted.at(-1);
    // Rounding may separate two weights of the same pod counts by one per cent, in either direction.
    if (before && weight <= before.weight) fitted[fitted.length - 1] = joined(before, step);
    else fitted.push({ ...step, weight });
  }
  return { plan: { steps: fitted }, why };
}

function joined(before: Step, step: Step): Step {
  return {
    weight: before.weight,
    least: before.least + step.least,
    most: before.most + step.most,
    early: before.early || step.early,
    hold: before.hold || step.hold,
  };
}

/** The options with a plan that the router can give, and a warning about the changes; unchanged if it can give any weight. */
export async function fitOptions(
  world: World,
  options: RolloutOptions,
  signal: AbortSignal,
): Promise<{ readonly options: RolloutOptions; readonly warning?: string }> {
  const { router } = world;
  const { attainable } = router;
  const route = attainable && (await routeAsFound(world, signal));
  if (!attainable || !route) return { options };
  const { plan, why } = fitPlan(options.plan, (weight) => attainable(route, weight));
  if (why.length === 0) return { options };
  const warning = `Pods are the weights of ${router.object}: ${why.join('; ')}. The rollout takes the steps that they can give: steps: "${printPlan(plan)}"`;
  return { options: { ...options, plan }, warning };
}

/** The route before the rollout, also before one that is running; undefined if the route is refused, which is reported later. */
async function routeAsFound({ router, ledger }: World, signal: AbortSignal): Promise<RouteSnapshot | undefined> {
  const left = await ledger.load(signal);
  try {
    if (!isUnfinished(left) || left.route.router !== router.kind) return await router.inspect(signal);
    await router.verifyRecorded(left.route, signal);
    return left.route;
  } catch (error) {
    if (isSluiceError(error)) return undefined;
    throw error;
  }
}

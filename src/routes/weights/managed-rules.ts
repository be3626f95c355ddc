import { describe } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';
import { largestFactor } from '../objects/weights.ts';
import { type Destinations, describeRule, describeWeights, type Rule, weightsOf } from './rules.ts';
import type { WeightedRoute } from './weighted-route.ts';

/** The rules to shift. Refuses rules that cannot be split between the arms. */
export function managedRules(
  route: WeightedRoute,
  object: KubernetesObject,
  wanted: readonly string[] | undefined,
): Rule[] {
  const about = describe(route.reference);
  const kind = route.destinations;
  const rules = route.rules(object);
  const existing = rules
    .map((rule) => `${describeRule(rule)} (${describeWeights(kind, rule.destinations)})`)
    .join('; ');
  const listed = existing === '' ? 'it has no rule with destinations' : `its rules are: ${existing}`;

  const managed =
    wanted === undefined
      ? rules.filter((rule) => isManaged(kind, rule, undefined))
      : wanted.flatMap((selector) => {
          const selected = rules.filter((rule) => rule.name === selector || rule.place === selector);
          if (selected.length > 0) return selected;
          throw new SluiceError('not-found', {
            about: `rule "${selector}" of ${about}`,
            problem: 'is not a rule with destinations.',
            next: `Name rules by their name or place; ${listed}.`,
          });
        });
  if (managed.length === 0) {
    const { problem, next } = route.explainNoStable?.(object) ?? {
      problem: `has no rule that sends requests to the stable arm (${kind.stable}).`,
      next: `Name the stable arm as the route does; ${listed}.`,
    };
    throw new SluiceError('not-found', { about, problem, next });
  }
  for (const rule of managed) refuseUnsplittable(route, rule);
  return managed;
}

/** Whether the inputs select a rule: by name or place, or, if they name no rules, because it has the stable arm. */
export function isManaged(kind: Destinations, rule: Rule, wanted: readonly string[] | undefined): boolean {
  if (wanted === undefined) return weightsOf(kind, rule).stable !== undefined;
  return wanted.some((selector) => rule.name === selector || rule.place === selector);
}

function refuseUnsplittable(route: WeightedRoute, rule: Rule): void {
  const kind = route.destinations;
  const about = `${describeRule(rule)} of ${describe(route.reference)}`;
  const refuse = (problem: string, next: string) => new SluiceError('unsupported', { about, problem, next });
  const weights = describeWeights(kind, rule.destinations);
  for (const arm of ['stable', 'canary'] as const) {
    if (rule.destinations.filter((entry) => kind.armOf(entry) === arm).length > 1)
      throw refuse(`names the ${arm} arm more than once (${weights}).`, 'Say which one is meant, by subset or port.');
  }
  const { stable, canary = 0, others } = weightsOf(kind, rule);
  if (stable === undefined)
    throw refuse(`does not name the stable arm (${weights}).`, 'Leave it out of the rules to shift.');
  if (stable + canary === 0)
    throw refuse(`sends no request to either arm (${weights}).`, 'Name the rules to shift, without this one.');
  const largest = Math.max(...rule.destinations.map((entry) => kind.weightOf(entry, rule.destinations.length)));
  if (others > 0 && largest * largestFactor(stable + canary) > route.largestWeight)
    throw refuse(
      `has weights too large to be divided exactly beside other destinations (${weights}).`,
      'Divide all of its weights by the same number.',
    );
}

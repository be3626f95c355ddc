import * as z from 'zod';
import type { KubernetesClient } from '../../cluster/client.ts';
import { describe } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { type RecordPlace, recordRefusal } from '../../ledger/record-refusal.ts';
import { isManaged } from './managed-rules.ts';
import {
  byKey,
  type Destination,
  describeRule,
  locateRules,
  type Rule,
  rule,
  weightFound,
  weightsOf,
} from './rules.ts';
import { createRouteSnapshots } from './snapshots.ts';
import type { RouteOptions, WeightedRoute } from './weighted-route.ts';

/** A route as found: its rules, and its status. */
interface FoundRoute {
  readonly rules: readonly Rule[];
  readonly status: readonly string[];
}

export const foundRoute: z.ZodType<FoundRoute> = z.object({ rules: z.array(rule), status: z.array(z.string()) });

/** The snapshots of a route that keeps weights in lists. */
export function createRuleSnapshots(
  route: WeightedRoute,
  { rules: wanted }: Pick<RouteOptions, 'rules'>,
  client: Pick<KubernetesClient, 'find'>,
) {
  const { reference, kind: router } = route;
  const place = { namespace: reference.namespace, rollout: reference.name };
  return createRouteSnapshots({
    place,
    router,
    object: describe(reference),
    shape: foundRoute,
    async confirm(found, signal) {
      const object = await client.find(reference, signal);
      // Nothing is written to a deleted route, so there is nothing to confirm.
      if (object === undefined) return found;
      return { ...found, rules: confirmRules({ route, place, wanted }, found.rules, object) };
    },
  });
}

/** What a record is compared with. */
interface Confirming {
  readonly route: WeightedRoute;
  readonly place: RecordPlace;
  /** Names or places of the rules in the inputs; without it, every rule with the stable arm. */
  readonly wanted: readonly string[] | undefined;
}

/**
 * Confirms the rules of a record against the route. Only the weights of the destinations come from the record, and only weights
 * that a rollout can have found; everything else that is written comes from the route and the inputs. Each write checks, as for
 * any other route, that the weights match those on the route.
 *
 * @param object the current route
 * @throws SluiceError `unsupported` with the rule that does not match
 */
function confirmRules(
  { route, place, wanted }: Confirming,
  recorded: readonly Rule[],
  object: KubernetesObject,
): Rule[] {
  const kind = route.destinations;
  const current = route.rules(object);
  const located = locateRules(kind, recorded, current);
  for (const each of recorded) refuseWeights(route, place, each);
  for (const [index, found] of located.entries()) {
    const said = recorded[index];
    if (said === undefined || found === undefined || isManaged(kind, found, wanted)) continue;
    throw recordRefusal(place, `names ${describeRule(said)}, which the inputs do not name as a rule to shift.`);
  }
  const unsaid = current.find(
    (each) => isManaged(kind, each, wanted) && (weightsOf(kind, each).canary ?? 0) > 0 && !located.includes(each),
  );
  if (recorded.length === 0 || unsaid !== undefined) {
    const what = unsaid === undefined ? 'any rule' : `${describeRule(unsaid)}, which sends requests to the canary`;
    throw recordRefusal(place, `says nothing of ${what}.`);
  }
  return recorded.map((each, index) => withPlacesOf(route, each, located[index]));
}

function refuseWeights({ destinations: kind, largestWeight }: WeightedRoute, place: RecordPlace, recorded: Rule): void {
  const isWeight = ({ weight }: Destination) =>
    weight === undefined ||
    (typeof weight === 'number' && Number.isInteger(weight) && weight >= 0 && weight <= largestWeight);
  const odd = recorded.destinations.find((entry) => !isWeight(entry));
  if (odd !== undefined)
    throw recordRefusal(
      place,
      `gives a destination of ${describeRule(recorded)} a weight that is no whole number from 0 to ${largestWeight}.`,
    );
  const { stable = 0 } = weightsOf(kind, recorded);
  if (stable > 0 && weightFound(kind, recorded) === 0) return;
  throw recordRefusal(
    place,
    `says that ${describeRule(recorded)} did not send all of the arms' requests to the stable arm before the rollout, which begins so only.`,
  );
}

/** The recorded weights on the route's own destinations. A destination that was removed is not written, except the canary's. */
function withPlacesOf({ destinations: kind }: WeightedRoute, recorded: Rule, found: Rule | undefined): Rule {
  if (found === undefined) return recorded;
  const present = byKey(kind, found.destinations);
  const stable = present.get('stable');
  const destinations = [...byKey(kind, recorded.destinations)].map(([key, entry]) => {
    const like = present.get(key) ?? (key === 'canary' && stable ? kind.canaryLike(stable) : entry);
    const { weight: _, ...place } = like;
    return { ...place, ...(entry.weight !== undefined && { weight: entry.weight }) };
  });
  return { ...recorded, destinations };
}

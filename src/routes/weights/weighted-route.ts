import type { Confirmation, Router, RouteSnapshot, Surroundings } from '../../canary/ports.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import { retryOnConflict } from '../../cluster/conflicts.ts';
import { type GitOpsSetting, refuseGitOps, type WrittenFields } from '../../cluster/gitops.ts';
import { relinquishFields } from '../../cluster/managed-fields.ts';
import { describe, type ObjectReference } from '../../cluster/resources.ts';
import type { KubernetesObject, PatchOperation } from '../../cluster/schema.ts';
import type { Clock } from '../../core/clock.ts';
import type { SluiceError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import type { Permission } from '../../core/permission.ts';
import { getNamed } from '../objects/lookup.ts';
import { createReadable, type Readable } from '../objects/readable.ts';
import { notLookedAt } from '../survey/senders.ts';
import { confirmWith } from './confirm.ts';
import { changedByOthers, deletedByOthers } from './conflicts.ts';
import { managedRules } from './managed-rules.ts';
import { createRuleSnapshots, foundRoute } from './recorded-rules.ts';
import {
  type Destination,
  type Destinations,
  describeRule,
  describeWeights,
  locateRules,
  planWeights,
  type Rule,
  shows,
  transition,
  weightFound,
  weightShown,
  weightsOf,
} from './rules.ts';
import { createShareMemory, type Look, type ObserveShare } from './share.ts';

/** What all routers need beside their options. */
export interface RouterDependencies {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  /** The arms' requests, if they can be counted: `confirm` then compares the canary's share with its weight. */
  readonly observeShare?: ObserveShare;
}

/** The user's settings of a route, for routers that keep weights in the lists of one object. */
export interface RouteOptions {
  readonly namespace: string;
  readonly name: string;
  /** Names or places (`http[0]`) of the rules to shift; without it, every rule with the stable arm. */
  readonly rules?: readonly string[];
  readonly gitops?: GitOpsSetting;
  /** The rollout itself creates what the canary's destination refers to, so that need not exist beforehand. */
  readonly canaryIsCreated?: boolean;
}

/** How one kind of object holds its weights. */
export interface WeightedRoute {
  readonly kind: string;
  readonly reference: ObjectReference;
  readonly destinations: Destinations;
  /** The largest weight that the API accepts. */
  readonly largestWeight: number;
  readonly permissions: readonly Permission[];
  /** Every rule that has destinations. */
  rules(object: KubernetesObject): Rule[];
  /** The fields of the weights; with `withCanary` the canary's entry is added to the lists. */
  writtenFields(rules: readonly Rule[], withCanary: boolean): WrittenFields;
  /** Refuses what this kind of route can't shift. Only reads. */
  check(object: KubernetesObject, managed: readonly Rule[], signal: AbortSignal): Promise<void>;
  /** Reads what is beside the route; see `Router.survey`. */
  survey(object: KubernetesObject, readable: Readable, signal: AbortSignal): Promise<Surroundings>;
  /** Why no rule has the stable arm, if the object's shape explains it. */
  explainNoStable?(object: KubernetesObject): { readonly problem: string; readonly next: string } | undefined;
  /** What of the object's status counts as found: the reporters on the data plane, and old complaints. */
  statusAsFound(object: KubernetesObject): string[];
  /** Whether all reporters that were found report that the data plane has the object's current generation. */
  report(object: KubernetesObject, asFound: readonly string[]): Look;
}

interface RouteChange {
  targetOf(found: Rule): readonly Destination[];
  /** Weights that the route may have, in per cent. */
  readonly expected: readonly number[];
  /** Writes what can be written before it refuses the rest. */
  readonly partially: boolean;
}

/** The Router for objects that hold weights in lists of destinations. */
export function createWeightedRouter(
  route: WeightedRoute,
  options: RouteOptions,
  dependencies: RouterDependencies,
): Router {
  const { client } = dependencies;
  const { reference, destinations: kind } = route;
  const about = describe(reference);
  const shares = createShareMemory();
  const snapshots = createRuleSnapshots(route, options, client);

  async function inspect(signal: AbortSignal): Promise<RouteSnapshot> {
    const object = await getNamed(client, reference, signal);
    const rules = managedRules(route, object, options.rules);
    await route.check(object, rules, signal);
    if (options.gitops !== 'ignore-rule-present') {
      const withCanary = rules.some((found) => weightsOf(kind, found).canary === undefined);
      refuseGitOps(object, reference, route.writtenFields(rules, withCanary));
    }
    return snapshots.own({
      router: route.kind,
      object: about,
      weight: Math.max(...rules.map((found) => weightFound(kind, found))),
      data: { rules, status: route.statusAsFound(object) },
    });
  }

  /** Takes every rule to its target, from any state that is the target's or one of the expected weights'. */
  async function write(
    snapshot: RouteSnapshot,
    { targetOf, expected, partially }: RouteChange,
    signal: AbortSignal,
  ): Promise<void> {
    const { rules } = await snapshots.read(snapshot, signal);
    await retryOnConflict(async () => {
      const object = await client.find(reference, signal);
      if (object === undefined) throw deletedByOthers(about, expected);
      const operations: PatchOperation[] = [];
      const foreign: LocatedRule[] = [];
      for (const { found, current } of locate(route, rules, object)) {
        const target = targetOf(found);
        const states = [target, ...targetsAt(kind, found, expected, snapshot.weight)];
        const believed = states.find((state) => current !== undefined && shows(kind, found, current, state));
        if (current === undefined || believed === undefined) foreign.push({ found, current });
        else operations.push(...transition(kind, current, believed, target));
      }
      const refusal = foreign.length === 0 ? undefined : foreignEdit(route, object, foreign, expected);
      if (refusal !== undefined && !partially) throw refusal;
      if (operations.length > 0) await client.patchJson(reference, operations, signal);
      if (refusal !== undefined) throw refusal;
    });
  }

  async function weight(snapshot: RouteSnapshot, signal: AbortSignal): Promise<number | undefined> {
    const { rules } = await snapshots.read(snapshot, signal);
    const object = await client.find(reference, signal);
    if (object === undefined) return undefined;
    const located = locate(route, rules, object);
    const asFound = located.every(
      ({ found, current }) => current !== undefined && shows(kind, found, current, found.destinations),
    );
    if (asFound) return snapshot.weight;
    const weights = new Set(located.map(({ found, current }) => current && weightShown(kind, found, current)));
    return weights.size === 1 ? [...weights][0] : undefined;
  }

  return {
    kind: route.kind,
    object: about,
    permissions: route.permissions,
    inspect,
    weight,
    verifyRecorded: snapshots.verify,

    async survey(_, signal) {
      const object = await getNamed(client, reference, signal);
      const readable = createReadable(client, signal);
      const { warnings, notes } = await route.survey(object, readable, signal);
      return { warnings, notes: [...notes, ...notLookedAt(readable)] };
    },

    preview(snapshot, weight) {
      const { rules } = foundRoute.parse(snapshot.data);
      const byRule = (entriesOf: (found: Rule) => readonly Destination[]): Json =>
        Object.fromEntries(rules.map((found) => [describeRule(found), entriesOf(found)]));
      const before = byRule((found) => found.destinations);
      const after = byRule((found) => planWeights(kind, found, weight));
      return [{ object: about, action: 'update', before, after }];
    },

    shift: (snapshot, from, to, signal) =>
      write(
        snapshot,
        { targetOf: (found) => planWeights(kind, found, to), expected: [from, to], partially: false },
        signal,
      ),

    restore: (snapshot, expected, signal) =>
      // If somebody changed one rule, the other rules must still stop sending requests to a canary that is being undone.
      write(snapshot, { targetOf: (found) => found.destinations, expected, partially: true }, signal),

    relinquish: (_, signal) => relinquishFields(client, reference, signal),

    async confirm(snapshot, weight, signal): Promise<Confirmation> {
      const { rules, status } = await snapshots.read(snapshot, signal);
      return confirmWith({ about, weight, shares, ...dependencies }, signal, async () => {
        const object = await client.find(reference, signal);
        if (object === undefined) throw deletedByOthers(about, [weight]);
        const foreign = locate(route, rules, object).filter(
          ({ found, current }) =>
            current === undefined ||
            !targetsAt(kind, found, [weight], snapshot.weight).some((state) => shows(kind, found, current, state)),
        );
        if (foreign.length > 0) throw foreignEdit(route, object, foreign, [weight]);
        return route.report(object, status);
      });
    },
  };
}

/** Each rule as found, with its current form. */
function locate(route: WeightedRoute, rules: readonly Rule[], object: KubernetesObject): LocatedRule[] {
  const current = locateRules(route.destinations, rules, route.rules(object));
  return rules.map((found, index) => ({ found, current: current[index] }));
}

/**
 * What a rule may have if the canary's weight is one of `weights`: the plan; also the rule as found, if that was its weight.
 *
 * @param weightAsFound the canary's weight before the rollout
 */
function targetsAt(
  kind: Destinations,
  found: Rule,
  weights: readonly number[],
  weightAsFound: number,
): (readonly Destination[])[] {
  return weights.flatMap((weight) => {
    const planned = planWeights(kind, found, weight);
    return weight === weightAsFound ? [planned, found.destinations] : [planned];
  });
}

/** A rule as found, with its current form; `current` is undefined if it was removed. */
interface LocatedRule {
  readonly found: Rule;
  readonly current: Rule | undefined;
}

function foreignEdit(
  route: WeightedRoute,
  object: KubernetesObject,
  rules: readonly LocatedRule[],
  expected: readonly number[],
): SluiceError {
  const shown = rules.map(({ found, current }) =>
    current === undefined
      ? `${describeRule(found)} is gone`
      : `${describeRule(current)} shows ${describeWeights(route.destinations, current.destinations)}`,
  );
  const { path } = route.writtenFields(
    rules.map(({ found }) => found),
    false,
  );
  return changedByOthers(describe(route.reference), { object, path, shown: shown.join('; ') }, expected);
}

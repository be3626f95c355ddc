import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import type { PatchOperation } from '../../cluster/schema.ts';
import type { Json } from '../../core/json.ts';
import { jsonSchema } from '../../core/json.ts';
import type { Arm } from '../../judge/readings.ts';
import { shareOf, splitShare } from '../objects/weights.ts';

/** One entry of a rule's weighted list, as in the object: `{destination: {host}, weight}`, `{name, port, weight}`, … */
export const destination = z.record(z.string(), jsonSchema);
export type Destination = { readonly [field: string]: Json };

/** A rule of a route: what it matches and where its requests go. Plain JSON, as it is part of the rollout record. */
export const rule = z.object({
  /** The list that contains it, in the user's words: `http`, `tls`, `rules`. */
  section: z.string(),
  /** Its name for users if it has no name: `http[0]`. */
  place: z.string(),
  /** JSON Pointer of the rule in its object: `/spec/http/0`. */
  pointer: z.string(),
  name: z.string().nullable(),
  /** The field that selects the rule's requests, and its content; null if absent, which means all requests. */
  matchField: z.string(),
  match: jsonSchema,
  /** The field that holds the destinations, and the destinations. */
  listField: z.string(),
  destinations: z.array(destination),
});
export type Rule = Readonly<Omit<z.infer<typeof rule>, 'match' | 'destinations'>> & {
  readonly match: Json;
  readonly destinations: readonly Destination[];
};

/** What a router knows about the entries of its lists. */
export interface Destinations {
  /** The fields that together identify an entry's destination. */
  readonly identity: readonly string[];
  armOf(entry: Destination): Arm | undefined;
  /** The effective weight of the entry in a list of `count` entries, even if it has no weight field. */
  weightOf(entry: Destination, count: number): number;
  /** A copy of the stable arm's entry that leads to the canary; everything else is kept. */
  canaryLike(stable: Destination): Destination;
  /** `checkout v1`, `checkout-canary:8080` */
  describe(entry: Destination): string;
  /** The stable arm's entry, described in the same way. */
  readonly stable: string;
}

/** `http[0] "primary"` */
export function describeRule({ place, name }: Rule): string {
  return name === null ? place : `${place} "${name}"`;
}

/** `checkout v1 75, checkout v2 25`, with the effective weights. */
export function describeWeights(kind: Destinations, entries: readonly Destination[]): string {
  return entries.map((entry) => `${kind.describe(entry)} ${kind.weightOf(entry, entries.length)}`).join(', ');
}

/** The arms' weights in a rule and the sum of all others'; `undefined` for an arm that it does not have. */
export function weightsOf(kind: Destinations, { destinations }: Rule) {
  let stable: number | undefined;
  let canary: number | undefined;
  let others = 0;
  for (const entry of destinations) {
    const weight = kind.weightOf(entry, destinations.length);
    const arm = kind.armOf(entry);
    if (arm === 'stable') stable = weight;
    else if (arm === 'canary') canary = weight;
    else others += weight;
  }
  return { stable, canary, others };
}

/**
 * A rule's destinations with `weight` per cent of the arms' share at the canary, derived from the rule as found. Only weights
 * change, and the canary's entry, which is added at the end if the rule had only the stable arm.
 */
export function planWeights(kind: Destinations, found: Rule, weight: number): Destination[] {
  const { stable = 0, canary = 0, others } = weightsOf(kind, found);
  const split = splitShare(stable + canary, weight, others === 0);
  const planned: Destination[] = found.destinations.map((entry) => {
    const arm = kind.armOf(entry);
    if (arm !== undefined) return { ...entry, weight: split[arm] };
    if (split.factor === 1) return entry;
    return { ...entry, weight: kind.weightOf(entry, found.destinations.length) * split.factor };
  });
  const stableEntry = found.destinations.find((entry) => kind.armOf(entry) === 'stable');
  if (stableEntry && !planned.some((entry) => kind.armOf(entry) === 'canary'))
    planned.push({ ...kind.canaryLike(stableEntry), weight: split.canary });
  return planned;
}

/**
 * Whether a rule's weights are those of `target`, which is the rule as found or a plan made from it. Compares only what Sluice
 * may write: the arms, and other destinations if the plan scales them.
 */
export function shows(kind: Destinations, found: Rule, current: Rule, target: readonly Destination[]): boolean {
  const foundByKey = byKey(kind, found.destinations);
  const currentByKey = byKey(kind, current.destinations);
  const targetByKey = byKey(kind, target);
  if (currentByKey.has('canary') && !targetByKey.has('canary')) return false;
  return [...targetByKey].every(([key, entry]) => {
    if (kind.armOf(entry) === undefined && entry.weight === foundByKey.get(key)?.weight) return true;
    const shown = currentByKey.get(key);
    return (
      shown !== undefined && kind.weightOf(shown, current.destinations.length) === kind.weightOf(entry, target.length)
    );
  });
}

/** The canary's current weight in a rule; `undefined` if Sluice would not have written the current weights. */
export function weightShown(kind: Destinations, found: Rule, current: Rule): number | undefined {
  if (shows(kind, found, current, found.destinations)) return weightFound(kind, found);
  const { stable, canary } = weightsOf(kind, current);
  if (stable === undefined || canary === undefined || stable + canary === 0) return undefined;
  const weight = shareOf(stable, canary);
  return shows(kind, found, current, planWeights(kind, found, weight)) ? weight : undefined;
}

/** The canary's weight in a rule as found, in per cent of the arms' share. */
export function weightFound(kind: Destinations, found: Rule): number {
  const { stable = 0, canary = 0 } = weightsOf(kind, found);
  return shareOf(stable, canary);
}

/**
 * The JSON Patch that takes a rule from `believed`, whose weights it has, to `target`; empty if there is nothing to change.
 * Every write is guarded by `test` operations on the rule's name and match, on the entries' destinations, and on the weights
 * last seen, so that the whole patch fails if any of these has changed.
 */
export function transition(
  kind: Destinations,
  current: Rule,
  believed: readonly Destination[],
  target: readonly Destination[],
): PatchOperation[] {
  const list = `${current.pointer}/${current.listField}`;
  const believedByKey = byKey(kind, believed);
  const targetByKey = byKey(kind, target);
  const currentByKey = byKey(kind, current.destinations);
  const tests: PatchOperation[] = [];
  const writes: PatchOperation[] = [];
  const removals: PatchOperation[] = [];

  for (const [index, [key, entry]] of [...currentByKey].entries()) {
    const wanted = targetByKey.get(key);
    const isArm = kind.armOf(entry) !== undefined;
    if (!isArm && (wanted === undefined || wanted.weight === believedByKey.get(key)?.weight)) continue;
    tests.push(...testEntry(kind, `${list}/${index}`, entry));
    if (wanted === undefined) removals.push({ op: 'remove', path: `${list}/${index}` });
    else writes.push(...writeWeight(`${list}/${index}/weight`, entry.weight, wanted.weight));
  }
  const added = targetByKey.get('canary');
  if (added !== undefined && !currentByKey.has('canary')) {
    // Only a test of the whole list proves that nobody else adds the canary at the same time.
    tests.splice(0, tests.length, { op: 'test', path: list, value: current.destinations });
    writes.push({ op: 'add', path: `${list}/-`, value: added });
  }
  if (writes.length + removals.length === 0) return [];
  return [...testRule(current), ...tests, ...writes, ...removals];
}

function testRule({ pointer, name, matchField, match }: Rule): PatchOperation[] {
  return [
    ...(name === null ? [] : [{ op: 'test' as const, path: `${pointer}/name`, value: name }]),
    ...(match === null ? [] : [{ op: 'test' as const, path: `${pointer}/${matchField}`, value: match }]),
  ];
}

function testEntry(kind: Destinations, path: string, entry: Destination): PatchOperation[] {
  // RFC 6902 can't test that a field is absent, so the whole entry is tested instead.
  if (entry.weight === undefined) return [{ op: 'test', path, value: entry }];
  const fields = [...kind.identity.filter((field) => entry[field] !== undefined), 'weight'];
  return fields.map((field) => ({ op: 'test', path: `${path}/${field}`, value: entry[field] }));
}

function writeWeight(path: string, shown: Json | undefined, wanted: Json | undefined): PatchOperation[] {
  if (shown === wanted) return [];
  if (wanted === undefined) return [{ op: 'remove', path }];
  return [{ op: shown === undefined ? 'add' : 'replace', path, value: wanted }];
}

/** Entries by their destinations, in order; the arms under their own names. */
export function byKey(kind: Destinations, entries: readonly Destination[]): Map<string, Destination> {
  const map = new Map<string, Destination>();
  for (const entry of entries) {
    const where = kind.armOf(entry) ?? JSON.stringify(kind.identity.map((field) => entry[field] ?? null));
    let key = where;
    // A rule may have the same destination twice, with different headers.
    for (let time = 2; map.has(key); time += 1) key = `${where} (${time})`;
    map.set(key, entry);
  }
  return map;
}

/**
 * Finds each rule of the snapshot in the current route, where somebody may have added, removed or moved rules: by its name,
 * else by its match and destinations, else by its destinations alone if only one rule has them. `undefined` for a removed rule.
 */
export function locateRules(
  kind: Destinations,
  found: readonly Rule[],
  current: readonly Rule[],
): (Rule | undefined)[] {
  const located: (Rule | undefined)[] = found.map(() => undefined);
  const sameName = (a: Rule, b: Rule) => a.name !== null && a.name === b.name;
  const sameMatch = (a: Rule, b: Rule) => isDeepStrictEqual(a.match, b.match);
  const samePlaces = (a: Rule, b: Rule) => isDeepStrictEqual(placesOf(kind, a), placesOf(kind, b));
  const namesStable = (rule: Rule) => rule.destinations.some((entry) => kind.armOf(entry) === 'stable');

  claim(sameName);
  claim((a, b) => a.name === b.name && sameMatch(a, b) && samePlaces(a, b));
  claim((a, b) => a.name === b.name && sameMatch(a, b) && namesStable(b));
  claim(samePlaces, 'where there is no choice');
  return located;

  function claim(isSame: (a: Rule, b: Rule) => boolean, condition?: 'where there is no choice'): void {
    for (const [index, lost] of found.entries()) {
      if (located[index] !== undefined) continue;
      const candidates = current.filter(
        (rule) => rule.section === lost.section && !located.includes(rule) && isSame(lost, rule),
      );
      if (condition === undefined || candidates.length === 1) located[index] = candidates[0];
    }
  }
}

/** A rule's destinations without the canary, which comes and goes. */
function placesOf(kind: Destinations, { destinations }: Rule): string[] {
  return [...byKey(kind, destinations).keys()].filter((key) => key !== 'canary').sort();
}

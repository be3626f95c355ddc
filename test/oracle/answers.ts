/** Compares what the API server answers to two askers, object for object. */
import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../lab/embedded/api-server/objects.ts';
import { stringifyJson } from '../../src/core/json.ts';

/** What the API server makes of an object in a dry run. */
export type Answer = { readonly object: unknown } | { readonly refused: string };

/** By what names each object: group, kind, namespace and name. */
export type Answers = ReadonlyMap<string, Answer>;

/** How the answers to all objects of an input compare. */
export interface Comparison {
  /** Objects that both askers were given. */
  readonly same: number;
  readonly refusedByBoth: number;
  /** A line for each object that is different. */
  readonly different: readonly string[];
}

/** What the API server counts or invents for each object. */
const counted = new Set(['uid', 'resourceVersion', 'creationTimestamp', 'managedFields', 'selfLink']);

/** Labels and annotations by which a program marks its own objects. */
const marks = new Set([
  'sluice.dev/inventory',
  'app.kubernetes.io/managed-by',
  'meta.helm.sh/release-name',
  'meta.helm.sh/release-namespace',
]);

/** Stands for a value that is another one each time. */
const RANDOM = 'another one each time';

/**
 * @param again asks as they did once more: what differs between their two answers is random, and does not count
 */
export async function compareAnswers(
  ours: Answers,
  theirs: Answers,
  again: () => Promise<Answers>,
): Promise<Comparison> {
  const first = tally(ours, theirs, theirs);
  return first.different.length === 0 ? first : tally(ours, theirs, await again());
}

function tally(ours: Answers, theirs: Answers, again: Answers): Comparison {
  let same = 0;
  let refusedByBoth = 0;
  const different: string[] = [];
  for (const [name, their] of theirs) {
    const [our, second] = [ours.get(name), again.get(name)];
    // It has a random name.
    if (!our && !second) continue;
    const difference = differenceOf(our, their, second ?? their);
    if (difference !== undefined) different.push(`${name}: ${difference}`);
    else if ('refused' in their) refusedByBoth += 1;
    else same += 1;
  }
  const alone = [...ours.keys()].filter((name) => !theirs.has(name));
  const random = [...theirs.keys()].filter((name) => !ours.has(name) && !again.has(name));
  if (alone.length !== random.length) different.push(...alone.map((name) => `${name}: only Sluice asks for it`));
  return { same, refusedByBoth, different };
}

function differenceOf(our: Answer | undefined, their: Answer, second: Answer): string | undefined {
  if (!our) return 'Sluice does not ask for it';
  if ('refused' in our) {
    return 'refused' in their ? undefined : `refused to Sluice alone: ${our.refused}`;
  }
  if ('refused' in their || 'refused' in second) {
    return 'refused' in their ? `refused to the other alone: ${their.refused}` : 'refused the second time';
  }
  const [one, other, repeated] = [our, their, second].map(({ object }) => comparable(object));
  return firstDifference(withoutRandom(one, other, repeated), withoutRandom(other, other, repeated), '');
}

/** An answer without what the API server counts, and without the marks of who has asked. */
export function comparable(object: unknown): unknown {
  if (!isRecord(object) || !isRecord(object.metadata)) return object;
  const metadata = Object.entries(object.metadata).flatMap(([field, value]) => {
    if (counted.has(field)) return [];
    if (field !== 'labels' && field !== 'annotations') return [[field, value]];
    const own = Object.entries(isRecord(value) ? value : {}).filter(([key]) => !marks.has(key));
    return own.length === 0 ? [] : [[field, Object.fromEntries(own)]];
  });
  return { ...object, metadata: Object.fromEntries(metadata) };
}

/** A value without what differs between two answers to the same: random names, addresses, times. */
function withoutRandom(value: unknown, first: unknown, second: unknown): unknown {
  if (isDeepStrictEqual(first, second)) return value;
  if (isRecord(value) && isRecord(first) && isRecord(second)) {
    const parts = Object.entries(value).flatMap(([key, part]) =>
      Object.hasOwn(first, key) === Object.hasOwn(second, key)
        ? [[key, withoutRandom(part, first[key], second[key])]]
        : [],
    );
    return Object.fromEntries(parts);
  }
  const areLists = Array.isArray(value) && Array.isArray(first) && Array.isArray(second);
  if (areLists && first.length === second.length)
    return value.map((part, index) => withoutRandom(part, first[index], second[index]));
  return RANDOM;
}

/** The first field in which two values differ, and how. */
function firstDifference(one: unknown, other: unknown, path: string): string | undefined {
  if (isDeepStrictEqual(one, other)) return undefined;
  if (isRecord(one) && isRecord(other)) {
    const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
    return first([...keys], (key) => firstDifference(one[key], other[key], `${path}.${key}`));
  }
  if (Array.isArray(one) && Array.isArray(other) && one.length === other.length) {
    return first([...one.keys()], (index) => firstDifference(one[index], other[index], `${path}[${index}]`));
  }
  return `${path} is ${show(one)} and not ${show(other)}`;
}

function first<T>(items: readonly T[], look: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = look(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function show(value: unknown): string {
  if (value === undefined) return 'absent';
  return stringifyJson(value).slice(0, 200);
}

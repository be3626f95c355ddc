import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, PatchOperation } from '../../../cluster/schema.ts';
import type { Json } from '../../../core/json.ts';
import { annotationText, type InjectedRule, type WrittenFault } from './mark.ts';
import { annotate, describeHttpRule, digest, type HttpRule, httpRules, testsOf } from './rules.ts';

/** What is left of a fault after its removal: rules that others have changed. */
export interface PlannedRemoval {
  readonly operations: readonly PatchOperation[];
  /** Rules whose fault is no longer the one that was written. */
  readonly left: readonly string[];
}

/** The JSON Patch that takes out what the annotation says was written, and nothing else. */
export function planRemoval(object: KubernetesObject, found: WrittenFault): PlannedRemoval {
  const all = httpRules(object);
  const { gone, changed } = locateInjected(all, found);
  const removals = [...gone]
    .toSorted(([a], [b]) => b.index - a.index)
    .map(([{ index }, how]): PatchOperation => {
      const at = `/spec/http/${index}`;
      return { op: 'remove', path: how === 'copy' ? at : `${at}/fault` };
    });
  const left = changed.map(([rule]) => describeHttpRule(rule));
  const stays = { ...found, rules: changed.map(([, injected]) => injected) };
  // The annotation stays for what is left, so that the next drill is told of it as well.
  if (left.length > 0 && stays.rules.length === found.rules.length) return { operations: [], left };
  const annotation = left.length > 0 ? annotationText(stays) : undefined;
  return { operations: [...testsOf(object, all), ...removals, ...annotate(object, annotation)], left };
}

/** Rules that have the fault of a drill without an annotation that says so. */
export function likeInjected(
  object: KubernetesObject,
  fault: Json,
  rules: readonly InjectedRule[],
): readonly HttpRule[] {
  return [...locateInjected(httpRules(object), { fault, rules }).gone.keys()];
}

interface Located {
  /** Rules that still are as written: the fault, or the copy as a whole, can be removed. */
  readonly gone: ReadonlyMap<HttpRule, InjectedRule['how']>;
  /** Rules with another fault than was written. */
  readonly changed: readonly (readonly [HttpRule, InjectedRule])[];
}

/**
 * Finds the faulted rules again, where others may have added, removed, moved or edited rules: a copy by its name; any other among
 * those with exactly this fault by name, by match and hosts, and at last by either.
 */
function locateInjected(all: readonly HttpRule[], { fault, rules }: Pick<WrittenFault, 'fault' | 'rules'>): Located {
  const gone = new Map<HttpRule, InjectedRule['how']>();
  const found = new Set<InjectedRule>();
  const changed: [HttpRule, InjectedRule][] = [];
  const isOurs = ({ raw }: HttpRule) => isDeepStrictEqual(raw.fault, fault);

  for (const injected of rules.filter(({ how }) => how === 'copy')) {
    const copy = all.find(({ name }) => name === injected.name);
    if (copy === undefined) continue;
    if (copy.raw.fault === undefined || isOurs(copy)) gone.set(copy, 'copy');
    else changed.push([copy, injected]);
  }
  const fields = rules.filter(({ how }) => how === 'field');
  for (const isSame of [sameName, sameRule, sameContent, sameMatch, sameHosts]) {
    for (const injected of fields) {
      if (found.has(injected)) continue;
      const rule = all.find((candidate) => isOurs(candidate) && !gone.has(candidate) && isSame(candidate, injected));
      if (rule === undefined) continue;
      gone.set(rule, 'field');
      found.add(injected);
    }
  }
  for (const injected of fields.filter((one) => !found.has(one))) {
    const rule = all.find(
      (candidate) =>
        candidate.raw.fault !== undefined &&
        !gone.has(candidate) &&
        (sameName(candidate, injected) || sameRule(candidate, injected)),
    );
    if (rule !== undefined && !changed.some(([other]) => other === rule)) changed.push([rule, injected]);
  }
  return { gone, changed };
}

function sameName({ name }: HttpRule, injected: InjectedRule): boolean {
  return name !== null && name === injected.name;
}

function sameRule(rule: HttpRule, injected: InjectedRule): boolean {
  return rule.name === injected.name && sameContent(rule, injected);
}

function sameContent(rule: HttpRule, injected: InjectedRule): boolean {
  return sameMatch(rule, injected) && sameHosts(rule, injected);
}

function sameMatch({ match }: HttpRule, injected: InjectedRule): boolean {
  return digest(match) === injected.match;
}

function sameHosts({ hosts }: HttpRule, injected: InjectedRule): boolean {
  return digest(hosts) === injected.hosts;
}

import * as z from 'zod';
import { permissionTo } from '../../cluster/permissions.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe } from '../../cluster/resources.ts';
import { type LabelSelector, type Labels, selectorText, selects } from '../../cluster/selectors.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import type { Permission } from '../../core/permission.ts';
import type { ArmsContext } from '../arms-context.ts';
import { type SelectingKind, type Selection, selectingKinds } from './selecting-kinds.ts';

/** Optional rights to list whatever else selects pods; without one, a release goes on and says so. */
export function selectorPermissions(namespace: string): Permission[] {
  return selectingKinds.map(({ type }) => ({ ...permissionTo(['list'], type, namespace), optional: true }));
}

/** An object of the namespace that selects pods, Services or a workload. */
interface SelectingObject extends Selection {
  /** `PodMonitor shop/checkout` */
  readonly object: string;
  readonly effect: SelectingKind['effect'];
}

export interface OtherSelectors {
  readonly found: readonly SelectingObject[];
  /** Kinds that the API server serves, but that may not be listed: `PodMonitor`. */
  readonly unseen: readonly string[];
}

const selecting = z.looseObject({ spec: z.unknown(), specs: z.array(z.unknown()).optional() });

/** All objects of the namespace that select pods, of the kinds that the API server serves and the credentials may list. */
export async function findOtherSelectors(context: ArmsContext, signal: AbortSignal): Promise<OtherSelectors> {
  const looks = selectingKinds.map(async (kind) => {
    const access = await context.access(kind.type, signal);
    if (access === 'absent') return { found: [], unseen: [] };
    if (access === 'forbidden') return { found: [], unseen: [kind.type.kind] };
    return { found: await listSelecting(context, kind, signal), unseen: [] };
  });
  const all = await Promise.all(looks);
  return { found: all.flatMap(({ found }) => found), unseen: all.flatMap(({ unseen }) => unseen) };
}

async function listSelecting(
  { client, namespace }: ArmsContext,
  { type, effect, selections }: SelectingKind,
  signal: AbortSignal,
): Promise<SelectingObject[]> {
  try {
    const objects = await client.list(type, namespace, {}, signal);
    return objects.flatMap((each) => {
      const { spec, specs = [] } = readObject(each, selecting);
      const object = describe({ type, namespace, name: each.metadata.name });
      return [spec, ...specs].flatMap(selections).map((selection) => ({ ...selection, object, effect }));
    });
  } catch (error) {
    // The kind was removed from the API server a moment ago.
    if (isSluiceError(error, 'not-found')) return [];
    throw error;
  }
}

/** Selectors of pods, with those of security policies apart: the labels that they use should not be changed. */
export function podSelectors({ found }: OtherSelectors): {
  readonly security: LabelSelector[];
  readonly all: LabelSelector[];
} {
  const ofPods = found.filter(({ of }) => of === 'pods' || of === 'peers');
  const selectorsOf = (objects: readonly SelectingObject[]) =>
    objects.flatMap(({ selector }) => (selector === undefined ? [] : [selector]));
  return { security: selectorsOf(ofPods.filter(({ effect }) => effect === 'security')), all: selectorsOf(ofPods) };
}

/** The labels that monitors select Services by. */
export function serviceLabels({ found }: OtherSelectors): Set<string> {
  return new Set(
    found
      .filter(({ of }) => of === 'services')
      .flatMap(({ selector }) => [
        ...Object.keys(selector?.matchLabels ?? {}),
        ...(selector?.matchExpressions ?? []).map(({ key }) => key),
      ]),
  );
}

export interface Compared {
  /** `Deployment/checkout` */
  readonly workload: string;
  readonly stable: Labels;
  readonly canary: Labels;
  /** Labels of the Services, if each arm has one. */
  readonly services?: { readonly stable: Labels; readonly canary: Labels } | undefined;
}

/**
 * Refuses a release in which a security policy applies to only one arm: the canary would be unprotected, or cut off.
 *
 * @returns what else selects the stable pods and not the canary's, and what could not be seen, one sentence each
 * @throws SluiceError `unsupported` with the objects
 */
export function compareSelectors({ found, unseen }: OtherSelectors, arms: Compared): string[] {
  const different = found.filter((each) => tellsApart(each, arms));
  const security = different.filter(({ effect, selector }) => effect === 'security' && selector !== undefined);
  if (security.length > 0) throw securityDiffers(security, arms);
  return [
    ...new Set(different.map((each) => sentenceFor(each, arms))),
    ...(unseen.length === 0
      ? []
      : [
          `Whether something else selects the stable pods by labels that the canary has not was not seen for these kinds, as the right to list them is missing: ${unseen.join(', ')}.`,
        ]),
  ];
}

function tellsApart(
  { of, selector, text }: SelectingObject,
  { workload, stable, canary, services }: Compared,
): boolean {
  if (of === 'workload') return text === workload;
  // An unreadable selector may distinguish the arms if its text has a changed label.
  if (!selector) return text === undefined || changedKeys(stable, canary).some((key) => text.includes(key));
  if (of === 'services')
    return services !== undefined && selects(selector, services.stable) && !selects(selector, services.canary);
  // A peer selector that matches only the canary takes nothing from it.
  if (of === 'peers') return selects(selector, stable) && !selects(selector, canary);
  return selects(selector, stable) !== selects(selector, canary);
}

function changedKeys(stable: Labels, canary: Labels): string[] {
  return Object.keys(stable).filter((key) => canary[key] !== stable[key]);
}

function changesOf({ stable, canary }: Compared): string {
  return changedKeys(stable, canary)
    .map((key) => `${key}=${canary[key] ?? '(none)'} where the stable ones have ${key}=${stable[key]}`)
    .join(', ');
}

const effects = {
  security: 'whether the canary is open or cut off where the stable pods are not is not known',
  metrics: 'its metrics do not show the canary',
  proxy: 'the proxies of the canary are set up without it',
  sizing: 'the pods of the canary keep the requests of their template',
} as const;

function sentenceFor({ object, of, selector, effect, text }: SelectingObject, arms: Compared): string {
  if (of === 'workload') return `${object} is for the stable workload alone: ${effects[effect]}.`;
  if (!selector)
    return `${object} has a selector that can't be read here${text ? ` (${text})` : ''}: ${effects[effect]}.`;
  const what = of === 'services' ? 'Service' : 'pods';
  const way = of === 'services' ? 'a label that both Services have' : widening(arms);
  return `${object} selects the stable ${what} (${selectorText(selector)}) and not the canary's: ${effects[effect]}. Let it select by ${way}.`;
}

function widening({ stable, canary }: Compared): string {
  const [key = 'app'] = changedKeys(stable, canary);
  return `a label that both have, or by "${key} in (${stable[key]}, ${canary[key]})"`;
}

function securityDiffers(objects: readonly SelectingObject[], arms: Compared): SluiceError {
  const names = [...new Set(objects.map(({ object, selector }) => `${object} (${selectorText(selector ?? {})})`))];
  return new SluiceError('unsupported', {
    about: names.join(', '),
    problem: `would not hold for the canary as it does for the stable pods: the canary's pods get ${changesOf(arms)}, so that no Service sends them requests too early. The canary would be open or cut off where the stable pods are not.`,
    next: `Let it select by ${widening(arms)}; or give the pods one more label, let the stable Service select by it as well, and it is that one which is changed.`,
  });
}

import { isDeepStrictEqual } from 'node:util';
import { readPart } from '../../../cluster/read-object.ts';
import type { KubernetesObject, PatchOperation } from '../../../cluster/schema.ts';
import { SluiceError } from '../../../core/errors.ts';
import type { Json } from '../../../core/json.ts';
import { canonicalHost } from '../../../routes/objects/istio-hosts.ts';
import {
  annotationText,
  FAULT_ANNOTATION,
  faultField,
  type InjectedRule,
  type IstioFaultSettings,
  MOST_RULES,
  writtenFault,
} from './mark.ts';
import { aboutOf, annotate, condition, describeHttpRule, digest, type HttpRule, httpRules, testsOf } from './rules.ts';

/** What to write, and which rules it is about. */
export interface PlannedInjection {
  readonly chosen: readonly HttpRule[];
  readonly rules: readonly InjectedRule[];
  readonly fault: Json;
  readonly operations: readonly PatchOperation[];
}

/**
 * The JSON Patch that adds the fault to the chosen rules, or to copies before them that take only requests with the header, and that
 * notes in an annotation what was written. It fails as a whole if rules or annotations are no longer as last seen.
 *
 * @throws SluiceError for rules that can't be faulted: none is chosen, one has a fault already, another drill has left one
 */
export function planInjection(
  object: KubernetesObject,
  settings: IstioFaultSettings,
  owner: { readonly drill: string; readonly run: string },
): PlannedInjection {
  const all = httpRules(object);
  refuseMarked(object);
  const chosen = choose(object, all, settings);
  const fault = faultField(settings);
  refuseFaulted(object, chosen);
  if (settings.header === undefined) refuseTwin(object, all, fault);
  const rules = chosen.map((rule, turn): InjectedRule => {
    const identity = { place: `http[${rule.index}]`, match: digest(rule.match), hosts: digest(rule.hosts) };
    if (settings.header === undefined) return { how: 'field', name: rule.name, ...identity };
    return { how: 'copy', name: copyName(rule, turn), ...identity };
  });
  const taken = rules.find(({ how, name }) => how === 'copy' && all.some((rule) => rule.name === name));
  if (taken !== undefined)
    throw new SluiceError('unsupported', {
      about: aboutOf(object),
      problem: `has a rule "${taken.name}" already, a name that this drill needs.`,
      next: 'Remove that rule, if an earlier drill has left it, or rename it.',
    });
  const { header } = settings;
  // From the last rule on, so that the places of those before stay.
  const writes = chosen.toReversed().map((rule): PatchOperation => {
    const at = `/spec/http/${rule.index}`;
    if (header === undefined) return { op: 'add', path: `${at}/fault`, value: fault };
    const name = rules[chosen.indexOf(rule)]?.name ?? '';
    return { op: 'add', path: at, value: { ...rule.raw, name, match: withHeader(object, rule, header), fault } };
  });
  const annotation = annotationText({ ...owner, fault, rules });
  return { chosen, rules, fault, operations: [...testsOf(object, all), ...writes, ...annotate(object, annotation)] };
}

/** Refuses an object that carries the fault of a drill. */
function refuseMarked(object: KubernetesObject): void {
  const found = writtenFault(object);
  if (found === undefined) return;
  throw new SluiceError('locked', {
    about: aboutOf(object),
    problem:
      found === 'unreadable'
        ? `has an annotation ${FAULT_ANNOTATION} that can't be read.`
        : `carries a fault of drill "${found.drill}", run ${found.run}.`,
    next: `Wait for that drill, or run it again to end what it has left; or take out its faults and the annotation ${FAULT_ANNOTATION} by hand.`,
  });
}

function choose(object: KubernetesObject, all: readonly HttpRule[], { rules, namespace }: IstioFaultSettings) {
  const about = aboutOf(object);
  const usable = all.filter(({ hosts }) => hosts.length > 0);
  if (all.length === 0)
    throw new SluiceError('unsupported', {
      about,
      problem: 'has no http rules, and Istio injects faults into HTTP requests alone.',
      next: 'Choose a fault of the network or of the pods for TCP and TLS.',
    });
  if (usable.length === 0)
    throw new SluiceError('unsupported', {
      about,
      problem: 'has no http rule with a destination: they redirect, answer themselves or delegate.',
      next: all.some(({ delegates }) => delegates)
        ? 'Name the VirtualService that the rules delegate to.'
        : 'Name a VirtualService that leads to the service.',
    });
  const chosen = usable.filter((rule) => {
    if (rules.kind === 'all') return true;
    if (rules.kind === 'host') return rule.hosts.includes(canonicalHost(rules.host, namespace));
    return rule.name === rules.rule || `http[${rule.index}]` === rules.rule;
  });
  if (chosen.length === 0)
    throw new SluiceError('not-found', {
      about,
      problem:
        rules.kind === 'host'
          ? `has no http rule that leads to ${rules.host}.`
          : `has no http rule "${rules.kind === 'rule' ? rules.rule : ''}" with a destination.`,
      next: `Its rules: ${usable.map((rule) => `${describeHttpRule(rule)} to ${rule.hosts.join(', ')}`).join('; ')}.`,
    });
  if (chosen.length > MOST_RULES)
    throw new SluiceError('unsupported', {
      about,
      problem: `has ${chosen.length} such rules, more than ${MOST_RULES}.`,
      next: 'Choose some of them by the host or by the name of a rule.',
    });
  return chosen;
}

function refuseFaulted(object: KubernetesObject, chosen: readonly HttpRule[]): void {
  const foreign = chosen.find(({ raw }) => raw.fault !== undefined);
  if (foreign === undefined) return;
  throw new SluiceError('unsupported', {
    about: `${aboutOf(object)} ${describeHttpRule(foreign)}`,
    problem: 'has a fault already, which is not of this drill.',
    next: 'Remove that fault, or choose other rules.',
  });
}

/** Refuses where another rule has the same fault, as the two could not be told apart if others move or rename rules. */
function refuseTwin(object: KubernetesObject, all: readonly HttpRule[], fault: Json): void {
  const twin = all.find(({ raw }) => isDeepStrictEqual(raw.fault, fault));
  if (twin === undefined) return;
  throw new SluiceError('unsupported', {
    about: `${aboutOf(object)} ${describeHttpRule(twin)}`,
    problem: 'has the very fault that this drill would inject into other rules.',
    next: 'Choose another share, status or delay, or remove that fault.',
  });
}

function copyName({ name, index }: HttpRule, turn: number): string {
  return `sluice-drill-${turn}-${name ?? `http-${index}`}`;
}

/** The conditions of a rule, each with the header in addition. */
function withHeader(
  object: KubernetesObject,
  rule: HttpRule,
  { name, value }: { readonly name: string; readonly value: string },
): Json {
  const key = name.toLowerCase();
  const conditions = rule.match.length === 0 ? [{}] : rule.match;
  return conditions.map((one): Json => {
    const about = `${aboutOf(object)} ${describeHttpRule(rule)}`;
    const headers = readPart(one.headers ?? {}, condition, about);
    const without = readPart(one.withoutHeaders ?? {}, condition, about);
    if ([...Object.keys(headers), ...Object.keys(without)].some((known) => known.toLowerCase() === key))
      throw new SluiceError('unsupported', {
        about,
        problem: `matches on the header ${name} itself.`,
        next: 'Choose another header for the faulted requests.',
      });
    return { ...one, headers: { ...headers, [key]: { exact: value } } };
  });
}

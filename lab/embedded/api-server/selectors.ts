import * as z from 'zod';
import { isRecord, type KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';
import { badRequest } from './status.ts';

export type Predicate = (object: KubeObject) => boolean;
type Labels = Readonly<Record<string, string>>;

const identifier = /^[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?$/;

/**
 * Parses `app=shop,version!=v1,tier in (a,b),!old`, the grammar of k8s.io/apimachinery `pkg/labels`.
 *
 * @throws StatusError 400 for anything else.
 */
export function parseLabelSelector(selector: string): (labels: Labels) => boolean {
  const requirements = selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseRequirement);
  return (labels) => requirements.every((requirement) => requirement(labels));
}

function parseRequirement(text: string): (labels: Labels) => boolean {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    if (identifier.test(key)) return (labels) => values.includes(labels[key] ?? '\0') === (operator === 'in');
  }
  const equality = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/.exec(text);
  if (equality) {
    const [, key = '', operator, value = ''] = equality;
    if (identifier.test(key)) return (labels) => (labels[key] === value) === (operator !== '!=');
  }
  const existence = /^(!?)\s*(\S+)$/.exec(text);
  if (existence) {
    const [, not, key = ''] = existence;
    if (identifier.test(key)) return (labels) => key in labels === (not === '');
  }
  throw badRequest(`unable to parse requirement: found '${text}'`);
}

const labelSelector = z.looseObject({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z
    .array(z.looseObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).default([]) }))
    .default([]),
});

/** The `selector` of an object. None selects nothing, an empty one everything. */
export function parseSelector(selector: unknown): (labels: Labels) => boolean {
  if (selector === undefined || selector === null) return () => false;
  const { matchLabels, matchExpressions } = labelSelector.parse(selector);
  return (labels) =>
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      const value = labels[key];
      const listed = value !== undefined && values.includes(value);
      if (operator === 'In') return listed;
      if (operator === 'NotIn') return !listed;
      return (value !== undefined) === (operator === 'Exists');
    });
}

/** Parses `metadata.name=checkout,status.phase!=Running`. @throws StatusError 400 for a field that is not selectable. */
function parseFieldSelector(resource: Resource, selector: string): Predicate {
  const selectable = ['metadata.name', 'metadata.namespace', ...resource.selectableFields];
  const requirements = selector
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const [, field = '', operator, value = ''] = /^([^=!]+)(==|=|!=)(.*)$/.exec(part) ?? [];
      if (operator === undefined) {
        throw badRequest(`invalid selector: '${selector}'; can't understand '${part}'`);
      }
      if (!selectable.includes(field)) throw badRequest(`field label not supported: ${field}`);
      const path = field.split('.');
      return (object: KubeObject) => (fieldAt(object, path) === value) === (operator !== '!=');
    });
  return (object) => requirements.every((requirement) => requirement(object));
}

function fieldAt(object: KubeObject, path: readonly string[]): string {
  let value: unknown = object;
  for (const step of path) value = isRecord(value) ? value[step] : undefined;
  return value === undefined ? '' : String(value);
}

/** The selectors of a list or watch request as one predicate. */
export function selection(resource: Resource, query: URLSearchParams): Predicate {
  const byLabels = parseLabelSelector(query.get('labelSelector') ?? '');
  const byFields = parseFieldSelector(resource, query.get('fieldSelector') ?? '');
  return (object) => byLabels(object.metadata.labels ?? {}) && byFields(object);
}

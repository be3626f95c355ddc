import * as z from 'zod';
import { apiGroup, describe, type ObjectReference } from '../cluster/resources.ts';
import { type DeployObject, identityOf } from './objects.ts';

/** How the API server refused an object in a dry run. */
export interface DryRunRefusal {
  readonly status: number;
  /** The words of the API server. */
  readonly message: string;
}

/** An object of a set that the cluster does not have yet, or has in another state. */
export interface ComingObject {
  readonly object: DeployObject;
  readonly isNew: boolean;
}

/**
 * Why a refusal does not count yet: the dry run knows only this object, and the set brings what the object needs.
 *
 * @param coming what else the set creates or changes
 * @returns a sentence, or undefined for a refusal that counts
 */
export function reasonToWait(
  object: DeployObject,
  refusal: DryRunRefusal,
  coming: readonly ComingObject[],
): string | undefined {
  // The set cannot bring rights or settle fields of other managers.
  if (refusal.status === 409 || / cannot \w+ resource /.test(refusal.message)) return undefined;
  if (/does not support dry run/.test(refusal.message)) {
    return 'a webhook of the cluster can only be asked when it is written';
  }
  const own = identityOf(object.reference);
  const needed = coming.find((other) => identityOf(other.object.reference) !== own && isNeeded(object, refusal, other));
  return needed && `it needs ${describe(needed.object.reference)}, which is applied with it`;
}

function isNeeded(object: DeployObject, refusal: DryRunRefusal, { object: other, isNew }: ComingObject): boolean {
  const rule = rules.get(other.reference.type.kind);
  return rule?.(object, refusal, other, isNew) || isNamed(refusal.message, other.reference);
}

type Rule = (object: DeployObject, refusal: DryRunRefusal, other: DeployObject, isNew: boolean) => boolean;

/** When an object needs another of this kind, although the refusal does not name it. */
const rules = new Map<string, Rule>([
  [
    'Namespace',
    ({ reference }, { message }, other, isNew) =>
      reference.namespace === other.reference.name &&
      // Labels of a namespace choose its Pod Security level and its admission webhooks.
      (isNew || /violates PodSecurity|admission webhook|denied the request/.test(message)),
  ],
  [
    'CustomResourceDefinition',
    ({ reference: { type } }, _, other) => other.reference.name === `${type.plural}.${apiGroup(type)}`,
  ],
  ['Role', isBoundTo],
  ['ClusterRole', isBoundTo],
  [
    'LimitRange',
    (object, { message }, other) =>
      isBeside(object, other) && /(maximum|minimum) .* usage per|limit to request ratio/.test(message),
  ],
  ['StorageClass', (_, { message }) => /storageclass .* must support resize/i.test(message)],
  [
    'Service',
    (_, { message }, { reference: { name, namespace } }) =>
      /failed calling webhook/.test(message) && message.includes(`https://${name}.${namespace}.svc`),
  ],
]);

const binding = z.looseObject({ roleRef: z.looseObject({ kind: z.string(), name: z.string() }) });

/** RBAC refuses a binding to a role that does not exist yet, or whose rights the caller does not have. */
function isBoundTo(object: DeployObject, { status, message }: DryRunRefusal, other: DeployObject): boolean {
  const roleRef = binding.safeParse(object.manifest).data?.roleRef;
  const { type, name } = other.reference;
  const isIt =
    roleRef?.kind === type.kind && roleRef.name === name && (type.kind !== 'Role' || isBeside(object, other));
  return isIt && (status === 404 || /attempting to grant RBAC permissions/.test(message));
}

function isBeside(object: DeployObject, other: DeployObject): boolean {
  return object.reference.namespace === other.reference.namespace;
}

/** `serviceaccount "worker" not found`, `no PriorityClass with name high was found`, `exceeded quota: small`. */
function isNamed(message: string, { type, name }: ObjectReference): boolean {
  const kinds = [type.kind, type.plural, ...(type.kind === 'ResourceQuota' ? ['quota'] : [])].join('|');
  const quoted = RegExp.escape(name);
  return new RegExp(
    `\\b(${kinds})(\\.[a-z0-9.-]+)?:? ((with name|named) )?"?([a-z0-9.-]+/)?${quoted}(?![\\w.-]*\\w)`,
    'i',
  ).test(message);
}

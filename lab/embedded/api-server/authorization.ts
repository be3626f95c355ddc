/** A right, as in a Role; `*` means all. Without `namespaces` or `resourceNames` it applies everywhere. */
export interface Rule {
  readonly apiGroups: readonly string[];
  /** `deployments`, `pods/proxy` */
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly namespaces?: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface User {
  readonly name: string;
  readonly token: string;
  readonly groups?: readonly string[];
  readonly rules: readonly Rule[];
}

export interface Attributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export const everything: Rule = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };

/** The rights of every user (`system:basic-user`). */
export const basicRules: readonly Rule[] = [
  {
    apiGroups: ['authorization.k8s.io'],
    resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
    verbs: ['create'],
  },
  { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
];

/** Whether the user may do this; as in RBAC, only the lack of a rule denies. */
export function isAllowed(user: User, wanted: Attributes): boolean {
  const resource = wanted.subresource === '' ? wanted.resource : `${wanted.resource}/${wanted.subresource}`;
  const holds = (allowed: readonly string[] | undefined, value: string) =>
    allowed === undefined || allowed.includes('*') || allowed.includes(value);
  return [...basicRules, ...user.rules].some(
    (rule) =>
      holds(rule.verbs, wanted.verb) &&
      holds(rule.apiGroups, wanted.group) &&
      holds(rule.resources, resource) &&
      holds(rule.namespaces, wanted.namespace) &&
      holds(rule.resourceNames, wanted.name),
  );
}

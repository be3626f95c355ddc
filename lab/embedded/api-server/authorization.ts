/** A right, as in a Role; `*` stands for all. Without `namespaces` or `resourceNames` it holds everywhere. */
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

/** What every user may do (`system:basic-user`). */
export const basicRules: readonly Rule[] = [
  {
    apiGroups: ['authorization.k8s.io'],
    resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
    verbs: ['create'],
  },
  { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
];

/** Whether the user may do this; denying is only by the lack of a rule, as in RBAC. */
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

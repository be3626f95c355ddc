/** One right that an adapter needs, in the terms of an RBAC rule. */
export interface Permission {
  readonly apiGroup: string;
  readonly resource: string;
  /** `pods/proxy` is resource `pods`, subresource `proxy`. */
  readonly subresource?: string;
  readonly verbs: readonly string[];
  readonly namespace: string;
  /** Only the object of this name; without it, all objects. */
  readonly name?: string;
  /** Without an optional right a report has less detail, but nothing is refused. */
  readonly optional?: boolean;
}

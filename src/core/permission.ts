/** One right that an adapter uses, in the words of an RBAC rule. */
export interface Permission {
  readonly apiGroup: string;
  readonly resource: string;
  /** `pods/proxy` is resource `pods`, subresource `proxy`. */
  readonly subresource?: string;
  readonly verbs: readonly string[];
  readonly namespace: string;
  /** Only the object of this name; without it, all. */
  readonly name?: string;
  /** Without it something is told less well, and nothing is refused. */
  readonly optional?: boolean;
}

import { stringify } from 'yaml';
import { SluiceError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { managersOf } from './managed-fields.ts';
import { apiGroup, describe, type ObjectReference } from './resources.ts';
import { FIELD_MANAGER, type KubernetesObject } from './schema.ts';

/**
 * What to do about a GitOps controller that manages the route: refuse, or trust that it is configured to leave the weights
 * alone.
 */
export type GitOpsSetting = 'refuse' | 'ignore-rule-present';

/** The fields that a rollout writes, in the notations of the GitOps controllers. */
export interface WrittenFields {
  /** What the fields hold, in words for the user; default `the weights`. */
  readonly what?: string;
  /** Names from the object's root to the field: `['spec', 'http']`. */
  readonly path: readonly string[];
  /**
   * A manager of any field below this path counts as one that applies the written field: `['spec']` for a route's rules, where
   * Sluice stays listed as the manager after an earlier rollout; the field itself if Git may leave it out, as `spec.replicas`.
   */
  readonly appliedWith: readonly string[];
  /** JSON Pointers (RFC 6901), for Flux. */
  readonly pointers: readonly string[];
  /** jq path expressions, for Argo CD. */
  readonly jq: readonly string[];
  /** Advice in place of an ignore rule. The first line is the advice, the others are lines to copy. */
  advice?(controller: string, reference: ObjectReference): string;
}

interface Target extends Readonly<Record<string, string>> {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

interface Controller {
  readonly title: string;
  /** The kind of object that the rule is added to. */
  readonly owner: string;
  /** The controller already leaves an object with one of these annotations alone. */
  readonly optOuts: Readonly<Record<string, readonly string[]>>;
  rule(target: Target, fields: WrittenFields): Json;
  readonly older?: string;
}

/** https://argo-cd.readthedocs.io/en/stable/user-guide/diffing/ and /sync-options/#respect-ignore-differences-configs */
const argoCd: Controller = {
  title: 'Argo CD',
  owner: 'Application',
  optOuts: {},
  rule: (target, { jq }) => ({
    ignoreDifferences: [{ ...target, jqPathExpressions: jq }],
    syncPolicy: { syncOptions: ['RespectIgnoreDifferences=true'] },
  }),
};

/** https://fluxcd.io/flux/components/kustomize/kustomizations/#ignore-rules and #controlling-the-apply-behavior-of-resources */
const fluxKustomization: Controller = {
  title: 'Flux',
  owner: 'Kustomization',
  optOuts: {
    'kustomize.toolkit.fluxcd.io/ssa': ['IfNotPresent', 'Ignore'],
    'kustomize.toolkit.fluxcd.io/reconcile': ['disabled'],
  },
  rule: (target, { pointers }) => ({ ignore: [{ paths: pointers, target }] }),
  older:
    'Before Flux 2.9, annotate the object in its source with "kustomize.toolkit.fluxcd.io/ssa: IfNotPresent" instead.',
};

/** https://fluxcd.io/flux/components/helm/helmreleases/#drift-detection */
const fluxHelmRelease: Controller = {
  title: 'Flux',
  owner: 'HelmRelease',
  optOuts: { 'helm.toolkit.fluxcd.io/driftDetection': ['disabled'] },
  rule: (target, { pointers }) => ({ driftDetection: { ignore: [{ paths: pointers, target }] } }),
};

/** Controllers by the field manager that they use: for server-side apply, and for Argo CD also for client-side apply. */
const controllers = new Map<string, Controller>([
  ['argocd-controller', argoCd],
  ['argocd-application-controller', argoCd],
  ['kustomize-controller', fluxKustomization],
  ['helm-controller', fluxHelmRelease],
]);

/**
 * Throws if a GitOps controller would reset the weights.
 *
 * @throws SluiceError `unsupported`, with the rule to add to the controller's object, ready to copy
 */
export function refuseGitOps(object: KubernetesObject, reference: ObjectReference, fields: WrittenFields): void {
  const annotations = object.metadata.annotations ?? {};
  for (const manager of managersOf(object, fields.appliedWith)) {
    const controller = controllers.get(manager);
    if (controller === undefined) continue;
    const leavesAlone = Object.entries(controller.optOuts).some(([name, values]) =>
      values.some((value) => value.toLowerCase() === annotations[name]?.toLowerCase()),
    );
    if (leavesAlone) continue;
    const { namespace, name, type } = reference;
    const spec = controller.rule({ group: apiGroup(type), kind: type.kind, name, namespace }, fields);
    const next = [
      `Add this to the ${controller.owner} and then set "gitops: ignore-rule-present".`,
      ...(controller.older === undefined ? [] : [controller.older]),
    ].join(' ');
    throw new SluiceError('unsupported', {
      about: describe(reference),
      problem: `is applied by ${controller.title} (field manager "${manager}"), which would set ${fields.what ?? 'the weights'} back.`,
      next: fields.advice?.(controller.title, reference) ?? `${next}\n${stringify({ spec })}`,
    });
  }
}

/** The manager that wrote a field last, other than Sluice, from the object's `managedFields`. */
export function lastManager(object: KubernetesObject, path: readonly string[]): string | undefined {
  return managersOf(object, path).find((manager) => manager !== FIELD_MANAGER);
}

import * as z from 'zod';
import { readPart } from '../cluster/read-object.ts';
import { describe } from '../cluster/resources.ts';
import type { Manifest } from '../cluster/schema.ts';
import { type LabelSelector, type Labels, labelSelector } from '../cluster/selectors.ts';
import { SluiceError } from '../core/errors.ts';
import { canarySelector, selectorForCanary } from './canary-labels.ts';
import { copiedMetadata, podEntries } from './copied-metadata.ts';
import { type PodTemplate, referenceOf, refuseOwned, type Workload } from './workload.ts';

/** `checkout-canary`: the name of what Sluice makes from an object. */
export function canaryName(name: string): string {
  return `${name}-canary`;
}

/**
 * Refuses a workload from which no canary can be made, or which could not be updated by the promotion.
 *
 * @throws SluiceError `unsupported`
 */
export function checkSupported(stable: Workload, namespace: string): void {
  const { spec } = stable;
  const refuse = (problem: string, next: string) => {
    throw new SluiceError('unsupported', { about: describe(referenceOf(stable, namespace)), problem, next });
  };
  refuseOwned(stable, namespace);
  refuseLongName(stable, namespace);
  if (spec.paused) {
    refuse('is paused, so that the promotion would never roll out.', 'Resume it: kubectl rollout resume.');
  }
  if ((spec.volumeClaimTemplates ?? []).length > 0) {
    refuse(
      'has volume claim templates: the pods of a copy would start with empty volumes.',
      'Run two StatefulSets of your own and name both, as "stable" and "canary".',
    );
  }
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (type === 'OnDelete' || (rollingUpdate?.partition ?? 0) > 0) {
    refuse(
      'does not replace its pods when its template changes (OnDelete, or a partition).',
      'Set the update strategy to RollingUpdate without a partition.',
    );
  }
  if (spec.template.metadata?.labels === undefined) refuse('has a pod template without labels.', 'Give it labels.');
}

/** Characters of a revision's hash and its hyphen: the controller labels pods with NAME-HASH. */
const REVISION_SUFFIX = 11;

/** Characters of the hash in a ReplicaSet's name and its hyphen. */
const REPLICA_SET_SUFFIX = 11;

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const LONGEST_LABEL = 63;
const LONGEST_NAME = 253;

function refuseLongName(stable: Workload, namespace: string): void {
  const name = canaryName(stable.metadata.name);
  const [most, why] =
    stable.kind === 'StatefulSet'
      ? [
          LONGEST_LABEL - REVISION_SUFFIX,
          'its controller labels its pods with the name and a hash, 63 characters at most',
        ]
      : [LONGEST_NAME - REPLICA_SET_SUFFIX, 'its ReplicaSets have the name and a hash, 253 characters at most'];
  if (name.length <= most) return;
  throw new SluiceError('unsupported', {
    about: describe(referenceOf(stable, namespace)),
    problem: `has a name of ${stable.metadata.name.length} characters: no pod of ${name} could be created, as ${why}.`,
    next: `Give it a name of at most ${most - canaryName('').length} characters, or run two workloads of your own and name both, as "stable" and "canary".`,
  });
}

/**
 * The canary made from the stable workload. Only name, replicas, labels and what the release changes differ.
 *
 * @param template the stable pod template with the release's images and config
 * @param labels the labels of the canary's pods
 */
export function canaryWorkload(
  stable: Workload,
  template: PodTemplate,
  labels: Labels,
  options: { readonly namespace: string; readonly rollout: string; readonly replicas: number },
): Manifest {
  const stableLabels = stable.spec.template.metadata?.labels ?? {};
  const annotations = podEntries(template.metadata?.annotations ?? {});
  return {
    apiVersion: stable.apiVersion,
    kind: stable.kind,
    metadata: {
      name: canaryName(stable.metadata.name),
      namespace: options.namespace,
      ...copiedMetadata(stable, options.rollout, { pods: stableLabels }),
    },
    spec: {
      ...stable.spec,
      replicas: options.replicas,
      selector: canarySelector(stable.spec.selector, stableLabels, labels),
      template: {
        ...template,
        metadata: { labels, ...(Object.keys(annotations).length > 0 && { annotations }) },
        spec: ownKind(template.spec, (selector) => selectorForCanary(selector, stableLabels, labels)),
      },
    },
  };
}

const term = z.looseObject({ labelSelector: labelSelector.optional() });
const affinity = z.looseObject({
  requiredDuringSchedulingIgnoredDuringExecution: z.array(term).optional(),
  preferredDuringSchedulingIgnoredDuringExecution: z.array(z.looseObject({ podAffinityTerm: term })).optional(),
});
const placement = z.looseObject({
  affinity: z.looseObject({ podAffinity: affinity.optional(), podAntiAffinity: affinity.optional() }).optional(),
  topologySpreadConstraints: z.array(term).optional(),
});

/** The pod spec, with the selectors in its affinity and topology spread translated. */
function ownKind(
  spec: PodTemplate['spec'],
  translate: (selector: LabelSelector) => LabelSelector,
): PodTemplate['spec'] {
  const ofTerm = (given: z.infer<typeof term>) =>
    given.labelSelector ? { ...given, labelSelector: translate(given.labelSelector) } : given;
  const ofAffinity = (given: z.infer<typeof affinity>) => {
    const { requiredDuringSchedulingIgnoredDuringExecution: required } = given;
    const { preferredDuringSchedulingIgnoredDuringExecution: preferred } = given;
    return {
      ...given,
      ...(required && { requiredDuringSchedulingIgnoredDuringExecution: required.map(ofTerm) }),
      ...(preferred && {
        preferredDuringSchedulingIgnoredDuringExecution: preferred.map((weighted) => ({
          ...weighted,
          podAffinityTerm: ofTerm(weighted.podAffinityTerm),
        })),
      }),
    };
  };
  const { affinity: given, topologySpreadConstraints } = readPart(spec, placement, 'the pod template of the workload');
  return {
    ...spec,
    ...(given && {
      affinity: {
        ...given,
        ...(given.podAffinity && { podAffinity: ofAffinity(given.podAffinity) }),
        ...(given.podAntiAffinity && { podAntiAffinity: ofAffinity(given.podAntiAffinity) }),
      },
    }),
    ...(topologySpreadConstraints && { topologySpreadConstraints: topologySpreadConstraints.map(ofTerm) }),
  };
}

import * as z from 'zod';
import type { ResourceType } from '../../cluster/resources.ts';
import { type LabelSelector, labelSelector } from '../../cluster/selectors.ts';

/** What an object does with the pods that it selects. */
type Effect = 'security' | 'metrics' | 'proxy' | 'sizing';

/** What an object selects: pods, pods as peers in communication, Services, or a workload by its name. */
export interface Selection {
  readonly of: 'pods' | 'peers' | 'services' | 'workload';
  /** Undefined if it can't be read. */
  readonly selector: LabelSelector | undefined;
  /** The selector as written, for messages. */
  readonly text?: string;
}

/** A kind whose objects select pods by labels, and so may apply to the stable pods and not to the canary's. */
export interface SelectingKind {
  readonly type: ResourceType;
  readonly effect: Effect;
  /** @param spec of an object of the kind */
  readonly selections: (spec: unknown) => Selection[];
}

function kind(
  apiVersion: string,
  names: readonly [kind: string, plural: string],
  effect: Effect,
  selections: (spec: unknown) => Selection[],
): SelectingKind {
  return { type: { apiVersion, kind: names[0], plural: names[1] }, effect, selections };
}

/** A selector in one field of the spec. Without the field the object applies to all pods, so it does not distinguish the arms. */
function inField(field: string, of: Selection['of'] = 'pods'): (spec: unknown) => Selection[] {
  const shape = z.looseObject({ [field]: labelSelector.optional() });
  return (spec) => {
    const parsed = shape.safeParse(spec ?? {});
    if (!parsed.success) return [{ of, selector: undefined }];
    const selector = parsed.data[field];
    return selector ? [{ of, selector: labelSelector.parse(selector) }] : [];
  };
}

/** Istio: `selector.matchLabels`, or `workloadSelector.labels` in older kinds. */
const byWorkloadSelector = (spec: unknown): Selection[] => {
  const shape = z.looseObject({
    workloadSelector: z.looseObject({ labels: z.record(z.string(), z.string()).optional() }).optional(),
  });
  const parsed = shape.safeParse(spec ?? {});
  if (!parsed.success) return [{ of: 'pods', selector: undefined }];
  const labels = parsed.data.workloadSelector?.labels;
  return labels ? [{ of: 'pods', selector: { matchLabels: labels } }] : [];
};

const peer = z.looseObject({ podSelector: labelSelector.optional() });
const networkPolicy = z.looseObject({
  podSelector: labelSelector.prefault({}),
  ingress: z.array(z.looseObject({ from: z.array(peer).nullish() })).nullish(),
  egress: z.array(z.looseObject({ to: z.array(peer).nullish() })).nullish(),
});

function ofNetworkPolicy(spec: unknown): Selection[] {
  const parsed = networkPolicy.safeParse(spec ?? {});
  if (!parsed.success) return [{ of: 'pods', selector: undefined }];
  const { podSelector, ingress, egress } = parsed.data;
  const peers = [...(ingress ?? []).flatMap(({ from }) => from ?? []), ...(egress ?? []).flatMap(({ to }) => to ?? [])];
  return [
    { of: 'pods', selector: podSelector },
    ...peers.flatMap(({ podSelector: selector }): Selection[] => (selector ? [{ of: 'peers', selector }] : [])),
  ];
}

const endpoints = z.array(labelSelector).nullish();
const ciliumRule = z.looseObject({
  endpointSelector: labelSelector.optional(),
  ingress: z.array(z.looseObject({ fromEndpoints: endpoints })).nullish(),
  egress: z.array(z.looseObject({ toEndpoints: endpoints })).nullish(),
});

/** https://docs.cilium.io/en/stable/security/policy/language/ */
function ofCiliumPolicy(object: unknown): Selection[] {
  const parsed = ciliumRule.safeParse(object ?? {});
  if (!parsed.success) return [{ of: 'pods', selector: undefined }];
  const { endpointSelector, ingress, egress } = parsed.data;
  const peers = [
    ...(ingress ?? []).flatMap(({ fromEndpoints }) => fromEndpoints ?? []),
    ...(egress ?? []).flatMap(({ toEndpoints }) => toEndpoints ?? []),
  ];
  return [
    ...(endpointSelector ? [{ of: 'pods' as const, selector: withoutSources(endpointSelector) }] : []),
    ...peers.map((selector) => ({ of: 'peers' as const, selector: withoutSources(selector) })),
  ];
}

/** Cilium prefixes a label's key with its source, and adds labels for the namespace. */
function withoutSources({ matchLabels = {}, matchExpressions = [] }: LabelSelector): LabelSelector {
  const bare = (key: string) => key.replace(/^(k8s|any)[:.]/, '');
  const isPods = (key: string) => !/^io\.(kubernetes|cilium)\./.test(bare(key));
  return {
    matchLabels: Object.fromEntries(
      Object.entries(matchLabels).flatMap(([key, value]) => (isPods(key) ? [[bare(key), value]] : [])),
    ),
    matchExpressions: matchExpressions
      .filter(({ key }) => isPods(key))
      .map((expression) => ({ ...expression, key: bare(expression.key) })),
  };
}

/** Calico's own selector language. Only equalities joined by `&&` are read. */
function ofCalicoPolicy(spec: unknown): Selection[] {
  const text = z.looseObject({ selector: z.string().default('') }).safeParse(spec ?? {}).data?.selector ?? '';
  if (text === '' || /^\s*all\(\)\s*$/.test(text)) return [];
  const terms = text.split('&&').map((term) => /^\s*([-\w./]+)\s*==\s*['"]([^'"]*)['"]\s*$/.exec(term));
  const pairs = terms.flatMap((term) => (term ? [[term[1] ?? '', term[2] ?? '']] : []));
  const selector = pairs.length === terms.length ? { matchLabels: Object.fromEntries(pairs) } : undefined;
  return [{ of: 'pods', selector, text }];
}

/** A VerticalPodAutoscaler selects its workload by name. */
function ofTarget(spec: unknown): Selection[] {
  const target = z
    .looseObject({ targetRef: z.looseObject({ kind: z.string(), name: z.string() }) })
    .safeParse(spec ?? {});
  if (!target.success) return [];
  const { kind: ofKind, name } = target.data.targetRef;
  return [{ of: 'workload', selector: undefined, text: `${ofKind}/${name}` }];
}

function ofCiliumSpecs(spec: unknown): Selection[] {
  return Array.isArray(spec) ? spec.flatMap(ofCiliumPolicy) : ofCiliumPolicy(spec);
}

const istio = 'security.istio.io/v1';

/** The kinds that Sluice knows to select pods. */
export const selectingKinds: readonly SelectingKind[] = [
  kind('networking.k8s.io/v1', ['NetworkPolicy', 'networkpolicies'], 'security', ofNetworkPolicy),
  kind('cilium.io/v2', ['CiliumNetworkPolicy', 'ciliumnetworkpolicies'], 'security', ofCiliumSpecs),
  kind('crd.projectcalico.org/v1', ['NetworkPolicy', 'networkpolicies'], 'security', ofCalicoPolicy),
  kind(istio, ['AuthorizationPolicy', 'authorizationpolicies'], 'security', inField('selector')),
  kind(istio, ['PeerAuthentication', 'peerauthentications'], 'security', inField('selector')),
  kind(istio, ['RequestAuthentication', 'requestauthentications'], 'security', inField('selector')),
  kind('policy.linkerd.io/v1beta3', ['Server', 'servers'], 'security', inField('podSelector')),
  kind('networking.istio.io/v1', ['Sidecar', 'sidecars'], 'proxy', byWorkloadSelector),
  kind('networking.istio.io/v1alpha3', ['EnvoyFilter', 'envoyfilters'], 'proxy', byWorkloadSelector),
  kind('telemetry.istio.io/v1', ['Telemetry', 'telemetries'], 'proxy', inField('selector')),
  kind('extensions.istio.io/v1alpha1', ['WasmPlugin', 'wasmplugins'], 'proxy', inField('selector')),
  kind('monitoring.coreos.com/v1', ['PodMonitor', 'podmonitors'], 'metrics', inField('selector')),
  kind('monitoring.coreos.com/v1', ['ServiceMonitor', 'servicemonitors'], 'metrics', inField('selector', 'services')),
  kind('monitoring.googleapis.com/v1', ['PodMonitoring', 'podmonitorings'], 'metrics', inField('selector')),
  kind('operator.victoriametrics.com/v1beta1', ['VMPodScrape', 'vmpodscrapes'], 'metrics', inField('selector')),
  kind(
    'operator.victoriametrics.com/v1beta1',
    ['VMServiceScrape', 'vmservicescrapes'],
    'metrics',
    inField('selector', 'services'),
  ),
  kind('autoscaling.k8s.io/v1', ['VerticalPodAutoscaler', 'verticalpodautoscalers'], 'sizing', ofTarget),
];

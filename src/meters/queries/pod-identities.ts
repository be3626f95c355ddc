import type { Arm } from '../../judge/readings.ts';
import { equal, escapeRegex, type Labels, like, type Selector } from '../series/selector.ts';
import type { ArmPods } from './arm-pods.ts';
import type { Found } from './cluster-names.ts';
import type { Names, Place, Rule } from './rules.ts';

/**
 * The labels of a pod in scrape configurations: of the Prometheus operator and chart, of older charts, of OpenTelemetry, of
 * Istio.
 */
export const podLabels = [
  ['namespace', 'pod'],
  ['kubernetes_namespace', 'kubernetes_pod_name'],
  ['k8s_namespace_name', 'k8s_pod_name'],
  ['namespace', 'pod_name'],
  ['namespace', 'kubernetes_pod_name'],
  ['kubernetes_namespace', 'pod'],
  ['exported_namespace', 'exported_pod'],
] as const;

/** Identifies an arm's series; undefined for an arm without pods, which has no series either. */
export type Identify = (arm: Arm) => (Pick<Rule, 'isOfArm'> & { readonly matchers: Selector }) | undefined;

export function podIdentities(names: Names, place: Place, { pods }: Found): Identify[] {
  if (place === 'pods') return [(arm) => ({ matchers: [equal('arm', arm)] })];
  return podLabels.map(
    ([namespace, pod]): Identify =>
      (arm) => {
        const pattern = pods ? pods.pattern(arm) : podsOf(names[arm].workload);
        if (pattern === undefined) return undefined;
        const matchers = [equal(namespace, names.namespace), like(pod, pattern)];
        return { matchers, ...(pods && { isOfArm: (labels: Labels) => pods.armOf(labels[pod] ?? '') === arm }) };
      },
  );
}

/**
 * A pattern for the names of a workload's pods, if the API server was not asked: `NAME-HASH-SUFFIX` of a Deployment, `NAME-0`
 * of a StatefulSet. The alphabet of Kubernetes' random names keeps `checkout` from matching the pods of `checkout-canary`.
 */
function podsOf(workload: string): string {
  const random = '[bcdfghjklmnpqrstvwxz2456789]';
  return `${escapeRegex(workload)}-(${random}{1,10}-${random}{5}|[0-9]+)`;
}

/** The start times of the process whose series has these labels, if the API server knows them; milliseconds since the epoch. */
export function startsOfPod(pods: ArmPods, labels: Labels): readonly number[] | undefined {
  const [, label] = podLabels.find(([, candidate]) => pods.armOf(labels[candidate] ?? '') !== undefined) ?? [];
  return label === undefined ? undefined : pods.startsOf(labels[label] ?? '', labels);
}

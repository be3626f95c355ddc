import { ownLabels } from '../cluster/ownership.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import type { Labels } from '../cluster/selectors.ts';

/**
 * Keys of labels and annotations that configure their object, or the pods behind it, inside the cluster: a copy needs them to
 * be treated like the original. Any other key with a prefix belongs to the tool that wrote it, and is about the original alone:
 * its owner, what is pruned with it, the name under which it is published, its load balancer in the cloud.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
 */
const configuring: readonly RegExp[] = [
  // Recommended labels: Services, monitors and policies select by them. The copy has a `managed-by` of its own.
  /^app\.kubernetes\.io\/(name|instance|version|component|part-of)$/,
  // Distribution of requests, and the data plane that handles them.
  /^service\.kubernetes\.io\/(topology-mode|topology-aware-hints)$/,
  /^topology\.istio\.io\//,
  /^service\.istio\.io\/canonical-(name|revision)$/,
  /^istio\.io\/(rev|use-waypoint|ingress-use-waypoint|dataplane-mode)$/,
  /^networking\.istio\.io\/(exportTo|traffic-distribution)$/,
  /^(balancer|config|retry|timeout)\.(alpha\.|beta\.)?linkerd\.io\//,
  // Backend settings that ingress controllers read from a Service.
  /^traefik\.ingress\.kubernetes\.io\/service\./,
  /^alb\.ingress\.kubernetes\.io\//,
  /^cloud\.google\.com\/(app-protocols|backend-config)$/,
  /^konghq\.com\/(protocol|path|plugins|upstream-policy|connect-timeout|read-timeout|write-timeout|retries)$/,
  /^projectcontour\.io\/(upstream-protocol\.|max-)/,
  /^haproxy\.org\//,
  // Scraping and measuring.
  /^prometheus\.io\//,
  /^ad\.datadoghq\.com\//,
  /^tags\.datadoghq\.com\//,
  /^metric-config\./,
  /^downscaler\//,
];

/** A key without a prefix and a dot is the user's own. */
const userKey = /^[A-Za-z0-9][-A-Za-z0-9_]*$/;

/** Tools that mark what they own, prune or publish, even on pod templates. */
const tools = [
  'applyset.kubernetes.io',
  'addonmanager.kubernetes.io',
  'deployment.kubernetes.io',
  'argocd.argoproj.io',
  'fluxcd.io',
  'meta.helm.sh',
  'k14s.io',
  'pulumi.com',
  'cattle.io',
  'config.k8s.io',
  'configmanagement.gke.io',
  'configsync.gke.io',
  'kro.run',
  'crossplane.io',
  'operators.coreos.com',
  'external-dns.alpha.kubernetes.io',
  'external-dns.kubernetes.io',
  'keel.sh',
  'reloader.stakater.com',
  'skaffold.dev',
  'spinnaker.io',
  'sluice.dev',
];

/** Whether another tool recognizes by this key what it owns, prunes, restarts or publishes. */
function isMark(key: string): boolean {
  const [prefix = '', name] = key.split('/');
  if (name === undefined) return /^olm\./.test(key);
  if (key === 'kubectl.kubernetes.io/last-applied-configuration') return true;
  return tools.some((tool) => prefix === tool || prefix.endsWith(`.${tool}`));
}

export interface CopyOptions {
  /** Labels that other objects in the cluster select by: kept, unless they are a tool's mark. */
  readonly selecting?: ReadonlySet<string>;
  /** The application's own labels, from its pods: kept if the object has the same ones. */
  readonly pods?: Labels;
}

/** Labels and annotations for a copy of an object: those that select or configure it, without those that track its owner. */
export function copiedMetadata(original: KubernetesObject, rollout: string, options: CopyOptions = {}) {
  const { labels = {}, annotations = {}, managedFields = [] } = original.metadata;
  const { selecting = new Set<string>(), pods = {} } = options;
  // Argo CD deletes an object that has its tracking label and is not in Git.
  const byArgo = managedFields.some(({ manager = '' }) => /argocd/i.test(manager));
  const isCopied = (key: string) =>
    !(byArgo && key === 'app.kubernetes.io/instance') &&
    (userKey.test(key) || configuring.some((pattern) => pattern.test(key)));
  const isApplications = (key: string, value: string) => !isMark(key) && (selecting.has(key) || pods[key] === value);
  const keptLabels = Object.entries(labels).filter(([key, value]) => isCopied(key) || isApplications(key, value));
  const keptAnnotations = Object.entries(annotations).filter(([key]) => isCopied(key));
  return {
    labels: { ...Object.fromEntries(keptLabels), ...ownLabels(rollout) },
    ...(keptAnnotations.length > 0 && { annotations: Object.fromEntries(keptAnnotations) }),
  };
}

/**
 * Labels or annotations of a pod template, for the canary's pods. All but the marks of tools are kept, as injectors, policies
 * and scrapers read them.
 *
 * @param selected labels that the workload itself selects its pods by
 */
export function podEntries(entries: Labels, selected: Labels = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(entries).filter(
      ([key]) => Object.hasOwn(selected, key) || key.startsWith('sluice.dev/') || !isMark(key),
    ),
  );
}

import { ownLabels } from '../cluster/ownership.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import type { Labels } from '../cluster/selectors.ts';

/**
 * Keys of labels and annotations that configure the object that bears them, or the pods behind it, inside the cluster: a
 * copy needs them to be treated as the original is. Everything else with a prefix belongs to the tool that wrote it, and
 * means the original alone: who owns it, what is pruned with it, under which name it is published, which load balancer of
 * the cloud it gets. https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
 */
const configuring: readonly RegExp[] = [
  // Recommended labels: Services, monitors and policies select by them. `managed-by` is the copy's own.
  /^app\.kubernetes\.io\/(name|instance|version|component|part-of)$/,
  // How requests are spread, and which data plane takes them.
  /^service\.kubernetes\.io\/(topology-mode|topology-aware-hints)$/,
  /^topology\.istio\.io\//,
  /^service\.istio\.io\/canonical-(name|revision)$/,
  /^istio\.io\/(rev|use-waypoint|ingress-use-waypoint|dataplane-mode)$/,
  /^networking\.istio\.io\/(exportTo|traffic-distribution)$/,
  /^(balancer|config|retry|timeout)\.(alpha\.|beta\.)?linkerd\.io\//,
  // Settings of the backend that ingress controllers read from a Service.
  /^traefik\.ingress\.kubernetes\.io\/service\./,
  /^alb\.ingress\.kubernetes\.io\//,
  /^cloud\.google\.com\/(app-protocols|backend-config)$/,
  /^konghq\.com\/(protocol|path|plugins|upstream-policy|connect-timeout|read-timeout|write-timeout|retries)$/,
  /^projectcontour\.io\/(upstream-protocol\.|max-)/,
  /^haproxy\.org\//,
  // What scrapes and measures it.
  /^prometheus\.io\//,
  /^ad\.datadoghq\.com\//,
  /^tags\.datadoghq\.com\//,
  /^metric-config\./,
  /^downscaler\//,
];

/** Without a prefix and a dot, a key is the user's own. */
const userKey = /^[A-Za-z0-9][-A-Za-z0-9_]*$/;

/** Tools that mark what they own, prune or publish, also on the templates of pods. */
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

/** A mark by which another tool knows what it owns, prunes, restarts or publishes. */
function isMark(key: string): boolean {
  const [prefix = '', name] = key.split('/');
  if (name === undefined) return /^olm\./.test(key);
  if (key === 'kubectl.kubernetes.io/last-applied-configuration') return true;
  return tools.some((tool) => prefix === tool || prefix.endsWith(`.${tool}`));
}

export interface CopyOptions {
  /** Labels that something in the cluster selects such objects by: kept, unless they are a tool's mark. */
  readonly selecting?: ReadonlySet<string>;
  /** Labels of the pods, which are the application's own: kept where the object has the same. */
  readonly pods?: Labels;
}

/** Labels and annotations for a copy of an object: what selects or configures it, and nothing that tracks its owner. */
export function copiedMetadata(original: KubernetesObject, rollout: string, options: CopyOptions = {}) {
  const { labels = {}, annotations = {}, managedFields = [] } = original.metadata;
  const { selecting = new Set<string>(), pods = {} } = options;
  // Argo CD deletes what carries its tracking label and is not in Git.
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
 * Labels or annotations of a pod template for the canary's pods. Injectors, policies and scrapers read them, so all stay but
 * the marks of tools.
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

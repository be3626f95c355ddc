import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../src/cluster/schema.ts';
import { canaryService, service } from '../../../src/workloads/canary-network.ts';
import { canaryWorkload } from '../../../src/workloads/canary-workload.ts';
import { copiedMetadata } from '../../../src/workloads/copied-metadata.ts';
import { autoscaler, canaryAutoscaler } from '../../../src/workloads/scaling.ts';
import { workload } from '../../../src/workloads/workload.ts';

const own = { 'app.kubernetes.io/managed-by': 'sluice', 'sluice.dev/rollout': 'checkout' };

function copied(labels: Record<string, string>, annotations: Record<string, string> = {}, options = {}) {
  const object: KubernetesObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'checkout', labels, annotations },
  };
  return copiedMetadata(object, 'checkout', options);
}

describe('labels of an object', () => {
  test.each([
    ['kubectl apply --prune --applyset', 'applyset.kubernetes.io/part-of'],
    ['Flux', 'kustomize.toolkit.fluxcd.io/name'],
    ['Argo CD', 'argocd.argoproj.io/instance'],
    ['Helm', 'helm.sh/chart'],
    ['kapp', 'kapp.k14s.io/app'],
    ['Rancher Fleet', 'objectset.rio.cattle.io/hash'],
    ['the lifecycle manager of operators', 'olm.owner'],
    ['the add-on manager', 'addonmanager.kubernetes.io/mode'],
    ['Jenkins X', 'jenkins.io/chart-release'],
    ['kube-monkey, which kills pods of what bears it', 'kube-monkey/enabled'],
    ['a mirror of clusters', 'mirror.linkerd.io/exported'],
    ['a tool that nobody here has heard of', 'owner.new-tool.example/set'],
  ])('of %s are not copied', (_, key) => {
    expect(copied({ app: 'checkout', [key]: 'x' }).labels).toEqual({ app: 'checkout', ...own });
  });

  test.each([
    'app',
    'team',
    'release',
    'app.kubernetes.io/name',
    'app.kubernetes.io/instance',
    'istio.io/use-waypoint',
  ])('that select or configure are copied: %s', (key) => {
    expect(copied({ [key]: 'x' }).labels).toEqual({ [key]: 'x', ...own });
  });

  test('that a monitor selects by are copied, and those that the pods have', () => {
    const labels = { 'acme.example/scrape': 'yes', 'acme.example/cost': '42', 'acme.example/wave': '3' };
    const options = { selecting: new Set(['acme.example/scrape']), pods: { 'acme.example/cost': '42' } };
    expect(copied(labels, {}, options).labels).toEqual({
      'acme.example/scrape': 'yes',
      'acme.example/cost': '42',
      ...own,
    });
  });

  test('that mark an owner are not copied even where pods have them', () => {
    const mark = { 'applyset.kubernetes.io/part-of': 'applyset-abc-v1' };
    expect(copied(mark, {}, { pods: mark, selecting: new Set(Object.keys(mark)) }).labels).toEqual(own);
  });
});

describe('annotations of an object', () => {
  test.each([
    'external-dns.alpha.kubernetes.io/hostname',
    'external-dns.kubernetes.io/hostname',
    'service.beta.kubernetes.io/aws-load-balancer-name',
    'service.beta.kubernetes.io/azure-dns-label-name',
    'networking.gke.io/load-balancer-ip-addresses',
    'cloud.google.com/neg',
    'metallb.io/loadBalancerIPs',
    'consul.hashicorp.com/service-name',
    'service.cilium.io/global',
    'cert-manager.io/cluster-issuer',
    'reloader.stakater.com/auto',
    'keel.sh/policy',
    'pulumi.com/skipAwait',
    'kapp.k14s.io/identity',
    'meta.helm.sh/release-name',
    'argocd.argoproj.io/tracking-id',
    'kubectl.kubernetes.io/last-applied-configuration',
    'deployment.kubernetes.io/revision',
    'config.k8s.io/owning-inventory',
    'unknown-tool.example/publish-as',
  ])('%s is not copied', (key) => {
    expect(copied({}, { [key]: 'x' })).toEqual({ labels: own });
  });

  test.each([
    'note',
    'prometheus.io/scrape',
    'prometheus.io/port',
    'service.kubernetes.io/topology-mode',
    'traefik.ingress.kubernetes.io/service.serversscheme',
    'alb.ingress.kubernetes.io/healthcheck-path',
    'networking.istio.io/exportTo',
    'balancer.linkerd.io/failure-accrual',
    'metric-config.pods.requests-per-second.json-path/json-key',
  ])('%s is copied', (key) => {
    expect(copied({}, { [key]: 'x' }).annotations).toEqual({ [key]: 'x' });
  });

  test('of whatever tool: no key with a prefix that is not known is ever copied', () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9]{2,8}$/);
    fc.assert(
      fc.property(fc.array(label, { minLength: 2, maxLength: 4 }), label, (domain, name) => {
        expect(copied({}, { [`${domain.join('.')}.example/${name}`]: 'x' })).toEqual({ labels: own });
      }),
    );
  });
});

test('a headless Service with a published name does not publish the canary under it', () => {
  const stable = service.parse({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'checkout',
      annotations: { 'external-dns.alpha.kubernetes.io/hostname': 'checkout.example.com' },
      finalizers: ['service.kubernetes.io/load-balancer-cleanup'],
      ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: '1' }],
    },
    spec: { clusterIP: 'None', selector: { app: 'checkout' }, ports: [] },
  });
  const made = canaryService(stable, { app: 'checkout-canary' }, { namespace: 'shop', rollout: 'checkout' });
  expect(made.metadata).toEqual({ name: 'checkout-canary', namespace: 'shop', labels: own });
});

test("the template of the canary's pods keeps what injectors and scrapers read, and no mark of an owner", () => {
  const annotations = {
    'prometheus.io/scrape': 'true',
    'sidecar.istio.io/inject': 'true',
    'linkerd.io/inject': 'enabled',
    'vault.hashicorp.com/agent-inject': 'true',
    'instrumentation.opentelemetry.io/inject-java': 'true',
    'checksum/config': 'abc',
    'sluice.dev/config-checksum': 'def',
    'acme.example/tier': 'gold',
  };
  const marks = {
    'argocd.argoproj.io/tracking-id': 'x',
    'kustomize.toolkit.fluxcd.io/checksum': 'x',
    'external-dns.alpha.kubernetes.io/hostname': 'checkout.example.com',
    'reloader.stakater.com/last-reloaded-from': 'x',
  };
  const stable = workload.parse({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'checkout' },
    spec: {
      selector: { matchLabels: { app: 'checkout' } },
      template: {
        metadata: {
          labels: { app: 'checkout' },
          annotations: { ...annotations, ...marks },
          finalizers: ['a/b'],
          ownerReferences: [],
        },
        spec: { containers: [{ name: 'app', image: 'shop:1' }] },
      },
    },
  });
  const labels = { app: 'checkout-canary' };
  const made = canaryWorkload(stable, stable.spec.template, labels, {
    namespace: 'shop',
    rollout: 'checkout',
    replicas: 1,
  });
  expect(made.spec).toMatchObject({ template: { metadata: { labels, annotations } } });
  expect(JSON.stringify(made)).not.toMatch(/tracking-id|external-dns|reloader|fluxcd|finalizers|ownerReferences/);
});

test("the canary's autoscaler has no mark of KEDA", () => {
  const stable = autoscaler.parse({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'keda-hpa', labels: { 'scaledobject.keda.sh/name': 'checkout', app: 'checkout' } },
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'checkout' }, maxReplicas: 3 },
  });
  expect(canaryAutoscaler(stable, 'shop', 'checkout').metadata).toMatchObject({ labels: { app: 'checkout', ...own } });
});

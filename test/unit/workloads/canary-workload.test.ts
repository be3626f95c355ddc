import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { selectorText, selects } from '../../../src/cluster/selectors.ts';
import { canaryLabels, canarySelector } from '../../../src/workloads/canary-labels.ts';
import {
  canaryDestinationRule,
  canaryService,
  destinationRule,
  isAbout,
  service,
} from '../../../src/workloads/canary-network.ts';
import { canaryWorkload, checkSupported } from '../../../src/workloads/canary-workload.ts';
import {
  autoscaler,
  canaryAutoscaler,
  canaryDisruptionBudget,
  disruptionBudget,
  replicasFor,
} from '../../../src/workloads/scaling.ts';
import { parseWorkloadInput, workload } from '../../../src/workloads/workload.ts';

const place = { namespace: 'shop', rollout: 'checkout' };

const matchLabels = (labels: Record<string, string>) => ({ matchLabels: labels });

describe('the labels of a canary', () => {
  test('differ in one value where that is enough', () => {
    const labels = { app: 'checkout', tier: 'web', 'app.kubernetes.io/instance': 'shop' };
    const found = canaryLabels(
      labels,
      [matchLabels({ app: 'checkout' }), matchLabels({ app: 'checkout', tier: 'web' })],
      [],
    );
    expect(found).toEqual({
      labels: { ...labels, app: 'checkout-canary', 'sluice.dev/arm': 'canary' },
      stillSelects: [],
    });
  });

  test('differ in more where Services look at different ones', () => {
    const labels = { app: 'checkout', tier: 'web' };
    const found = canaryLabels(labels, [matchLabels({ app: 'checkout' }), matchLabels({ tier: 'web' })], []);
    expect(found.labels).toMatchObject({ app: 'checkout-canary', tier: 'web-canary' });
  });

  test('keep what the Service looks at that shall pick the canary', () => {
    const labels = { app: 'checkout', track: 'stable' };
    const joined = matchLabels({ app: 'checkout' });
    const found = canaryLabels(labels, [matchLabels(labels)], [joined]);
    expect(found.labels).toEqual({ app: 'checkout', track: 'stable-canary', 'sluice.dev/arm': 'canary' });
    expect(selects(joined, found.labels)).toBe(true);
  });

  test('tell which selector nothing escapes', () => {
    const exists = { matchExpressions: [{ key: 'app', operator: 'Exists' as const }] };
    expect(canaryLabels({ app: 'checkout' }, [exists], []).stillSelects).toEqual([exists]);
  });

  test('stay within the length of a label', () => {
    const app = 'a'.repeat(63);
    expect(canaryLabels({ app }, [matchLabels({ app })], []).labels.app).toHaveLength(63);
  });

  test('escape every selector made of equalities', () => {
    const labels = fc.dictionary(
      fc.constantFrom('app', 'tier', 'name', 'team', 'zone'),
      fc.constantFrom('a', 'b', 'a-canary'),
      {
        minKeys: 1,
      },
    );
    fc.assert(
      fc.property(
        labels,
        fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 }),
        (stable, picks) => {
          const keys = Object.keys(stable);
          const selectors = picks.map((indices) =>
            matchLabels(
              Object.fromEntries(
                indices.map((index) => keys[index % keys.length] ?? '').map((key) => [key, stable[key] ?? '']),
              ),
            ),
          );
          const found = canaryLabels(stable, selectors, []);
          expect(found.stillSelects).toEqual([]);
          expect(selectors.filter((selector) => selects(selector, found.labels))).toEqual([]);
          expect(selects(canarySelector(selectors[0] ?? {}, stable, found.labels), found.labels)).toBe(true);
          expect(selects(canarySelector(selectors[0] ?? {}, stable, found.labels), stable)).toBe(false);
        },
      ),
    );
  });
});

test.each([
  [
    { matchExpressions: [{ key: 'a', operator: 'In' as const, values: ['1', '2'] }] },
    'a in (1,2)',
    { a: '2' },
    { a: '3' },
  ],
  [{ matchExpressions: [{ key: 'a', operator: 'NotIn' as const, values: ['1'] }] }, 'a notin (1)', {}, { a: '1' }],
  [{ matchExpressions: [{ key: 'a', operator: 'Exists' as const }] }, 'a', { a: '' }, { b: '' }],
  [{ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' as const }] }, '!a', { b: '' }, { a: '' }],
  [{ matchLabels: { a: '1', b: '2' } }, 'a=1,b=2', { a: '1', b: '2', c: '3' }, { a: '1' }],
])('selector %j is written %s', (selector, text, matching, other) => {
  expect(selectorText(selector)).toBe(text);
  expect(selects(selector, matching)).toBe(true);
  expect(selects(selector, other)).toBe(false);
});

describe('the workload of a canary', () => {
  const stable = workload.parse({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'checkout',
      labels: { team: 'shop', 'app.kubernetes.io/instance': 'shop', 'kustomize.toolkit.fluxcd.io/name': 'apps' },
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
        'meta.helm.sh/release-name': 'shop',
        note: 'kept',
      },
      managedFields: [{ manager: 'argocd-controller', operation: 'Apply', fieldsV1: {} }],
    },
    spec: {
      replicas: 4,
      futureField: { kept: true },
      selector: { matchLabels: { app: 'checkout' } },
      template: {
        metadata: { labels: { app: 'checkout', zone: 'a' }, annotations: { scrape: 'yes' } },
        spec: {
          containers: [{ name: 'app', image: 'shop:1', unknown: [1, 2] }],
          affinity: {
            nodeAffinity: { kept: true },
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'host', labelSelector: { matchLabels: { app: 'checkout' } } },
              ],
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  weight: 1,
                  podAffinityTerm: {
                    topologyKey: 'zone',
                    labelSelector: {
                      matchExpressions: [{ key: 'app', operator: 'In', values: ['checkout', 'basket'] }],
                    },
                  },
                },
              ],
            },
          },
          topologySpreadConstraints: [{ maxSkew: 1, labelSelector: { matchLabels: { app: 'checkout' } } }],
        },
      },
    },
  });
  const labels = { app: 'checkout-canary', zone: 'a', 'sluice.dev/arm': 'canary' };
  const options = { namespace: 'shop', rollout: 'checkout', replicas: 1 };
  const made = canaryWorkload(stable, stable.spec.template, labels, options);

  test('is the stable one with its own name, labels and replicas; fields that nobody knows are kept', () => {
    expect(made).toMatchObject({
      metadata: { name: 'checkout-canary', namespace: 'shop' },
      spec: {
        replicas: 1,
        futureField: { kept: true },
        selector: { matchLabels: { app: 'checkout-canary', 'sluice.dev/arm': 'canary' } },
        template: {
          metadata: { labels, annotations: { scrape: 'yes' } },
          spec: { containers: [{ name: 'app', image: 'shop:1', unknown: [1, 2] }] },
        },
      },
    });
  });

  test('means its own pods where the stable one means its own', () => {
    expect(made.spec).toMatchObject({
      template: {
        spec: {
          affinity: {
            nodeAffinity: { kept: true },
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { labelSelector: { matchLabels: { app: 'checkout-canary' } } },
              ],
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  podAffinityTerm: { labelSelector: { matchExpressions: [{ values: ['checkout-canary', 'basket'] }] } },
                },
              ],
            },
          },
          topologySpreadConstraints: [{ maxSkew: 1, labelSelector: { matchLabels: { app: 'checkout-canary' } } }],
        },
      },
    });
  });

  test('is not taken by other tools for something of theirs', () => {
    expect(made.metadata).toEqual({
      name: 'checkout-canary',
      namespace: 'shop',
      labels: { team: 'shop', 'app.kubernetes.io/managed-by': 'sluice', 'sluice.dev/rollout': 'checkout' },
      annotations: { note: 'kept' },
    });
  });
});

test.each([
  ['Deployment', 235, undefined],
  ['Deployment', 236, /253/],
  ['StatefulSet', 45, undefined],
  ['StatefulSet', 46, /63/],
])('a %s whose name has %i characters', (kind, length, problem) => {
  const stable = workload.parse({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'c'.repeat(length) },
    spec: { selector: {}, template: { metadata: { labels: { app: 'c' } }, spec: { containers: [] } } },
  });
  if (problem) expect(() => checkSupported(stable, 'shop')).toThrow(problem);
  else expect(() => checkSupported(stable, 'shop')).not.toThrow();
});

describe('the Service of a canary', () => {
  const serviceOf = (spec: object) =>
    canaryService(
      service.parse({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'checkout' }, spec }),
      { app: 'canary' },
      { namespace: 'shop', rollout: 'checkout' },
    ).spec;

  test('has the same ports and none of the addresses', () => {
    const http = { name: 'http', port: 80, targetPort: 'web', protocol: 'TCP', appProtocol: 'h2c', nodePort: 31_000 };
    const made = serviceOf({
      type: 'LoadBalancer',
      clusterIP: '10.0.0.1',
      clusterIPs: ['10.0.0.1'],
      externalIPs: ['1.2.3.4'],
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 32_000,
      sessionAffinity: 'ClientIP',
      selector: { app: 'checkout' },
      ports: [http],
    });
    const { nodePort: _, ...port } = http;
    expect(made).toEqual({
      type: 'ClusterIP',
      sessionAffinity: 'ClientIP',
      selector: { app: 'canary' },
      ports: [port],
    });
  });

  test('is headless where the stable one is', () => {
    expect(serviceOf({ clusterIP: 'None', selector: { app: 'checkout' }, ports: [] })).toMatchObject({
      clusterIP: 'None',
    });
  });
});

describe('the DestinationRule of a canary', () => {
  const rule = (spec: object) =>
    destinationRule.parse({
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'checkout' },
      spec,
    });

  test('replaces settings of the host by those of the subset, one by one', () => {
    const found = rule({
      host: 'checkout',
      exportTo: ['.'],
      trafficPolicy: { tls: { mode: 'SIMPLE' }, connectionPool: { tcp: { maxConnections: 1 } } },
      subsets: [{ name: 'v1', trafficPolicy: { connectionPool: { tcp: { maxConnections: 9 } } } }, { name: 'v2' }],
    });
    expect(
      canaryDestinationRule(found, { subset: 'v1', host: 'checkout-canary.shop.svc.cluster.local' }, place).spec,
    ).toEqual({
      host: 'checkout-canary.shop.svc.cluster.local',
      exportTo: ['.'],
      trafficPolicy: { tls: { mode: 'SIMPLE' }, connectionPool: { tcp: { maxConnections: 9 } } },
    });
  });

  test.each([
    ['checkout', true],
    ['checkout.shop', true],
    ['checkout.shop.svc.cluster.local', true],
    ['checkout.other.svc.cluster.local', false],
    ['checkout-2', false],
    ['*.shop.svc.cluster.local', false],
  ])('is about host %s: %s', (host, expected) => {
    expect(isAbout(rule({ host }), 'checkout', 'shop')).toBe(expected);
  });
});

describe('scaling', () => {
  test.each([
    [5, 10, 1, 1],
    [25, 10, 1, 3],
    [50, 10, 1, 5],
    [100, 10, 1, 10],
    [1, 3, 2, 2],
    [50, 0, 0, 1],
  ])('%i %% of what %i pods carry, at least %i, takes %i', (weight, capacity, least, expected) => {
    expect(replicasFor(weight, capacity, least)).toBe(expected);
  });

  test("the canary's autoscaler is the stable one's, aimed at the canary", () => {
    const spec = {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
      minReplicas: 2,
      maxReplicas: 9,
      metrics: [{ type: 'Resource' }],
      behavior: { scaleDown: {} },
    };
    const stable = autoscaler.parse({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'cpu' },
      spec,
    });
    expect(canaryAutoscaler(stable, 'shop', 'checkout')).toMatchObject({
      metadata: { name: 'cpu-canary' },
      spec: { ...spec, scaleTargetRef: { ...spec.scaleTargetRef, name: 'checkout-canary' } },
    });
  });

  test('no second disruption budget where the stable one covers the canary, as such pods could not be evicted', () => {
    const budget = (selector: object) =>
      disruptionBudget.parse({
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'b' },
        spec: { minAvailable: 2, selector },
      });
    const labels = { app: 'checkout-canary', tier: 'web' };
    const of = (selector: object) =>
      canaryDisruptionBudget(budget(selector), { labels, selector: { matchLabels: labels } }, place);
    expect(of({ matchLabels: { tier: 'web' } })).toBeUndefined();
    expect(of({ matchLabels: { app: 'checkout' } })).toMatchObject({ spec: { maxUnavailable: 1 } });
  });
});

describe('the name of a workload', () => {
  test.each([
    ['deployment/checkout', { kind: 'Deployment', name: 'checkout' }],
    [' Deploy/checkout ', { kind: 'Deployment', name: 'checkout' }],
    ['sts/checkout', { kind: 'StatefulSet', name: 'checkout' }],
    ['app.kubernetes.io/name=checkout,track=canary', { selector: 'app.kubernetes.io/name=checkout,track=canary' }],
    ['track in (canary, next)', { selector: 'track in (canary, next)' }],
  ])('%s', (text, expected) => {
    expect(parseWorkloadInput(text, 'workload')).toEqual(expected);
  });

  test.each(['', 'checkout', 'pod/checkout', 'deployment/', 'deployment/a/b'])(
    '"%s" is refused with an example',
    (text) => {
      expect(() => parseWorkloadInput(text, 'workload')).toThrow(/deployment\/NAME/);
    },
  );
});

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: query placeholders are what users write
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JsonRecord } from '../../lab/embedded/api-server/objects.ts';
import type { Lab, LabOptions } from '../../lab/embedded/index.ts';
import { reached } from '../../lab/embedded/scenarios.ts';
import {
  annotations,
  expectNoSecret,
  expectServed,
  inLab,
  namesOf,
  objectOf,
  scraped,
  servesOnly,
} from '../support/release.ts';

const bad = { canary: { errorRate: 1 } };
const route = (lab: Lab) => objectOf(lab, 'networking.istio.io/v1', 'VirtualService')?.spec;
const imageOf = (lab: Lab, name = 'checkout') =>
  JSON.parse(JSON.stringify(objectOf(lab, 'apps/v1', 'Deployment', name)?.spec)).template.spec.containers[0].image;

describe.concurrent('Two workloads that exist', () => {
  const none = { workload: '', image: '', 'stable-subset': '', service: '' };
  const bySubset = { service: 'checkout', 'stable-subset': 'stable', 'canary-subset': 'canary' };
  const byService = { 'stable-service': 'checkout', 'canary-service': 'checkout-canary' };
  const targets = [
    {
      called: 'Deployments by name',
      lab: { router: 'istio', arms: 'both' },
      inputs: { ...none, ...bySubset, stable: 'deployment/checkout', canary: 'deployment/checkout-canary' },
      route: { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService' },
    },
    {
      called: 'StatefulSets by name',
      lab: { router: 'istio', arms: 'both', workload: 'StatefulSet' },
      inputs: { ...none, ...bySubset, stable: 'statefulset/checkout', canary: 'statefulset/checkout-canary' },
      route: { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService' },
    },
    {
      called: 'Deployments by label selector',
      lab: { router: 'gateway-api', arms: 'both' },
      inputs: { ...none, ...byService, stable: 'app=checkout,version=v1', canary: 'app=checkout,version=v2' },
      route: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' },
    },
  ] as const;

  it.each(targets)('$called: all traffic stays with the canary that is promoted', async (target) => {
    await inLab(target.lab, async ({ lab, release }) => {
      const { status, outputs, log } = await release({ inputs: target.inputs });
      expect(outputs, log).toMatchObject({ verdict: 'promoted', weight: '100' });
      expect(status).toBe(0);
      expect(outputs.digest).toMatch(/^sha256:/);
      expect(lab.canaryWeight()).toBe(100);
      await servesOnly(lab, '1.1.0');
      expectServed(lab);

      const again = await release({ job: 2, inputs: target.inputs });
      expect(again.outputs, again.log).toMatchObject({ verdict: 'promoted', digest: outputs.digest });
      expect(again.outputs.reason).toContain('serves this release already');
      expect(lab.canaryWeight()).toBe(100);
    });
  });

  it.each(targets)('$called: a failing one loses all traffic, and the route is as it was', async (target) => {
    await inLab({ ...target.lab, ...bad }, async ({ lab, release }) => {
      const found = objectOf(lab, target.route.apiVersion, target.route.kind)?.spec;
      const { status, outputs, log } = await release({ inputs: target.inputs });
      expect(outputs.verdict, log).toBe('rolled-back');
      expect(status).toBe(1);
      expect(objectOf(lab, target.route.apiVersion, target.route.kind)?.spec).toEqual(found);
      await servesOnly(lab, '1.0.0');
      expectServed(lab);
    });
  });
});

describe.concurrent('One workload', () => {
  it('with an autoscaler and a disruption budget keeps both as they were, and the canary has its own meanwhile', async () => {
    await inLab({}, async ({ lab, start }) => {
      const scaler = putAutoscaler(lab);
      const budget = putBudget(lab);
      const run = await start();
      await reached(lab, run, 30);
      expect(namesOf(lab, 'autoscaling/v2', 'HorizontalPodAutoscaler')).toEqual(['checkout', 'checkout-canary']);
      expect(namesOf(lab, 'policy/v1', 'PodDisruptionBudget')).toEqual(['checkout', 'checkout-canary']);

      const { outputs, log } = await run.ended;
      expect(outputs.verdict, log).toBe('promoted');
      expect(namesOf(lab, 'autoscaling/v2', 'HorizontalPodAutoscaler')).toEqual(['checkout']);
      expect(namesOf(lab, 'policy/v1', 'PodDisruptionBudget')).toEqual(['checkout']);
      expect(objectOf(lab, 'autoscaling/v2', 'HorizontalPodAutoscaler')?.spec).toEqual(scaler);
      expect(objectOf(lab, 'policy/v1', 'PodDisruptionBudget')?.spec).toEqual(budget);
      expect(imageOf(lab)).toBe(lab.canaryImage);
      expectServed(lab);
    });
  });

  it('whose config changes with the release has the new content when it is promoted', async () => {
    await withConfig({}, async ({ lab, release, settings }) => {
      const { outputs, log } = await release();
      expect(outputs.verdict, log).toBe('promoted');
      expect(settings()).toEqual({ colour: 'green' });
      expect(namesOf(lab, 'v1', 'ConfigMap')).toEqual(['settings', 'sluice-checkout']);
      expectServed(lab);
    });
  });

  it('whose config changes with the release has the old content when it is rolled back', async () => {
    await withConfig(bad, async ({ lab, start, settings }) => {
      const run = await start();
      await reached(lab, run, 30);
      expect(objectOf(lab, 'v1', 'ConfigMap', 'settings-canary')?.data).toEqual({ colour: 'green' });
      expect(settings()).toEqual({ colour: 'blue' });
      const { outputs, log } = await run.ended;
      expect(outputs.verdict, log).toBe('rolled-back');
      expect(settings()).toEqual({ colour: 'blue' });
      expect(namesOf(lab, 'v1', 'ConfigMap')).toEqual(['settings', 'sluice-checkout']);
      expectServed(lab);
    });
  });

  it('is left alone when a promoted release is run again, and released again when somebody went back', async () => {
    await inLab({}, async ({ lab, release }) => {
      const first = await release();
      expect(first.outputs.verdict, first.log).toBe('promoted');
      const writes = lab.api.audit.filter(({ verb }) => verb === 'patch').length;

      const again = await release({ job: 2 });
      expect(again.status, again.log).toBe(0);
      expect(again.outputs).toMatchObject({
        verdict: 'promoted',
        digest: first.outputs.digest,
        'canary-requests': '0',
      });
      expect(again.outputs.reason).toMatch(/^Deployment shop\/checkout serves this release already, .*runs\/1/);
      expect(annotations(again, 'error')).toEqual([]);
      expect(again.summary).toContain('Promoted');
      expect(lab.api.audit.filter(({ verb }) => verb === 'patch')).toHaveLength(writes);

      putWorkload(lab, lab.stableImage);
      await servesOnly(lab, '1.0.0');
      const third = await release({ job: 3 });
      expect(third.outputs.verdict, third.log).toBe('promoted');
      expect(Number(third.outputs['canary-requests'])).toBeGreaterThan(0);
      expect(imageOf(lab)).toBe(lab.canaryImage);
      expectServed(lab);
    });
  });
});

describe.concurrent('Prometheus', () => {
  const frequent = { prometheus: { scrapeInterval: 500 } };
  const bySelf = { meter: 'prometheus', prometheus: 'k8s://monitoring/prometheus:9090' };

  it('is reached through the API server, with the counters of the mesh', async () => {
    await inLab({ ...frequent, ...bad }, async ({ lab, release }) => {
      const found = route(lab);
      await scraped(lab);
      const { outputs, log } = await release({ inputs: bySelf });
      expect(outputs.verdict, log).toBe('rolled-back');
      expect(outputs.reason).toMatch(/^error-rate: [\d,]+ of [\d,]+ canary requests failed \(100 %\)/);
      expect(log).toContain('istio_requests_total');
      expect(route(lab)).toEqual(found);
      expectServed(lab);
    });
  });

  it('is reached by its URL with a token, and asked in the words of the user', async () => {
    const token = 'prometheus-token-41c7';
    await inLab({ prometheus: { scrapeInterval: 500, authorization: `Bearer ${token}` } }, async ({ lab, release }) => {
      const pods = 'http_requests_total{namespace="${namespace}",pod=~"${workload}-[a-z0-9]+-[a-z0-9]+"';
      await scraped(lab);
      const ended = await release({
        inputs: {
          meter: 'prometheus',
          prometheus: lab.prometheus.url,
          'prometheus-token': token,
          'query-requests': `${pods}}`,
          'query-errors': `${pods},code=~"5.."}`,
        },
      });
      expect(ended.outputs.verdict, ended.log).toBe('promoted');
      expect(Number(ended.outputs['canary-requests'])).toBeGreaterThan(0);
      expectNoSecret(ended, [token, 'embedded-admin-token']);
      expectServed(lab);
    });
  });

  it('decides by any PromQL that passes its limit', async () => {
    await inLab(frequent, async ({ lab, release }) => {
      const found = route(lab);
      const query = 'sum(http_requests_total{pod=~"${workload}-[a-z0-9]+-[a-z0-9]+"})';
      await scraped(lab);
      const { outputs, log } = await release({
        inputs: {
          ...bySelf,
          metrics: 'http',
          steps: '30 for 20s, 100',
          checks: `- check: promql\n  name: quota\n  query: '${query}'\n  above: 40`,
        },
      });
      expect(outputs.verdict, log).toBe('rolled-back');
      expect(outputs.reason).toMatch(/^quota: /);
      expect(route(lab)).toEqual(found);
      expectServed(lab);
    });
  });
});

/** A lab whose workload reads a ConfigMap, which changes with the release. */
async function withConfig(
  options: LabOptions,
  tell: (stage: {
    readonly lab: Lab;
    readonly start: Parameters<Parameters<typeof inLab>[1]>[0]['start'];
    readonly release: Parameters<Parameters<typeof inLab>[1]>[0]['release'];
    readonly settings: () => unknown;
  }) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'config-files-'));
  try {
    await inLab(options, async ({ lab, start, release }) => {
      const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: lab.namespace } };
      lab.api.put({ ...config, data: { colour: 'blue' } });
      putWorkload(lab, lab.stableImage, { envFrom: [{ configMapRef: { name: 'settings' } }] });
      await writeFile(join(folder, 'settings.yaml'), JSON.stringify({ ...config, data: { colour: 'green' } }));
      await lab.until(() => isRolledOut(lab));
      const inputs = { 'config-files': join(folder, '*.yaml') };
      await tell({
        lab,
        start: (given) => start({ ...given, inputs }),
        release: (given) => release({ ...given, inputs }),
        settings: () => objectOf(lab, 'v1', 'ConfigMap', 'settings')?.data,
      });
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Deploys an image to the workload, as `kubectl apply` does. */
function putWorkload(lab: Lab, image: string, container: JsonRecord = {}): void {
  const { apiVersion, kind, spec } = JSON.parse(JSON.stringify(objectOf(lab, 'apps/v1', 'Deployment')));
  const [first] = spec.template.spec.containers;
  spec.template.spec.containers = [{ ...first, ...container, image }];
  lab.api.put({ apiVersion, kind, spec, metadata: { name: 'checkout', namespace: lab.namespace } });
}

function isRolledOut(lab: Lab): boolean {
  const { metadata, status, spec } = JSON.parse(JSON.stringify(objectOf(lab, 'apps/v1', 'Deployment')));
  const { observedGeneration, updatedReplicas, readyReplicas, replicas } = status ?? {};
  const counts = [updatedReplicas, readyReplicas, replicas];
  return observedGeneration === metadata.generation && counts.every((count) => count === spec.replicas);
}

/** @returns its spec */
function putAutoscaler(lab: Lab): unknown {
  return lab.api.put({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'checkout', namespace: lab.namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
      minReplicas: 2,
      maxReplicas: 6,
    },
  }).spec;
}

/** @returns its spec */
function putBudget(lab: Lab): unknown {
  return lab.api.put({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'checkout', namespace: lab.namespace },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'checkout', version: 'v1' } } },
  }).spec;
}

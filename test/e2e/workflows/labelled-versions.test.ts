import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { Lab, LabOptions } from '../../../lab/embedded/index.ts';
import { githubToken, startGitHub } from '../../support/github-double.ts';
import { expectServed, inLab, namesOf, objectOf, servesOnly } from '../../support/release.ts';
import { runWorkflow, starter, type WorkflowRun } from './act.ts';

/** Minutes become seconds: nobody keeps a connection open here, and the lab's Prometheus has half a minute of the service. */
const workflow = (await starter('labelled-versions'))
  .replace(/^( +)timeout: .*$/m, '$&\n$1drain: 0s')
  .replaceAll('[5m]', '[3s]')
  .replaceAll('offset 15m', 'offset 8s');

const istio = 'networking.istio.io/v1';
const deployed = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout-v2, labels: {app: checkout, version: v2}}
spec:
  replicas: 2
  selector: {matchLabels: {app: checkout, version: v2}}
  template:
    metadata:
      labels: {app: checkout, version: v2}
      annotations: {prometheus.io/scrape: 'true', prometheus.io/port: '8080'}
    spec:
      containers: [{name: checkout, image: registry.example/checkout:1.1.0, ports: [{name: http, containerPort: 8080}]}]
`;

/** The route as the team has it: a subset for each version, all requests to v1. */
function putRoute(lab: Lab): void {
  const subsets = ['v1', 'v2'].map((version) => ({ name: version, labels: { version } }));
  const route = subsets.map(({ name }) => ({
    destination: { host: 'checkout', subset: name },
    weight: name === 'v1' ? 100 : 0,
  }));
  const metadata = { name: 'checkout', namespace: lab.namespace };
  lab.api.put({ apiVersion: istio, kind: 'DestinationRule', metadata, spec: { host: 'checkout', subsets } });
  lab.api.put({
    apiVersion: istio,
    kind: 'VirtualService',
    metadata,
    spec: { hosts: [lab.host], http: [{ name: 'primary', retries: { attempts: 0 }, timeout: '15s', route }] },
  });
}

const weighted = z.looseObject({
  http: z.tuple([
    z.looseObject({
      route: z.array(z.looseObject({ destination: z.looseObject({ subset: z.string() }), weight: z.number() })),
    }),
  ]),
});

/** Subset → weight. */
function weightsOf(lab: Lab): Record<string, number> {
  const { http } = weighted.parse(objectOf(lab, istio, 'VirtualService')?.spec);
  return Object.fromEntries(http[0].route.map(({ destination, weight }) => [destination.subset, weight]));
}

const template = z.looseObject({
  template: z.looseObject({ metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }) }),
});
const labelsOf = (lab: Lab, name: string) =>
  template.parse(objectOf(lab, 'apps/v1', 'Deployment', name)?.spec).template.metadata.labels;

interface Stage {
  readonly lab: Lab;
  readonly run: WorkflowRun;
  /** States of the one deployment that GitHub was told of. */
  readonly told: () => string[];
}

async function releasing(options: LabOptions, steps: string, tell: (stage: Stage) => Promise<void>): Promise<void> {
  const github = await startGitHub({ anyCommit: true });
  try {
    await inLab({ router: 'istio', arms: 'one', rate: 80, ...options }, async ({ lab }) => {
      putRoute(lab);
      const run = await runWorkflow({
        workflow,
        event: 'workflow_dispatch',
        inputs: { from: 'v1', to: 'v2' },
        files: { 'deploy/v2.yaml': deployed },
        secrets: { KUBECONFIG: await readFile(lab.kubeconfigPath, 'utf8'), GITHUB_TOKEN: githubToken },
        vars: {
          SLUICE_NAME: 'checkout',
          SLUICE_NAMESPACE: lab.namespace,
          SLUICE_PROMETHEUS: lab.prometheus.url,
          SLUICE_STEPS: steps,
        },
        machine: { path: [], env: { GITHUB_API_URL: github.url } },
        deadline: 110_000,
      });
      try {
        await tell({
          lab,
          run,
          told: () => github.deployments.flatMap(({ id }) => github.states(id)),
        });
      } finally {
        run.kill();
        await run.clean();
      }
    });
  } finally {
    await github.stop();
  }
}

describe.concurrent('The starter workflow labelled-versions', () => {
  it('gives all requests to v2 where the trend of 5xx stays as it was', async () => {
    await releasing({}, '30 for 2s, 100', async ({ lab, run, told }) => {
      const { status, outputs, log, summary } = await run.ended;
      expect(status, log).toBe(0);
      expect(outputs.verdict).toBe('promoted');
      expect(summary).toContain('5xx-trend');
      expect(weightsOf(lab)).toEqual({ v1: 0, v2: 100 });
      expect(labelsOf(lab, 'checkout-v2')).toMatchObject({ app: 'checkout', version: 'v2' });
      await servesOnly(lab, '1.1.0');
      expectServed(lab);
      expect(told()).toEqual(['in_progress', 'success']);
    });
  });

  it('gives all requests back to v1 where v2 answers with 5xx', async () => {
    await releasing({ canary: { errorRate: 0.5 } }, '30 for 60s, 100', async ({ lab, run, told }) => {
      const { status, outputs, log } = await run.ended;
      expect(status, log).toBe(1);
      expect(outputs.verdict, log).toBe('rolled-back');
      expect(weightsOf(lab)).toEqual({ v1: 100, v2: 0 });
      // It stays to be looked at, without a request.
      expect(namesOf(lab, 'apps/v1', 'Deployment')).toEqual(['checkout', 'checkout-v2']);
      await servesOnly(lab, '1.0.0');
      expectServed(lab);
      expect(told()).toEqual(['in_progress', 'failure']);
    });
  });

  it('gives all requests back to v1 where v2 makes v1 answer with 5xx as well', async () => {
    await releasing({}, '30 for 60s, 100', async ({ lab, run }) => {
      await lab.until(() => weightsOf(lab).v2 === 30, AbortSignal.timeout(60_000));
      for (const image of [lab.stableImage, lab.canaryImage]) lab.images.set(image, { errorRate: 0.2 });
      const { status, outputs, log } = await run.ended;
      expect(status, log).toBe(1);
      expect(outputs.verdict, log).toBe('rolled-back');
      expect(outputs.reason).toMatch(/^5xx-trend/);
      expect(weightsOf(lab)).toEqual({ v1: 100, v2: 0 });
      await servesOnly(lab, '1.0.0');
    });
  });
});

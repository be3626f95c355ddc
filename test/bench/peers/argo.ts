import * as z from 'zod';
import type { Manifest } from '../../../lab/cluster/kubernetes.ts';
import { endpoints } from '../../../lab/cluster/layout.ts';
import { faults } from './faults.ts';
import { canarySubset, gatewayRate } from './queries.ts';
import type { Shop } from './shop.ts';
import { type ConfigName, rampWeights, type Tool } from './tool.ts';

const rollout = z.looseObject({
  status: z
    .looseObject({
      phase: z.string().default(''),
      message: z.string().default(''),
      abort: z.boolean().default(false),
      stableRS: z.string().default(''),
      currentPodHash: z.string().default(''),
    })
    .prefault({}),
});

/** Its steps, and since which of them the analysis runs in the background. */
const plans = {
  hold: { steps: [{ setWeight: 5 }, { pause: { duration: '5m' } }], startingStep: 1 },
  ramp: {
    steps: rampWeights.flatMap((weight) => [{ setWeight: weight }, { pause: { duration: '10s' } }]),
    startingStep: 1,
  },
  /** https://argo-rollouts.readthedocs.io/en/stable/features/analysis/#background-analysis */
  sample: {
    steps: [20, 40, 60, 80].flatMap((weight) => [{ setWeight: weight }, { pause: { duration: '10m' } }]),
    startingStep: 2,
  },
} as const;

/**
 * Argo Rollouts, which takes the place of the Deployment, with a subset for each arm. With a Service for each arm, its other
 * way, version 1.10.2 changes the canary's Service back and forth after an abort, forty times a second, for as long as the
 * canary's pods stay: istiod waits for changes to end, ten seconds at most, before it tells the gateway anything.
 */
export const argo: Tool = {
  // It leaves the canary's pods for thirty seconds after an abort.
  aftermath: 36_000,

  async install(shop, config) {
    await shop.apply([
      ...shop.parts('Namespace', 'Service'),
      destinationRule(shop),
      virtualService(shop),
      config === 'sample' ? sampleAnalysis(shop) : fastAnalysis(shop),
      ...shop.parts('Deployment').map((deployment) => rolloutOf(deployment, config)),
    ]);
    await shop.until('Rollout healthy', async () => (await statusOf(shop)).phase === 'Healthy');
    await shop.until('v1 through the gateway', shop.served);
  },

  async release({ shop, fault, signal }) {
    const { stableRS } = await statusOf(shop);
    await shop.setImage(shop.path('argoproj.io/v1alpha1/rollouts/checkout'), faults[fault].image);
    const ended = async () => {
      const status = await statusOf(shop);
      return status.abort || (status.phase === 'Healthy' && status.stableRS !== stableRS);
    };
    await shop.ended(ended, signal);
    const last = await statusOf(shop);
    return { verdict: last.abort ? 'rolled-back' : 'promoted', reason: last.message };
  },
};

async function statusOf(shop: Shop): Promise<z.infer<typeof rollout>['status']> {
  return rollout.parse(await shop.api.get(shop.path('argoproj.io/v1alpha1/rollouts/checkout'))).status;
}

/** https://argo-rollouts.readthedocs.io/en/stable/features/traffic-management/istio/#subset-level-traffic-splitting */
function destinationRule({ namespace }: Shop): Manifest {
  const subset = (name: string) => ({ name, labels: { app: 'checkout' } });
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'checkout', namespace },
    spec: { host: 'checkout', subsets: [subset('stable'), subset('canary')] },
  };
}

function virtualService({ namespace, host }: Shop): Manifest {
  const to = (subset: string, weight: number) => ({ destination: { host: 'checkout', subset }, weight });
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'checkout', namespace },
    spec: {
      hosts: [host],
      gateways: ['istio-system/ingress'],
      http: [{ name: 'primary', route: [to('stable', 100), to('canary', 0)] }],
    },
  };
}

/** No answer is no failure: the counters come with the first request, and errors with the first error. */
function fastAnalysis({ namespace }: Shop): Manifest {
  const rate = (statuses: string) => gatewayRate(canarySubset(namespace), statuses, '15s');
  return analysisTemplate(namespace, {
    name: 'error-rate',
    interval: '1s',
    successCondition: 'len(result) == 0 || isNaN(result[0]) || result[0] <= 0.01',
    failureLimit: 0,
    provider: { prometheus: { address: endpoints.prometheus, query: `${rate('5xx')} / ${rate('.xx')}` } },
  });
}

function sampleAnalysis({ namespace }: Shop): Manifest {
  const rate = (statuses: string) => gatewayRate(canarySubset(namespace), statuses, '5m').replace('rate', 'irate');
  return analysisTemplate(namespace, {
    name: 'success-rate',
    interval: '5m',
    successCondition: 'result[0] >= 0.95',
    failureLimit: 3,
    provider: { prometheus: { address: endpoints.prometheus, query: `${rate('[^5]xx')} / ${rate('.xx')}` } },
  });
}

function analysisTemplate(namespace: string, metric: Readonly<Record<string, unknown>>): Manifest {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AnalysisTemplate',
    metadata: { name: 'errors', namespace },
    spec: { metrics: [metric] },
  };
}

function rolloutOf(deployment: Manifest, config: ConfigName): Manifest {
  const { steps, startingStep } = plans[config];
  const { spec } = z.looseObject({ spec: z.looseObject({}) }).parse(deployment);
  // Off by default: without it nothing but the analysis ends a release.
  const deadline = config === 'sample' ? {} : { progressDeadlineSeconds: 10, progressDeadlineAbort: true };
  return {
    ...deployment,
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    spec: {
      ...spec,
      ...deadline,
      strategy: {
        canary: {
          trafficRouting: {
            istio: {
              virtualService: { name: 'checkout', routes: ['primary'] },
              destinationRule: { name: 'checkout', stableSubsetName: 'stable', canarySubsetName: 'canary' },
            },
          },
          analysis: { templates: [{ templateName: 'errors' }], startingStep },
          steps,
        },
      },
    },
  };
}

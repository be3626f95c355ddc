import * as z from 'zod';
import type { Manifest } from '../../../lab/cluster/kubernetes.ts';
import { endpoints } from '../../../lab/cluster/layout.ts';
import { faults } from './faults.ts';
import { canaryService, gatewayRate } from './queries.ts';
import type { Shop } from './shop.ts';
import { type ConfigName, rampWeights, type Tool } from './tool.ts';

const canary = z.looseObject({
  status: z
    .looseObject({
      phase: z.string().default(''),
      conditions: z.array(z.looseObject({ message: z.string().default('') })).default([]),
    })
    .prefault({}),
});

/** https://docs.flagger.app/usage/how-it-works#canary-analysis: ten seconds is the shortest interval that it takes. */
const analyses = {
  ramp: {
    interval: '10s',
    threshold: 1,
    stepWeight: rampWeights[0],
    maxWeight: Math.max(...rampWeights),
    metrics: [errorPercentage('15s')],
  },
  /** https://docs.flagger.app/tutorials/istio-progressive-delivery, without its load test and its latency check. */
  sample: { interval: '1m', threshold: 5, stepWeight: 10, maxWeight: 50, metrics: [errorPercentage('1m')] },
} as const;

const progressDeadline = { ramp: 10, sample: 60 } as const;

/** Flagger, which watches a Deployment, keeps a copy of it as the stable arm, and owns Services and VirtualService. */
export const flagger: Tool = {
  // Pods that it scales down take two seconds to stop listening, and ten at most to be gone.
  aftermath: 5_000,

  async install(shop, config) {
    await shop.apply(shop.parts('Namespace', 'Deployment'));
    // What takes two ticks is done at the shortest interval, whatever the release will have.
    await shop.apply([metricTemplate(shop), canaryResource(shop, config, analyses.ramp.interval)]);
    await shop.until('Canary initialized', async () => (await phase(shop)).phase === 'Initialized');
    await shop.until('v1 through the gateway', shop.served);
    await shop.apply([canaryResource(shop, config)]);
  },

  async release({ shop, fault, signal }) {
    await shop.setImage(shop.path('apps/v1/deployments/checkout'), faults[fault].image);
    const ended = async () => ['Failed', 'Succeeded'].includes((await phase(shop)).phase);
    await shop.ended(ended, signal);
    const last = await phase(shop);
    return { verdict: last.phase === 'Failed' ? 'rolled-back' : 'promoted', reason: last.message };
  },
};

function errorPercentage(interval: string) {
  return { name: 'error-percentage', templateRef: { name: 'error-percentage' }, thresholdRange: { max: 1 }, interval };
}

async function phase(shop: Shop): Promise<{ phase: string; message: string }> {
  const { status } = canary.parse(await shop.api.get(shop.path('flagger.app/v1beta1/canaries/checkout')));
  return { phase: status.phase, message: status.conditions[0]?.message ?? '' };
}

/** In the form of https://docs.flagger.app/usage/metrics#prometheus: what is left of 100 % without the good ones. */
function metricTemplate({ namespace }: Shop): Manifest {
  const rate = (statuses: string) => gatewayRate(canaryService(namespace), statuses, '{{ interval }}');
  return {
    apiVersion: 'flagger.app/v1beta1',
    kind: 'MetricTemplate',
    metadata: { name: 'error-percentage', namespace },
    spec: {
      provider: { type: 'prometheus', address: endpoints.prometheus },
      query: `100 - ${rate('[^5]xx')} / ${rate('.xx')} * 100`,
    },
  };
}

function canaryResource({ namespace, host }: Shop, config: ConfigName, interval?: string): Manifest {
  const named = config === 'sample' ? 'sample' : 'ramp';
  return {
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name: 'checkout', namespace },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
      progressDeadlineSeconds: progressDeadline[named],
      service: { port: 80, targetPort: 'http', portName: 'http', gateways: ['istio-system/ingress'], hosts: [host] },
      analysis: { ...analyses[named], ...(interval !== undefined && { interval }) },
    },
  };
}

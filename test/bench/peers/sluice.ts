import { readFile, writeFile } from 'node:fs/promises';
import { addresses, endpoints, kubeconfigPath } from '../../../lab/cluster/layout.ts';
import { actionFolder, runAction } from '../../../lab/embedded/runner.ts';
import { digestImage } from '../../e2e/cluster/shop.ts';
import { faults } from './faults.ts';
import { secondPrometheusPort } from './second-prometheus.ts';

import { type ConfigName, rampWeights, type Tool, type Verdict } from './tool.ts';

/** Where requests are counted. */
const meters = {
  /** The service's own counters, read from the arms' pods once a second. */
  pods: { meter: 'pods' },
  /** The gateway's counters, read from its pod once a second. */
  gateway: { meter: 'pods', metrics: 'envoy', 'metrics-from': 'istio-system/istio=ingressgateway' },
  /** The gateway's counters as Prometheus has scraped them. */
  'prometheus-1s': { prometheus: `http://${addresses.node}:${secondPrometheusPort}`, metrics: 'envoy' },
  'prometheus-5s': { prometheus: endpoints.prometheus, metrics: 'envoy' },
} as const;

const plans: Readonly<Record<ConfigName, string>> = {
  hold: '5 for 5m, 100',
  ramp: [...rampWeights.map((weight) => `${weight} for 10s`), '100'].join(', '),
  /** The first example of the action's README. */
  sample: '5 for 2m, 25 for 5m, 50 for 5m, 100',
};

/** The built action, run as a runner would. All inputs that are not given have their defaults. */
export function sluice(meter: keyof typeof meters): Tool {
  return {
    // It ends when the pods are gone.
    aftermath: 3_000,

    async install(shop) {
      await shop.apply(shop.parts('Namespace', 'Deployment', 'Service', 'VirtualService'));
      await shop.until('v1 through the gateway', shop.served);
    },

    async release({ shop, config, fault, files, signal }) {
      const run = await runAction({
        action: actionFolder('canary'),
        inputs: {
          kubeconfig: kubeconfigPath,
          namespace: shop.namespace,
          workload: 'deployment/checkout',
          service: 'checkout',
          route: 'virtualservice/checkout',
          image: await digestImage(faults[fault].image),
          steps: plans[config],
          report: 'report.json',
          ...meters[meter],
        },
      });
      const kill = () => run.kill();
      signal.addEventListener('abort', kill, { once: true });
      try {
        const { outputs, log } = await run.ended;
        await writeFile(`${files}.log`, log);
        signal.throwIfAborted();
        await writeFile(`${files}.report.json`, await readFile(outputs.report ?? '', 'utf8').catch(() => ''));
        return { verdict: verdictOf(outputs.verdict), reason: outputs.reason ?? 'it failed; see its log' };
      } finally {
        signal.removeEventListener('abort', kill);
        await run.clean();
      }
    },
  };
}

function verdictOf(output: string | undefined): Verdict {
  return output === 'promoted' || output === 'rolled-back' ? output : 'undecided';
}

import { peersDefinitions } from '../../../lab/cluster/contents.ts';
import { answers } from '../../../lab/cluster/host.ts';
import { type Api, applyDefinitions } from '../../../lab/cluster/kubernetes.ts';
import { addresses, endpoints, kubeconfigPath } from '../../../lab/cluster/layout.ts';
import { type Component, pidOf, start, stop } from '../../../lab/cluster/processes.ts';
import { buildPeers, programPath } from '../../../lab/cluster/programs.ts';

const ports = { flagger: 18_081, argoMetrics: 18_082, argoHealth: 18_083 } as const;

export type Stop = () => Promise<void>;

/** The peers' controllers, run beside the cluster as istiod is. */
const controllers = {
  flagger: {
    argv: [
      programPath('flagger'),
      `-kubeconfig=${kubeconfigPath}`,
      '-mesh-provider=istio',
      `-metrics-server=${endpoints.prometheus}`,
      `-port=${ports.flagger}`,
    ],
    ready: () => answers(`http://${addresses.node}:${ports.flagger}/healthz`),
  },
  'argo-rollouts': {
    argv: [
      programPath('argo-rollouts'),
      `--kubeconfig=${kubeconfigPath}`,
      '--leader-elect=false',
      `--metricsPort=${ports.argoMetrics}`,
      `--healthzPort=${ports.argoHealth}`,
    ],
    ready: () => answers(`http://${addresses.node}:${ports.argoHealth}/healthz`),
  },
} satisfies Record<string, Component>;

/** Builds what is missing and starts both. Gives back what ends those that did not run before. */
export async function startControllers(api: Api, signal: AbortSignal): Promise<Stop> {
  await buildPeers(signal);
  await applyDefinitions(api, await peersDefinitions(signal), signal);
  const started: string[] = [];
  for (const [name, component] of Object.entries(controllers)) {
    if ((await pidOf(name)) !== undefined) continue;
    await start(name, component, signal);
    started.push(name);
  }
  return async () => {
    for (const name of started) await stop(name, new AbortController().signal);
  };
}

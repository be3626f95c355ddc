import * as z from 'zod';
import { answers } from '../../../lab/cluster/host.ts';
import { type Api, manifestsOf } from '../../../lab/cluster/kubernetes.ts';
import { addresses } from '../../../lab/cluster/layout.ts';
import { waitUntil } from '../../../lab/programs/wait.ts';
import type { Stop } from './controllers.ts';

export const secondPrometheusPort = 9091;

const namespace = 'monitoring';
const name = 'prometheus-1s';

/** Only the gateway, and of its statistics only the counters of requests: all of them once a second would cost a core. */
const config = {
  global: { scrape_interval: '1s', scrape_timeout: '1s' },
  scrape_configs: [
    {
      job_name: 'gateway',
      metrics_path: '/stats/prometheus',
      params: { filter: ['upstream_rq_.xx$'] },
      kubernetes_sd_configs: [{ role: 'pod', namespaces: { names: ['istio-system'] } }],
      relabel_configs: [
        { source_labels: ['__meta_kubernetes_pod_container_port_name'], action: 'keep', regex: 'admin' },
        { source_labels: ['__meta_kubernetes_pod_phase'], action: 'keep', regex: 'Running' },
        { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
        { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
      ],
    },
  ],
};

const deployment = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({ containers: z.tuple([z.looseObject({ image: z.string() })]) }),
    }),
  }),
});

/** A second Prometheus beside the lab's own, which scrapes every second. Gives back what removes it. */
export async function startSecondPrometheus(api: Api, signal: AbortSignal): Promise<Stop> {
  const [first] = (await manifestsOf('prometheus.yaml')).filter(({ kind }) => kind === 'Deployment');
  const [{ image }] = deployment.parse(first).spec.template.spec.containers;
  const labels = { app: name };
  await api.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace },
    data: { 'prometheus.yaml': JSON.stringify(config) },
  });
  await api.apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: 'prometheus',
          hostNetwork: true,
          containers: [
            {
              name: 'prometheus',
              image,
              args: [
                '--config.file=/etc/prometheus/prometheus.yaml',
                '--storage.tsdb.path=/data',
                `--web.listen-address=0.0.0.0:${secondPrometheusPort}`,
              ],
              volumeMounts: [
                { name: 'config', mountPath: '/etc/prometheus' },
                { name: 'data', mountPath: '/data' },
              ],
            },
          ],
          volumes: [
            { name: 'config', configMap: { name } },
            { name: 'data', emptyDir: {} },
          ],
        },
      },
    },
  });
  const ready = () => answers(`http://${addresses.node}:${secondPrometheusPort}/-/ready`);
  await waitUntil(ready, { what: 'the second Prometheus', timeout: 60_000, signal });
  return async () => {
    await api.delete(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}`);
    await api.delete(`/api/v1/namespaces/${namespace}/configmaps/${name}`);
  };
}

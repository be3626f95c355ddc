// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow expressions and query placeholders are what users write
import { metricsPresets } from '../../meters/queries/default-queries.ts';
import { input } from '../../runner/input-schema.ts';
import { choice, inputType, perArm, text, wrong } from '../../runner/input-types.ts';
import { prometheusInputs } from '../checks/prometheus-inputs.ts';
import { serverInputs } from '../checks/server-inputs.ts';

/** Pods of a gateway: `istio-system/istio=ingressgateway`; without a namespace, in the release's own. */
const metricsFrom = inputType('arms, or a label selector of gateway pods: NAMESPACE/KEY=VALUE', (given) => {
  if (given === 'arms') return { kind: 'arms' as const };
  const [, namespace, selector] = /^(?:([a-z0-9-]+)\/)?([^\s/=,]+(?:\/[^\s=,]+)?=\S*)$/.exec(given) ?? [];
  if (selector === undefined)
    return wrong(`"${given}" is neither "arms" nor a selector such as istio-system/istio=ingressgateway.`);
  return { kind: 'gateway' as const, namespace, selector };
});

/** Where requests are counted. */
export const metricsInputs = {
  meter: input(choice('prometheus', 'pods', 'none'), {
    group: 'metrics',
    description:
      'Where requests are counted: `prometheus`, or `pods`, whose metrics endpoints are read through the API server; `none` for a service without metrics: each step takes its time, the pods’ health alone is judged, and the summary says what was not looked at. Without it, `prometheus` if an address is given.',
    example: 'pods',
  }),
  metrics: input(choice(...metricsPresets), {
    group: 'metrics',
    description:
      'Which metrics preset to use; `http` is the service’s own `http_requests_total`, or what its framework has in its place (Micrometer, prometheus-net, gRPC and others). Without it, those of the router from `prometheus`, `http` from `pods`.',
    example: 'istio',
  }),
  'istio-reporter': input(choice('source', 'destination', 'waypoint'), {
    group: 'metrics',
    description: 'Which proxy’s count of `istio_requests_total` is taken. Only `source` sees refused connections.',
    example: 'destination',
  }),
  'query-requests': input(perArm, {
    group: 'metrics',
    description:
      'Your own counter of requests, instead of `metrics`: a PromQL selector in which `${arm}`, `${namespace}`, `${workload}`, `${service}` and `${version}` name the arm; or two lines, `stable: …` and `canary: …`.',
    example: 'shop_requests_total{workload="${workload}"}',
  }),
  'query-errors': input(perArm, {
    group: 'metrics',
    description: 'Your own counter of failed requests. Needed with `query-requests`.',
    example: 'shop_requests_total{workload="${workload}",code=~"5.."}',
  }),
  'query-latency': input(perArm, {
    group: 'metrics',
    description: 'Your own histogram of seconds (its `_bucket` series), for latency checks.',
    example: 'shop_request_seconds_bucket{workload="${workload}"}',
  }),
  ...prometheusInputs,
  ...serverInputs,
  'metrics-port': input(text, {
    group: 'metrics',
    description:
      'Pods: number or name of the metrics port. Without it, the annotation `prometheus.io/port` or a port named for metrics.',
    example: '9090',
  }),
  'metrics-path': input(text, {
    group: 'metrics',
    description: 'Pods: path of the metrics. Without it, the annotation `prometheus.io/path` or `/metrics`.',
    example: '/stats/prometheus',
  }),
  'metrics-from': input(metricsFrom, {
    group: 'metrics',
    description:
      'Pods: whether the metrics of the arms’ own pods are read, or those of the gateway’s pods in front of them.',
    example: 'istio-system/istio=ingressgateway',
  }),
};

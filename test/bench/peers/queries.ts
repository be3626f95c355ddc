/** The cluster by which the gateway knows a shop's canary. */
export function canaryService(namespace: string): string {
  return `outbound|80||checkout-canary.${namespace}.svc.cluster.local`;
}

export function canarySubset(namespace: string): string {
  return `outbound|80|canary|checkout.${namespace}.svc.cluster.local`;
}

/**
 * Requests per second that the gateway sent to a cluster and that came back with a class of statuses, as PromQL. All tools
 * ask the gateway's own counters: what Istio's `istio_requests_total{reporter="source"}` is where its proxies count.
 */
export function gatewayRate(cluster: string, statuses: string, window: string): string {
  return `sum(rate(${gatewayCounter(cluster, statuses)}[${window}]))`;
}

export function gatewayCounter(cluster: string, statuses: string): string {
  return `envoy_cluster_upstream_rq{cluster_name="${cluster}",response_code_class=~"${statuses}"}`;
}

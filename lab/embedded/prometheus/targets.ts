import { type KubeObject, recordOf } from '../api-server/objects.ts';
import { loopbackPort } from '../api-server/proxy.ts';
import { pods } from '../api-server/resources.ts';
import type { Storage } from '../api-server/storage.ts';

export interface ScrapeTarget {
  readonly url: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The running pods that are annotated with `prometheus.io/scrape`, `port` and `path`, with their labels. */
export function scrapeTargets(storage: Storage): ScrapeTarget[] {
  return storage.list(pods).flatMap(targetOf);
}

function targetOf(pod: KubeObject): ScrapeTarget[] {
  const { name, namespace = '', labels = {}, annotations = {} } = pod.metadata;
  const port = loopbackPort(pod, annotations['prometheus.io/port'] ?? '');
  const runs = recordOf(pod.status).phase === 'Running' && pod.metadata.deletionTimestamp === undefined;
  if (annotations['prometheus.io/scrape'] !== 'true' || port === undefined || !runs) return [];
  const mapped = Object.entries(labels).map(([key, value]) => [key.replaceAll(/\W/g, '_'), value]);
  const address = `127.0.0.1:${port}`;
  return [
    {
      url: `http://${address}${annotations['prometheus.io/path'] ?? '/metrics'}`,
      labels: { ...Object.fromEntries(mapped), job: 'kubernetes-pods', instance: address, namespace, pod: name },
    },
  ];
}

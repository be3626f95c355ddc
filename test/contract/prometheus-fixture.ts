import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { startApiServer } from '../../lab/embedded/api-server/index.ts';
import { portsAnnotation } from '../../lab/embedded/api-server/proxy.ts';
import { pods as podResource } from '../../lab/embedded/api-server/resources.ts';
import { startPrometheus as startDouble } from '../../lab/embedded/prometheus/index.ts';
import { close, listen } from '../../lab/embedded/sockets.ts';
import { freePort } from '../../lab/programs/processes.ts';

/** What one pod of the exporter shows: counts by status, and how many took longer than 0.3 s. */
export interface FakePod {
  requests: number;
  errors: number;
  slow: number;
}

/** A real Prometheus that scrapes an exporter with the pods of a `checkout` and a `checkout-canary` Deployment twice a second. */
export interface PrometheusFixture {
  readonly url: string;
  readonly pods: Map<string, FakePod>;
  close(): Promise<void>;
}

export const stablePod = 'checkout-7d9f8c6b5-x2x4z';
export const canaryPod = 'checkout-canary-5c7d9f8b64-bq7wz';

/** True where a `prometheus` binary is on PATH. */
export function hasPrometheus(): boolean {
  try {
    execFileSync('prometheus', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export async function startPrometheus(): Promise<PrometheusFixture> {
  const pods = new Map<string, FakePod>([[stablePod, { requests: 1_000, errors: 0, slow: 0 }]]);
  const exporter = await startExporter(pods);
  const folder = await mkdtemp(join(tmpdir(), 'meters-'));
  const port = await freePort();
  await writeFile(join(folder, 'prometheus.yml'), configuration(portOf(exporter)));
  const server = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  );
  const url = `http://127.0.0.1:${port}`;
  await scrapedTwice(url, server);
  return {
    url,
    pods,
    async close() {
      server.kill('SIGKILL');
      await once(server, 'exit');
      await close(exporter);
      await rm(folder, { recursive: true });
    },
  };
}

/** The double, which scrapes the same exporter as the pods of an embedded cluster. */
export async function startEmbeddedPrometheus(): Promise<PrometheusFixture> {
  const pods = new Map<string, FakePod>([[stablePod, { requests: 1_000, errors: 0, slow: 0 }]]);
  const exporter = await startExporter(pods);
  const api = await startApiServer();
  api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  for (const name of [stablePod, canaryPod]) {
    const annotations = {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '80',
      'prometheus.io/path': `/${name}`,
      [portsAnnotation]: JSON.stringify({ 80: portOf(exporter) }),
    };
    const containers = [{ name: 'app', image: 'app' }];
    api.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'shop', annotations },
      spec: { containers },
    });
    const key = { resource: podResource, namespace: 'shop', name };
    const kubelet = { manager: 'kubelet', subresource: 'status' } as const;
    api.registry.modify(key, (pod) => ({ ...pod, status: { phase: 'Running' } }), kubelet);
  }
  const prometheus = await startDouble(api.storage, { scrapeInterval: 500 });
  await prometheus.scrape();
  await prometheus.scrape();
  return {
    url: prometheus.url,
    pods,
    async close() {
      await prometheus.stop();
      await api.stop();
      await close(exporter);
    },
  };
}

async function startExporter(pods: ReadonlyMap<string, FakePod>): Promise<Server> {
  const server = createServer((incoming, response) => {
    const pod = pods.get((incoming.url ?? '').slice(1));
    if (!pod) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(exposition(pod));
  });
  await listen(server, 0);
  return server;
}

export function exposition({ requests, errors, slow }: FakePod): string {
  return [
    '# TYPE http_requests_total counter',
    `http_requests_total{code="200",method="GET"} ${requests - errors}`,
    ...(errors > 0 ? [`http_requests_total{code="503",method="GET"} ${errors}`] : []),
    '# TYPE http_request_duration_seconds histogram',
    `http_request_duration_seconds_bucket{le="0.1"} ${requests - slow}`,
    `http_request_duration_seconds_bucket{le="0.3"} ${requests - slow}`,
    `http_request_duration_seconds_bucket{le="+Inf"} ${requests}`,
    '# TYPE process_start_time_seconds gauge',
    'process_start_time_seconds 1.7e+09',
    '# TYPE queue_depth gauge',
    `queue_depth ${slow}`,
    '',
  ].join('\n');
}

/** The pods as targets with the labels that Kubernetes discovery gives; the stable pod is scraped by a second job as well. */
function configuration(exporterPort: number): string {
  const target = (pod: string) =>
    `{targets: ['127.0.0.1:${exporterPort}'], labels: {__metrics_path__: '/${pod}', namespace: shop, pod: ${pod}}}`;
  return `
global: {scrape_interval: 500ms, scrape_timeout: 400ms}
scrape_configs:
  - {job_name: pods, static_configs: [${target(stablePod)}, ${target(canaryPod)}]}
  - {job_name: pods-again, static_configs: [${target(stablePod)}]}
`;
}

/** Waits until the stable pod was scraped twice: a fresh Prometheus takes seconds to look at its targets. */
async function scrapedTwice(url: string, server: ChildProcess): Promise<void> {
  const query = `${url}/api/v1/query?query=${encodeURIComponent('min(count_over_time(http_requests_total[1m])) >= 2')}`;
  for (;;) {
    if (server.exitCode !== null) throw new Error(`prometheus ended with ${server.exitCode}`);
    const answer = await request(query).then(
      ({ body }) => body.text(),
      () => '',
    );
    if (answer.includes('"value"')) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return address.port;
}

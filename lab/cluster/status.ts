import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { components } from './components.ts';
import { connect, describePods, isNodeReady } from './kubernetes.ts';
import { endpoints, kubeconfigPath, logDir, runDir } from './layout.ts';
import { pidOf } from './processes.ts';

/** `apiserver`: etcd and the API server, which is all that contract tests need. */
export type Extent = 'apiserver' | 'cluster';

const extents = {
  apiserver: ['etcd', 'kube-apiserver'],
  cluster: Object.keys(components),
} as const satisfies Record<Extent, readonly string[]>;

/** Written when `up` has finished, so that a partial lab is not taken for a complete one. */
const markerPath = join(runDir, 'extent');

export async function markUp(extent: Extent): Promise<void> {
  await writeFile(markerPath, extent);
}

/** The running components, by name, with their process IDs. */
async function running(): Promise<Map<string, number>> {
  const pids = new Map<string, number>();
  for (const name of Object.keys(components)) {
    const pid = await pidOf(name);
    if (pid !== undefined) pids.set(name, pid);
  }
  return pids;
}

/** How much of the lab is up; `broken` if a component has ended or `up` has not finished. */
export async function presence(): Promise<Extent | 'down' | 'broken'> {
  const marker = await readFile(markerPath, 'utf8').catch(() => '');
  const pids = await running();
  if (marker === '' && pids.size === 0) return 'down';
  if (marker !== 'apiserver' && marker !== 'cluster') return 'broken';
  return extents[marker].every((name) => pids.has(name)) ? marker : 'broken';
}

/** Lines with what runs, the state of the pods, and the addresses and paths. */
export async function status(): Promise<string[]> {
  const pids = await running();
  const lines = Object.keys(components).map((name) => `${name.padEnd(24)}${pids.get(name) ?? '-'}`);
  if (pids.size === 0) return lines;
  const whole = pids.has('kubelet');
  if (whole) lines.push('', ...(await describeCluster().catch((error: unknown) => [`no answer: ${error}`])));
  lines.push('', `API server  ${endpoints.apiserver}`, `kubeconfig  ${kubeconfigPath}`, `logs        ${logDir}`);
  if (!whole) return lines;
  const hosts = 'checkout.istio.example and checkout.gateway-api.example';
  lines.push(`gateway     ${endpoints.gateway}, hosts ${hosts}`);
  lines.push(`Prometheus  ${endpoints.prometheus}`, `registry    ${endpoints.registry}`);
  return lines;
}

async function describeCluster(): Promise<string[]> {
  const api = await connect();
  return [`node ${(await isNodeReady(api)) ? 'Ready' : 'not Ready'}`, ...(await describePods(api))];
}

import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { type Api, applyDefinitions, type Manifest, manifest, pathOf } from '../cluster/kubernetes.ts';
import { addresses } from '../cluster/layout.ts';
import { LAB } from '../programs/commands.ts';
import { waitUntil } from '../programs/wait.ts';
import { definitionsFile, namespace, readChart } from './chart.ts';
import { removeFaults, unlessGone } from './faults.ts';
import { ports, startProcesses, stopProcesses, writeFiles } from './processes.ts';

const never = new AbortController().signal;

/** The account of the controller in the chart. */
const account = 'chaos-controller-manager';

const home = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };

/** Where the processes are found, which have no pods that a Service could select. */
const slices = [
  // The controller looks for the beginning of this name, and for the node's.
  slice('chaos-daemon', { grpc: ports.daemon, http: ports.daemonHttp }),
  slice('chaos-mesh-controller-manager', { webhook: ports.webhook, http: ports.metrics }),
];

function slice(service: string, ports: Readonly<Record<string, number>>): Manifest {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-${LAB}`, namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [addresses.node], nodeName: LAB, conditions: { ready: true } }],
    ports: Object.entries(ports).map(([name, port]) => ({ name, port })),
  };
}

/** A fault that is never made. */
const trial = {
  apiVersion: 'chaos-mesh.org/v1alpha1',
  kind: 'PodChaos',
  metadata: { name: 'trial', namespace },
  spec: { action: 'pod-kill', mode: 'all', selector: { namespaces: [namespace], labelSelectors: { app: 'none' } } },
};

/** Applies the chart's objects, starts the processes in place of its pods, and removes faults that were left by others. */
export async function install(api: Api, signal: AbortSignal): Promise<void> {
  const chart = await readChart();
  await applyDefinitions(api, definitionsFile, signal);
  await applyAll(api, [home, ...chart.ground, ...slices], signal);
  await writeFiles(chart, account, await tokenOf(api));
  await startProcesses(chart, signal);
  await applyAll(api, chart.webhooks, signal);
  // The API server has to find the webhooks by their Service.
  const isTaken = async () => (await api.post(`${collectionOf(trial)}?dryRun=All`, trial)) !== '';
  await waitUntil(isTaken, { what: 'Chaos Mesh takes a fault', timeout: 30_000, signal });
  await removeFaults(api, signal);
}

async function applyAll(api: Api, objects: readonly Manifest[], signal: AbortSignal): Promise<void> {
  for (const object of objects) {
    signal.throwIfAborted();
    await api.apply(object);
  }
}

const collectionOf = (object: Manifest) => pathOf(object).replace(/\/[^/]*$/, '');

const tokenRequest = z.object({ status: z.object({ token: z.string() }) });

async function tokenOf(api: Api): Promise<string> {
  const answer = await api.post(`/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 86_400 },
  });
  return tokenRequest.parse(JSON.parse(answer)).status.token;
}

/** Starts what a test has ended: faults end only while the controller and the daemon run. */
export async function resume(signal: AbortSignal): Promise<void> {
  await startProcesses(await readChart(), signal);
}

/** Ends the faults, and removes all that `install` has made, even partially. */
export async function uninstall(api: Api): Promise<void> {
  const chart = await readChart();
  const definitions = z.array(manifest).parse(JSON.parse(await readFile(definitionsFile, 'utf8')));
  // First, as they would refuse the end of a fault once nobody answers them.
  for (const object of chart.webhooks) await unlessGone(api.delete(pathOf(object)));
  await removeFaults(api, never);
  await stopProcesses(never);
  const rest = [...definitions, ...chart.ground.toReversed(), home];
  for (const object of rest) await unlessGone(api.delete(pathOf(object)));
  // The API server serves the group as long as it has one of the definitions.
  const gone = async () => (await isGone(api, '/apis/chaos-mesh.org')) && (await isGone(api, pathOf(home)));
  await waitUntil(gone, { what: 'end of Chaos Mesh', timeout: 90_000, signal: never });
}

async function isGone(api: Api, path: string): Promise<boolean> {
  return (await unlessGone(api.get(path))) === undefined;
}

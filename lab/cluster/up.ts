import { mkdir, rm } from 'node:fs/promises';
import { request } from 'undici';
import { LabError, say, step } from '../programs/commands.ts';
import { installPackages } from '../programs/debian.ts';
import { debianPackages } from '../programs/versions.ts';
import { together, waitUntil } from '../programs/wait.ts';
import { makeFrontProxy } from './certificates.ts';
import { createCgroups } from './cgroup.ts';
import { startComponents } from './components.ts';
import { writeConfig } from './config.ts';
import { type Contents, prepareContents } from './contents.ts';
import { down } from './down.ts';
import { answers, labAgent } from './host.ts';
import { pushImages } from './images.ts';
import { applyDefinitions, applyManifests, connect, describePods, isNodeReady } from './kubernetes.ts';
import { endpoints, logDir, runDir } from './layout.ts';
import { createNetwork } from './network.ts';
import { buildCluster, buildControlPlane } from './programs.ts';
import { type Extent, markUp } from './status.ts';

/** The demo service that exists from the start. */
const demo = { namespace: 'shop', host: 'checkout' };

/** Builds what is missing and starts a new lab. After an error, nothing of it is left but its logs. */
export async function up(extent: Extent, signal: AbortSignal): Promise<void> {
  await installPackages(debianPackages.apiserver, signal);
  await buildControlPlane(signal);
  let contents: Contents | undefined;
  if (extent === 'cluster') {
    await installPackages(debianPackages.cluster, signal);
    await buildCluster(signal);
    contents = await prepareContents(signal);
  }
  await down();
  await rm(logDir, { recursive: true, force: true });
  await mkdir(logDir, { recursive: true });
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  try {
    await startControlPlane(signal);
    if (contents) await startCluster(contents, signal);
    await markUp(extent);
  } catch (error) {
    say('it failed: taking down what was started');
    await down();
    throw error;
  }
}

async function startControlPlane(signal: AbortSignal): Promise<void> {
  await createCgroups();
  await createNetwork(signal);
  await writeConfig();
  await makeFrontProxy(signal);
  await step('etcd is up', () => startComponents(['etcd'], signal));
  await step('kube-apiserver is up', () => startComponents(['kube-apiserver'], signal));
}

async function startCluster(contents: Contents, signal: AbortSignal): Promise<void> {
  const api = await connect();
  const parts = {
    'registry is up, with the images': async (signal: AbortSignal) => {
      await startComponents(['registry'], signal);
      await pushImages(contents.layers, signal);
    },
    'node is Ready': async (signal: AbortSignal) => {
      await startComponents(['containerd', 'kubelet'], signal);
      await waitUntil(() => isNodeReady(api), { what: 'node Ready', timeout: 60_000, signal });
    },
    'controllers, scheduler and kube-proxy are up': (signal: AbortSignal) =>
      startComponents(['kube-controller-manager', 'kube-scheduler', 'kube-proxy'], signal),
    'istiod is up': async (signal: AbortSignal) => {
      await applyManifests(api, ['istiod.yaml'], signal);
      await applyDefinitions(api, contents.definitions, signal);
      await startComponents(['istiod'], signal);
    },
  };
  await together(
    Object.entries(parts).map(
      ([title, work]) =>
        (signal: AbortSignal) =>
          step(title, () => work(signal)),
    ),
    signal,
  );
  await step('Prometheus is up, and the demo service serves through the gateway', async () => {
    await applyManifests(api, ['prometheus.yaml', 'envoy.yaml', 'gateways.yaml'], signal);
    await applyManifests(api, ['two-versions.yaml'], signal, demo);
    const prometheus = () => answers(`${endpoints.prometheus}/-/ready`);
    await waitUntil(prometheus, { what: 'Prometheus', timeout: 60_000, signal });
    for (const host of ['checkout.istio.example', 'checkout.gateway-api.example']) {
      await waitUntil(() => isServed(host), { what: `${host} through the gateway`, timeout: 60_000, signal });
    }
  }).catch(async (error: unknown) => {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : error;
    throw new LabError(`${reason}\nThe pods:\n${(await describePods(api)).join('\n')}`);
  });
}

async function isServed(host: string): Promise<boolean> {
  const options = { dispatcher: labAgent, headers: { host }, signal: AbortSignal.timeout(2000) };
  const response = await request(endpoints.gateway, options);
  await response.body.dump();
  return response.headers['x-version'] === 'v1';
}

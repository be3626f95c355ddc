import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isUnfinished } from '../../canary/unfinished.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import { kubeconfigText } from '../../cluster/kubeconfig-file.ts';
import { type ObjectReference, resources } from '../../cluster/resources.ts';
import type { Clock } from '../../core/clock.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import { fetchChart } from '../../helm/chart.ts';
import { createHelm, type Helm } from '../../helm/cli.ts';
import type { EmitHelm } from '../../helm/events.ts';
import { lastGood } from '../../helm/history.ts';
import { createReleaseObjects } from '../../helm/objects.ts';
import type { DeployRequest, HelmWorld } from '../../helm/ports.ts';
import { createChangeStore } from '../../helm/record.ts';
import { imageSettings, valueFlags } from '../../helm/values/flags.ts';
import { claimLease, LEASE_DURATION } from '../../ledger/lease.ts';
import { listRecords } from '../../ledger/record.ts';
import { type ClusterAccess, openCluster } from '../../runner/cluster.ts';
import type { RunnerFacts } from '../../runner/github.ts';
import { isUrl } from '../../runner/secrets.ts';
import { CANARY, type HelmInputs, undoesOnFailure } from './inputs.ts';

export interface HelmAssembly extends ClusterAccess {
  readonly inputs: HelmInputs;
  readonly facts: RunnerFacts;
  readonly clock: Clock;
  readonly emit: EmitHelm;
}

export interface AssembledHelm {
  readonly world: HelmWorld;
  readonly request: DeployRequest;
  close(): Promise<void>;
}

/** Builds what a run needs from its inputs. Sends no request to the cluster yet. */
export async function assembleHelm({ inputs, facts, clock, emit, ...access }: HelmAssembly): Promise<AssembledHelm> {
  const { client, namespace } = openCluster(inputs, access);
  const folder = await mkdtemp(join(facts.temp, 'sluice-helm-'));
  const close = async () => {
    await Promise.all([client.close(), rm(folder, { recursive: true, force: true })]);
  };
  try {
    return await assembleIn(folder, { client, namespace, close }, { inputs, facts, clock, emit });
  } catch (error) {
    // Removes the folder, because it contains credentials.
    await close();
    throw error;
  }
}

/** Does the same in a folder of this run for credentials, values and the chart. */
async function assembleIn(
  folder: string,
  {
    client,
    namespace,
    close,
  }: Pick<AssembledHelm, 'close'> & Pick<ReturnType<typeof openCluster>, 'client' | 'namespace'>,
  { inputs, facts, clock, emit }: Omit<HelmAssembly, keyof ClusterAccess>,
): Promise<AssembledHelm> {
  const { release: asked = '' } = inputs;
  const isCanary = inputs.mode === 'canary';
  const release = isCanary ? `${asked}${CANARY}` : asked;
  const helmOptions = {
    file: 'helm',
    namespace,
    env: await helmEnvironment(inputs, folder),
    flags: inputs.context === undefined ? [] : ['--kube-context', inputs.context],
    onLine: (text: string) => emit({ type: 'progress', at: clock.now(), text: `helm: ${text}` }),
  };
  const helm = createHelm({ ...helmOptions, release });
  const stable = createHelm({ ...helmOptions, release: asked });
  const lease: ObjectReference = { type: resources.lease, namespace, name: `sluice-helm-${release}` };
  const holder = { identity: facts.identity, description: facts.startedBy };
  const world: HelmWorld = {
    helm,
    objects: createReleaseObjects({
      client,
      clock,
      release,
      namespace,
      createNamespace: inputs['create-namespace'],
      timeout: inputs.timeout,
      jobs: inputs['wait-for-jobs'],
      forceConflicts: inputs['force-conflicts'],
      tell: (text) => emit({ type: 'progress', at: clock.now(), text }),
    }),
    changes: createChangeStore(client, lease),
    clock,
    emit,
    claim: (signal) =>
      claimLease(
        { client, lease, rollout: release, holder, clock, duration: LEASE_DURATION, nonce: randomUUID },
        signal,
      ),
    stable: isCanary ? (signal) => stableManifest(stable, `${namespace}/${asked}`, signal) : undefined,
    underRollout: async (signal) => {
      const unfinished = (await listRecords(client, namespace, signal)).filter(({ record }) => isUnfinished(record));
      return new Map(
        unfinished.flatMap(({ record }) => [record.arms.stable, record.arms.canary].map((object) => [object, record])),
      );
    },
    fetchChart: (signal) => fetchChart(chartOf(inputs), helm, folder, signal),
    missingNamespace: (signal) => missingNamespace(client, namespace, inputs['create-namespace'], signal),
  };
  return { world, request: await requestOf(inputs, facts, { release, namespace }, folder), close };
}

/** Writes credentials to files of this run, which are removed at its end; logins of earlier steps stay as they are. */
async function helmEnvironment(
  { kubeconfig = '', repository, username }: HelmInputs,
  folder: string,
): Promise<Record<string, string>> {
  const content = kubeconfigText(kubeconfig);
  const path = content === undefined ? kubeconfig.trim() : join(folder, 'kubeconfig');
  if (content !== undefined) await writeFile(path, content, { mode: 0o600 });
  return {
    ...(path !== '' && { KUBECONFIG: path }),
    ...(repository !== undefined && {
      HELM_REPOSITORY_CONFIG: join(folder, 'repositories.yaml'),
      HELM_REPOSITORY_CACHE: join(folder, 'cache'),
    }),
    ...(username !== undefined && { HELM_REGISTRY_CONFIG: join(folder, 'registry.json') }),
  };
}

function chartOf({ chart = '', repository, version, username, password, ...inputs }: HelmInputs) {
  const login = username !== undefined && password !== undefined ? { username, password } : undefined;
  const plainHttp = inputs['plain-http'];
  // A login in the URL would appear on Helm's command line.
  const url = repository === undefined ? undefined : URL.parse(repository);
  if (!url?.password) return { chart, repository, version, login, plainHttp };
  const own = { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  url.username = '';
  url.password = '';
  return { chart, repository: url.href, version, login: login ?? own, plainHttp };
}

async function requestOf(
  inputs: HelmInputs,
  facts: RunnerFacts,
  place: { readonly release: string; readonly namespace: string },
  folder: string,
): Promise<DeployRequest> {
  const inline = await valuesFile(inputs.values, join(folder, 'values.yaml'));
  const canary = await valuesFile(inputs['canary-values'], join(folder, 'canary-values.yaml'));
  const change = {
    timeout: inputs.timeout,
    wait: inputs.wait,
    waitForJobs: inputs['wait-for-jobs'],
    historyMax: inputs['history-max'],
    forceConflicts: inputs['force-conflicts'],
  };
  const sources = {
    files: (inputs['values-files'] ?? []).map((file) => (isUrl(file) ? file : resolve(facts.workspace, file))),
    inline,
    canary,
    set: inputs.set ?? [],
    setString: [
      ...(inputs.image === undefined ? [] : imageSettings(inputs.image, inputs['image-values'])),
      ...(inputs['set-string'] ?? []),
    ],
  };
  const values = await valueFlags(sources, folder);
  return {
    id: facts.identity,
    ...place,
    change,
    undoOnFailure: undoesOnFailure(inputs),
    test: inputs.test,
    dryRun: inputs['dry-run'],
    force: inputs.force,
    desired: { ...change, values, serverSide: inputs['server-side'] },
  };
}

async function valuesFile(values: string | undefined, path: string): Promise<string | undefined> {
  if (values === undefined) return undefined;
  await writeFile(path, values, { mode: 0o600 });
  return path;
}

/** @throws SluiceError `not-found` where nothing is deployed that a canary could run beside */
async function stableManifest(helm: Helm, name: string, signal: AbortSignal): Promise<string> {
  const good = lastGood(await helm.history(signal));
  if (good) return (await helm.release(good.revision, signal)).manifest;
  throw new SluiceError('not-found', {
    about: `release ${name}`,
    problem: 'is not deployed, so that there is nothing to stand beside.',
    next: 'Deploy it first with mode: deploy, or check "release" and "namespace".',
  });
}

async function missingNamespace(
  client: KubernetesClient,
  name: string,
  mayCreate: boolean,
  signal: AbortSignal,
): Promise<((signal: AbortSignal) => Promise<void>) | undefined> {
  const type = resources.namespace;
  // Reads the namespace only if it may be created: a run without the right to read namespaces can still work in one.
  if (!mayCreate || (await client.find({ type, namespace: '', name }, signal))) return undefined;
  return async (creating) => {
    try {
      await client.create(type, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, creating);
    } catch (error) {
      // Another run has created the namespace meanwhile.
      if (!isSluiceError(error, 'conflict')) throw error;
    }
  };
}

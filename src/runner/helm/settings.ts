import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isSluiceError } from '../../canary/errors.ts';
import type { Clock } from '../../canary/ports.ts';
import { fetchChart } from '../../helm/chart.ts';
import { createHelm } from '../../helm/cli.ts';
import type { EmitHelm } from '../../helm/events.ts';
import { createReleaseObjects } from '../../helm/objects.ts';
import type { DeployRequest, HelmWorld } from '../../helm/ports.ts';
import { createChangeStore } from '../../helm/record.ts';
import { valueFlags } from '../../helm/values.ts';
import { createClient, type KubernetesClient } from '../../kubernetes/client.ts';
import { defaultNamespace, loadConfig } from '../../kubernetes/config.ts';
import { claimLease } from '../../kubernetes/lease.ts';
import { type ObjectReference, resources } from '../../kubernetes/resources.ts';
import { connect } from '../../kubernetes/transport.ts';
import type { RunnerFacts } from '../github.ts';
import type { HelmInputs } from './inputs.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Milliseconds without a renewal after which the Lease of a dead run may be taken over. */
const LEASE = 15_000;

export interface HelmAssembly {
  readonly inputs: HelmInputs;
  readonly facts: RunnerFacts;
  readonly env: Environment;
  readonly clock: Clock;
  readonly emit: EmitHelm;
}

export interface AssembledHelm {
  readonly world: HelmWorld;
  readonly request: DeployRequest;
  close(): Promise<void>;
}

/** Builds what a run needs from its inputs. Asks nobody anything yet. */
export async function assembleHelm({ inputs, facts, env, clock, emit }: HelmAssembly): Promise<AssembledHelm> {
  const load = () => loadConfig({ kubeconfig: inputs.kubeconfig ?? '', context: inputs.context ?? '', env });
  const config = load();
  const client = createClient(connect(config, env, load));
  const namespace = inputs.namespace ?? defaultNamespace(config);
  const { release = '' } = inputs;
  const folder = await mkdtemp(join(facts.temp, 'sluice-helm-'));
  const helm = createHelm({
    file: 'helm',
    release,
    namespace,
    env: await helmEnvironment(inputs, folder),
    flags: inputs.context === undefined ? [] : ['--kube-context', inputs.context],
    onLine: (text) => emit({ type: 'progress', at: clock.now(), text: `helm: ${text}` }),
  });
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
      serverSide: inputs['server-side'],
      tell: (text) => emit({ type: 'progress', at: clock.now(), text }),
    }),
    changes: createChangeStore(client, lease),
    clock,
    emit,
    claim: (signal) =>
      claimLease({ client, lease, rollout: release, holder, clock, duration: LEASE, nonce: randomUUID }, signal),
    fetchChart: (signal) => fetchChart(chartOf(inputs), helm, folder, signal),
    missingNamespace: (signal) => missingNamespace(client, namespace, inputs['create-namespace'], signal),
  };
  return {
    world,
    request: await requestOf(inputs, facts, namespace, folder),
    async close() {
      await Promise.all([client.close(), rm(folder, { recursive: true, force: true })]);
    },
  };
}

/** Credentials go to files of this run's own, which are gone after it; an earlier step's logins stay as they are. */
async function helmEnvironment(
  { kubeconfig = '', repository, username }: HelmInputs,
  folder: string,
): Promise<Record<string, string>> {
  const isContent = kubeconfig.includes('\n') || kubeconfig.trim().startsWith('{');
  const path = isContent ? join(folder, 'kubeconfig') : kubeconfig.trim();
  if (isContent) await writeFile(path, kubeconfig, { mode: 0o600 });
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
  return { chart, repository, version, login, plainHttp: inputs['plain-http'] };
}

async function requestOf(
  inputs: HelmInputs,
  facts: RunnerFacts,
  namespace: string,
  folder: string,
): Promise<DeployRequest> {
  const inline = inputs.values === undefined ? undefined : join(folder, 'values.yaml');
  if (inline !== undefined) await writeFile(inline, inputs.values ?? '', { mode: 0o600 });
  const change = {
    timeout: inputs.timeout,
    wait: inputs.wait,
    waitForJobs: inputs['wait-for-jobs'],
    historyMax: inputs['history-max'],
    forceConflicts: inputs['force-conflicts'],
  };
  const values = valueFlags({
    files: (inputs['values-files'] ?? []).map((file) => resolve(facts.workspace, file)),
    inline,
    set: inputs.set ?? [],
    setString: inputs['set-string'] ?? [],
  });
  return {
    id: facts.identity,
    release: inputs.release ?? '',
    namespace,
    change,
    rollbackOnFailure: inputs['rollback-on-failure'],
    test: inputs.test,
    dryRun: inputs['dry-run'],
    force: inputs.force,
    desired: { ...change, values, serverSide: inputs['server-side'] },
  };
}

async function missingNamespace(
  client: KubernetesClient,
  name: string,
  mayCreate: boolean,
  signal: AbortSignal,
): Promise<((signal: AbortSignal) => Promise<void>) | undefined> {
  const type = resources.namespace;
  // Who may not read namespaces may well work in one.
  if (!mayCreate || (await client.find({ type, namespace: '', name }, signal))) return undefined;
  return async (creating) => {
    try {
      await client.create(type, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, creating);
    } catch (error) {
      // Another run was faster.
      if (!isSluiceError(error, 'conflict')) throw error;
    }
  };
}

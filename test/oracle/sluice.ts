/** What the API server answers to the dry runs of kubectl-deploy and helm-deploy, by the very code that they run. */

import { createInventoryStore } from '../../src/apply/inventory.ts';
import {
  type DeployObject,
  identityOf,
  parseManifests,
  resolveObjects,
  resolveRendered,
} from '../../src/apply/objects.ts';
import { saidIn } from '../../src/apply/refusals.ts';
import type { KubernetesClient } from '../../src/cluster/client.ts';
import { ApiError } from '../../src/cluster/errors.ts';
import type { ApplyOptions, KubernetesObject } from '../../src/cluster/schema.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { isSluiceError, SluiceError } from '../../src/core/errors.ts';
import { createHelm } from '../../src/helm/cli.ts';
import { deploy as deployChart } from '../../src/helm/deploy.ts';
import { createReleaseObjects } from '../../src/helm/objects.ts';
import type { DeployRequest, HelmWorld } from '../../src/helm/ports.ts';
import { deploy as deployManifests } from '../../src/kubectl/deploy.ts';
import type { DeployOptions } from '../../src/kubectl/world.ts';
import type { Answer, Answers } from './answers.ts';
import { namesOf } from './kubectl.ts';
import type { OracleServer } from './server.ts';

/** What Sluice was answered; and its own refusal, where it has refused without asking, or more than the API server did. */
export interface Asked {
  readonly answers: Answers;
  readonly refused: string | undefined;
}

/** Milliseconds. */
const DEADLINE = 180_000;
const name = 'oracle';

/** A client that keeps what the API server answers to dry runs. */
function recorded(client: KubernetesClient) {
  const answers = new Map<string, Answer>();

  async function kept(
    asked: Promise<KubernetesObject>,
    { type, manifest }: { type: DeployObject['reference']['type']; manifest: DeployObject['manifest'] },
    { dryRun = false }: ApplyOptions = {},
  ): Promise<KubernetesObject> {
    if (!dryRun) throw new Error('A dry run has asked for a write.');
    const identity = identityOf({ type, namespace: manifest.metadata.namespace ?? '', name: manifest.metadata.name });
    try {
      const object = await asked;
      answers.set(identity, { object });
      return object;
    } catch (error) {
      if (error instanceof ApiError) answers.set(identity, { refused: saidIn(error) });
      throw error;
    }
  }

  const recording: KubernetesClient = {
    ...client,
    apply: (type, manifest, signal, options) =>
      kept(client.apply(type, manifest, signal, { ...options, dryRun: true }), { type, manifest }, options),
    create: (type, manifest, signal, options) =>
      kept(client.create(type, manifest, signal, { ...options, dryRun: true }), { type, manifest }, options),
  };
  return { client: recording, answers };
}

/** A refusal is the API server's own where it has refused one of the objects. */
async function refusalOf(work: Promise<unknown>, answers: Answers): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!isSluiceError(error) || error.code === 'unreachable') throw error;
    const isTheirs = [...answers.values()].some((answer) => 'refused' in answer);
    return isTheirs ? undefined : error.message;
  }
}

const claim = () =>
  Promise.reject(new SluiceError('failed', { about: 'a dry run', problem: 'claims a Lease.', next: 'Mend it.' }));

/** The dry run of kubectl-deploy over the objects of a file. Those of kinds that the cluster does not serve are left out. */
export async function deployAnswers(
  { client, namespace }: Pick<OracleServer, 'client' | 'namespace'>,
  text: string,
): Promise<Asked> {
  const recording = recorded(client);
  const signal = AbortSignal.timeout(DEADLINE);
  const written = parseManifests([{ name: 'input', text }]);
  const place = { namespace, definitions: written };
  const { unknown } = await resolveRendered(client, written, place, signal);
  const isUnknown = (source: string) => unknown.some((line) => line.startsWith(`${source}: `));
  const strangers = written.filter(({ source }) => isUnknown(source));
  const strangeObjects = strangers.map(({ manifest }) => manifest);
  for (const stranger of await namesOf(client, strangeObjects, place)) {
    recording.answers.set(stranger, { refused: 'The cluster does not know its kind.' });
  }
  const known = written.filter(({ source }) => !isUnknown(source));
  const world = {
    client: recording.client,
    store: createInventoryStore(client, namespace, name),
    clock,
    emit: () => undefined,
    claim,
  };
  const work = async () =>
    deployManifests(world, optionsIn(namespace), await resolveObjects(client, known, namespace, signal), signal);
  return { answers: recording.answers, refused: await refusalOf(work(), recording.answers) };
}

function optionsIn(namespace: string): DeployOptions {
  return {
    id: name,
    startedBy: name,
    name,
    namespace,
    createNamespace: false,
    prune: false,
    pruneKinds: [],
    force: false,
    wait: false,
    undoOnFailure: false,
    timeout: DEADLINE,
    maxRestarts: 0,
    dryRun: true,
  };
}

/** The dry run of helm-deploy for a chart with its own values. */
export async function chartAnswers(
  { client, kubeconfig, namespace }: OracleServer,
  chart: string,
  release: string,
): Promise<Asked> {
  const recording = recorded(client);
  const signal = AbortSignal.timeout(DEADLINE);
  const world: HelmWorld = {
    helm: createHelm({
      file: 'helm',
      release,
      namespace,
      env: { KUBECONFIG: kubeconfig },
      flags: [],
      onLine: () => undefined,
    }),
    objects: createReleaseObjects({
      client: recording.client,
      clock,
      release,
      namespace,
      createNamespace: false,
      timeout: DEADLINE,
      jobs: false,
      forceConflicts: false,
      tell: () => undefined,
    }),
    changes: { load: async () => undefined, save: claim },
    clock,
    emit: () => undefined,
    claim,
    stable: undefined,
    underRollout: async () => new Map(),
    fetchChart: async () => ({ path: chart, digest: '' }),
    missingNamespace: async () => undefined,
  };
  const work = deployChart(world, requestIn(namespace, release), signal);
  return { answers: recording.answers, refused: await refusalOf(work, recording.answers) };
}

function requestIn(namespace: string, release: string): DeployRequest {
  const change = { timeout: DEADLINE, wait: false, waitForJobs: false, historyMax: 10, forceConflicts: false };
  return {
    id: name,
    release,
    namespace,
    change,
    undoOnFailure: false,
    test: false,
    dryRun: true,
    desired: { ...change, values: [], serverSide: 'auto' },
    force: false,
  };
}

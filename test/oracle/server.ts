/** The API server that both are asked on: an administrator's, as the inputs are of every kind. Only namespaces are written. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';
import { loadConfig } from '../../src/cluster/kubeconfig.ts';
import { resources } from '../../src/cluster/resources.ts';
import { connect } from '../../src/cluster/transport.ts';
import { isSluiceError } from '../../src/core/errors.ts';
import { inParallel } from '../../src/core/parallel.ts';

export interface OracleServer {
  readonly client: KubernetesClient;
  /** Path of a kubeconfig whose context names the namespace: given by a flag, kubectl would refuse objects of others. */
  readonly kubeconfig: string;
  /** For objects that name none. */
  readonly namespace: string;
  /** Makes the namespaces that objects name, since nothing can be asked for in one that is missing. */
  need(names: Iterable<string>): Promise<void>;
  /** Removes the namespaces again. */
  close(): Promise<void>;
}

/** Milliseconds. */
const DEADLINE = 60_000;

/** @param path of an administrator's kubeconfig */
export async function openServer(path: string): Promise<OracleServer> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-oracle-'));
  const namespace = `oracle-${randomBytes(3).toString('hex')}`;
  const kubeconfig = join(folder, 'kubeconfig');
  const connection = connect(loadConfig({ kubeconfig: path, context: '', env: {} }), {});
  // As patient as kubectl, which waits for large definitions on a machine that is busy.
  const connected = createClient(connection, { attemptTimeout: DEADLINE, deadline: 2 * DEADLINE });
  // Dry runs change no kinds: one question for each version is enough for thousands of objects.
  const kinds = new Map<string, ReturnType<KubernetesClient['kindsIn']>>();
  const client: KubernetesClient = {
    ...connected,
    kindsIn(apiVersion, signal) {
      const asked = kinds.get(apiVersion) ?? connected.kindsIn(apiVersion, signal);
      kinds.set(apiVersion, asked);
      return asked;
    },
  };
  const made = new Set<string>();
  const known = new Map<string, Promise<void>>();

  async function make(name: string): Promise<void> {
    const signal = AbortSignal.timeout(DEADLINE);
    const reference = { type: resources.namespace, namespace: '', name };
    if (await client.find(reference, signal)) return;
    try {
      const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { 'sluice.dev/oracle': '' } } };
      await client.create(resources.namespace, manifest, signal);
    } catch (error) {
      // The name is none; both askers are told so.
      if (isSluiceError(error, 'invalid-input')) return;
      throw error;
    }
    made.add(name);
    // No pod is admitted before it.
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts' };
    while (!(await client.find({ type: account, namespace: name, name: 'default' }, signal))) {
      await setTimeout(50, undefined, { signal });
    }
  }

  const { stdout } = await execa('kubectl', ['config', 'view', '--raw', '--flatten', '--minify'], {
    env: { KUBECONFIG: path },
  });
  await writeFile(kubeconfig, stdout, { mode: 0o600 });
  await execa('kubectl', ['config', 'set-context', '--current', '--namespace', namespace], {
    env: { KUBECONFIG: kubeconfig },
  });
  await make(namespace);

  return {
    client,
    kubeconfig,
    namespace,
    async need(names) {
      await inParallel([...names], (name) => {
        const making = known.get(name) ?? make(name);
        known.set(name, making);
        return making;
      });
    },
    async close() {
      await inParallel([...made], (name) =>
        client.remove({ type: resources.namespace, namespace: '', name }, AbortSignal.timeout(DEADLINE)),
      );
      await client.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

import { createClient, type KubernetesClient } from '../cluster/client.ts';
import type { Credentials } from '../cluster/credentials.ts';
import { loadConfig } from '../cluster/kubeconfig.ts';
import { connect } from '../cluster/transport.ts';
import { unsafeWay } from '../core/unsafe-way.ts';
import { type Seal, sealOf } from '../ledger/seal.ts';
import type { Run } from './define.ts';

interface ClusterInputs {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
}

/** The parts of a run that are needed to open a cluster. */
export type ClusterAccess = Pick<Run<unknown, string>, 'env' | 'step' | 'mask' | 'annotate'>;

/**
 * The cluster that the inputs name, and the namespace to work in. Masks the credentials, and warns if they are sent in a way
 * that others can read. Sends no request yet.
 *
 * @throws SluiceError `invalid-input` for credentials that cannot be read
 */
export function openCluster(
  { kubeconfig = '', context = '', namespace }: ClusterInputs,
  { env, step, mask, annotate }: ClusterAccess,
): { readonly client: KubernetesClient; readonly namespace: string; readonly seal: Seal } {
  const load = () => loadConfig({ kubeconfig, context, env, mask });
  const config = load();
  const warning = unsafeCluster(config);
  if (warning !== undefined && step === 'main') annotate.warning(warning, { title: 'Sluice' });
  return {
    client: createClient(connect(config, env, load, mask)),
    namespace: namespace ?? config.getNamespace(),
    seal: sealOf(config, env),
  };
}

/**
 * A warning about credentials that others can read in transit, or that go to a server that is not verified; else undefined.
 */
export function unsafeCluster(config: Credentials): string | undefined {
  const { server = '', skipTLSVerify = false } = config.getCurrentCluster() ?? {};
  const { token, username, authProvider, certData, certFile } = config.getCurrentUser() ?? {};
  if (!token && !username && !authProvider && !certData && !certFile) return undefined;
  const next = 'Give the cluster an https:// address and its certificate authority in the kubeconfig.';
  return unsafeWay(server, { credentials: 'credentials of the kubeconfig', isVerified: !skipTLSVerify, next });
}

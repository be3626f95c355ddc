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

/** What of a run a cluster is opened with. */
export type ClusterAccess = Pick<Run<unknown, string>, 'env' | 'step' | 'mask' | 'annotate'>;

/**
 * The cluster that the inputs name, and the namespace to work in. Its credentials are masked; that they go a way on which others
 * can read them is warned of. Asks nobody anything yet.
 *
 * @throws SluiceError `invalid-input` for credentials that can't be read
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

/** What is to be said of credentials that others can read on their way, or that go to a server that nobody verifies. */
export function unsafeCluster(config: Credentials): string | undefined {
  const { server = '', skipTLSVerify = false } = config.getCurrentCluster() ?? {};
  const { token, username, authProvider, certData, certFile } = config.getCurrentUser() ?? {};
  if (!token && !username && !authProvider && !certData && !certFile) return undefined;
  const next = 'Give the cluster an https:// address and its certificate authority in the kubeconfig.';
  return unsafeWay(server, { credentials: 'credentials of the kubeconfig', isVerified: !skipTLSVerify, next });
}

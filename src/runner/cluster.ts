import { createClient, type KubernetesClient } from '../cluster/client.ts';
import { defaultNamespace, loadConfig } from '../cluster/kubeconfig.ts';
import { connect } from '../cluster/transport.ts';
import { type Seal, sealOf } from '../ledger/seal.ts';

interface ClusterInputs {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
}

/**
 * The cluster that the inputs name, and the namespace to work in. Asks nobody anything yet.
 *
 * @throws SluiceError `invalid-input` for credentials that can't be read
 */
export function openCluster(
  { kubeconfig = '', context = '', namespace }: ClusterInputs,
  env: Readonly<Record<string, string | undefined>>,
): { readonly client: KubernetesClient; readonly namespace: string; readonly seal: Seal } {
  const load = () => loadConfig({ kubeconfig, context, env });
  const config = load();
  return {
    client: createClient(connect(config, env, load)),
    namespace: namespace ?? defaultNamespace(config),
    seal: sealOf(config, env),
  };
}

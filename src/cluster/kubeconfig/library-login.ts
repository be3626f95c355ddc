import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import type { Login } from './login.ts';

/** Logs in by the Kubernetes client library, which reads a token's file again each minute and renews OIDC tokens. */
export function createLibraryLogin(cluster: Cluster, user: User): Login {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(cluster, user);
  return (options) => config.applyToHTTPSOptions(options);
}

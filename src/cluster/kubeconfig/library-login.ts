import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import type { Login } from './login.ts';

/** Logs in by the Kubernetes client library: it reads a token's file again each minute, and renews tokens of OIDC. */
export function createLibraryLogin(cluster: Cluster, user: User): Login {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(cluster, user);
  return (options) => config.applyToHTTPSOptions(options);
}

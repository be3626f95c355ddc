import { accessSync, constants } from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import type { RequestOptions } from 'node:https';
import { sep } from 'node:path';
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import { inAddress, trimEndOf } from '../core/text.ts';
import { EXEC_PROVIDER, type ExecPlugin, execAuthenticator } from './kubeconfig/exec-plugin.ts';
import { type ClusterFields, type ExecFields, KubeconfigProblem, type UserFields } from './kubeconfig-file.ts';

/** An entry of a kubeconfig, and how its relative paths are meant. */
interface Named<T> {
  readonly name: string;
  readonly fields: T;
  at(path: string): string;
}

/** The library's configuration, with the identity to act as, of which the library knows the name alone. */
export class Credentials extends KubeConfig {
  /** Sent with every request. A field with several values is sent several times. */
  impersonation: OutgoingHttpHeaders = {};

  override async applyToHTTPSOptions(options: RequestOptions): Promise<void> {
    await super.applyToHTTPSOptions(options);
    const headers: OutgoingHttpHeaders = { ...this.impersonation };
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      // A token's file ends with a line break, which no header may have.
      headers[name] = typeof value === 'string' ? value.trim() : value;
    }
    options.headers = headers;
  }
}

/**
 * Who asks which cluster, as kubectl understands the entries of a kubeconfig.
 *
 * @throws KubeconfigProblem for what kubectl refuses, and for the little that can't be done here
 */
export function credentialsOf(
  context: { readonly name: string; readonly namespace: string | undefined },
  cluster: Named<ClusterFields>,
  user: Named<UserFields> | undefined,
): Credentials {
  const credentials = new Credentials();
  credentials.loadFromOptions({
    clusters: [clusterOf(cluster)],
    users: user ? [userOf(user)] : [{ name: '' }],
    contexts: [{ name: context.name, cluster: cluster.name, user: user?.name ?? '', namespace: context.namespace }],
    currentContext: context.name,
  });
  if (user) credentials.impersonation = impersonationOf(user);
  if (user?.fields.exec) {
    credentials.addAuthenticator(execAuthenticator(execOf(user, user.fields.exec, cluster)));
  }
  return credentials;
}

function clusterOf({ name, fields, at }: Named<ClusterFields>): Cluster {
  const { server, 'tls-server-name': tlsServerName, 'proxy-url': proxyUrl } = fields;
  const { 'certificate-authority-data': caData, 'certificate-authority': caFile } = fields;
  const url = server && URL.canParse(server) ? new URL(server) : undefined;
  if (!server || !url || !['http:', 'https:'].includes(url.protocol)) {
    throw new KubeconfigProblem(`has a cluster "${name}" without a server of the form https://host:port`);
  }
  const insecure = fields['insecure-skip-tls-verify'] === true;
  if (insecure && (caData || caFile)) {
    throw new KubeconfigProblem(
      `has a cluster "${name}" with both insecure-skip-tls-verify and a certificate authority: only one of them can be meant`,
    );
  }
  if (proxyUrl && !/^(https?|socks5):\/\/./.test(proxyUrl)) {
    throw new KubeconfigProblem(
      `has a cluster "${name}" with a proxy-url that is none of http://, https:// and socks5://`,
    );
  }
  return {
    name,
    server: trimEndOf(server, '/'),
    // Without TLS there is nothing to verify, and the library takes nothing else for permission.
    skipTLSVerify: insecure || url.protocol === 'http:',
    // What the file itself holds counts before what it points to; the library thinks otherwise.
    ...(caData ? { caData } : caFile && { caFile: at(caFile) }),
    ...(tlsServerName && { tlsServerName }),
    ...(proxyUrl && { proxyUrl }),
  };
}

function userOf(user: Named<UserFields>): User {
  const { name, fields, at } = user;
  const { token, username, password } = fields;
  const { 'client-certificate-data': certData, 'client-certificate': certFile } = fields;
  const { 'client-key-data': keyData, 'client-key': keyFile } = fields;
  refuseContradictions(user);
  const tokenFile = fields.tokenFile ? at(fields.tokenFile) : undefined;
  const fromFile = tokenFile !== undefined && (!token || isReadable(tokenFile));
  return {
    name,
    ...(certData ? { certData } : certFile && { certFile: at(certFile) }),
    ...(keyData ? { keyData } : keyFile && { keyFile: at(keyFile) }),
    // A file counts before a token beside it, as it may be renewed; the library reads it again each minute.
    ...(fromFile && { authProvider: { name: 'tokenFile', config: { tokenFile } } }),
    ...(token && !fromFile && { token }),
    ...(username && { username, password: password ?? '' }),
    ...(fields['auth-provider'] && { authProvider: fields['auth-provider'] }),
    ...(fields.exec && { authProvider: { name: EXEC_PROVIDER } }),
  };
}

function refuseContradictions({ name, fields }: Named<UserFields>): void {
  const { token, tokenFile, username, exec, 'auth-provider': provider } = fields;
  const ways = [
    ...(token || tokenFile ? ['a token'] : []),
    ...(username ? ['a user name with a password'] : []),
    ...(exec ? ['an exec plugin'] : []),
    ...(provider ? ['an auth-provider'] : []),
  ];
  const basicAndToken = username && (token || tokenFile);
  if (basicAndToken || (exec && provider)) {
    throw new KubeconfigProblem(`has a user "${name}" with ${ways.join(' and ')}: only one of them can be meant`);
  }
  if (provider && provider.name !== 'oidc') {
    throw new KubeconfigProblem(
      `has a user "${name}" with the auth-provider "${provider.name ?? ''}", which kubectl has dropped: make the kubeconfig anew, so that it has an exec plugin (gke-gcloud-auth-plugin, kubelogin)`,
    );
  }
}

const execVersions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];

/** The exec plugin, with what it is told of the cluster: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats */
function execOf({ name, at }: Named<UserFields>, exec: ExecFields, cluster: Named<ClusterFields>): ExecPlugin {
  const about = `has a user "${name}" whose exec plugin`;
  const { command, apiVersion, interactiveMode } = exec;
  if (!command) throw new KubeconfigProblem(`${about} names no command`);
  if (!apiVersion || !execVersions.includes(apiVersion)) {
    throw new KubeconfigProblem(
      `${about} speaks ${apiVersion ?? 'no version'} of the protocol, where kubectl knows ${execVersions.join(' and ')}: make the kubeconfig anew with a present version of the cloud's tool`,
    );
  }
  if (interactiveMode === 'Always') {
    throw new KubeconfigProblem(
      `${about} asks a person each time (interactiveMode: Always), and nobody sits at a workflow's run`,
    );
  }
  const info = {
    apiVersion,
    kind: 'ExecCredential',
    spec: { ...(exec.provideClusterInfo && { cluster: clusterInfo(cluster) }), interactive: false },
  };
  return {
    command: command.includes(sep) ? at(command) : command,
    args: exec.args ?? [],
    env: {
      ...Object.fromEntries((exec.env ?? []).map(({ name: variable, value }) => [variable, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    },
    installHint: exec.installHint ?? undefined,
  };
}

/** The extension of a cluster that is meant for exec plugins. */
const EXEC_EXTENSION = 'client.authentication.k8s.io/exec';

function clusterInfo({ fields }: Named<ClusterFields>): object {
  const { extensions, ...cluster } = fields;
  const config = extensions?.find(({ name }) => name === EXEC_EXTENSION)?.extension;
  const told = [
    'server',
    'tls-server-name',
    'insecure-skip-tls-verify',
    'certificate-authority-data',
    'proxy-url',
    'disable-compression',
  ];
  const entries = Object.entries(cluster).filter(([key, value]) => told.includes(key) && value !== null);
  return { ...Object.fromEntries(entries), ...(config !== undefined && { config }) };
}

/** https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/ */
function impersonationOf({ name, fields }: Named<UserFields>): OutgoingHttpHeaders {
  const { as, 'as-uid': uid, 'as-groups': groups, 'as-user-extra': extra } = fields;
  const others = Boolean(uid) || (groups ?? []).length > 0 || Object.keys(extra ?? {}).length > 0;
  if (!as && others) {
    throw new KubeconfigProblem(
      `has a user "${name}" that acts as groups, a uid or extra fields of nobody: "as" is missing`,
    );
  }
  return {
    ...(as && { 'Impersonate-User': as }),
    ...(uid && { 'Impersonate-Uid': uid }),
    ...(groups && groups.length > 0 && { 'Impersonate-Group': groups }),
    ...Object.fromEntries(
      Object.entries(extra ?? {}).map(([key, values]) => [`Impersonate-Extra-${headerName(key)}`, values]),
    ),
  };
}

/** A key as a part of a header's name: what may not stand there is escaped as in an address. */
function headerName(key: string): string {
  return inAddress(key).replaceAll(/[()]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

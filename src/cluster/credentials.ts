import { accessSync, constants, readFileSync } from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import type { RequestOptions } from 'node:https';
import { sep } from 'node:path';
import type { Cluster, User } from '@kubernetes/client-node';
import { inAddress, trimEndOf } from '../core/text.ts';
import type { ExecPlugin } from './kubeconfig/exec-plugin.ts';
import type { Login } from './kubeconfig/login.ts';
import { type ClusterFields, type ExecFields, KubeconfigProblem, type UserFields } from './kubeconfig-file.ts';

/** An entry of a kubeconfig, and a function that resolves its relative paths. */
interface Named<T> {
  readonly name: string;
  readonly fields: T;
  at(path: string): string;
}

/** The entries of a kubeconfig that are in use, in the library's types. */
interface Chosen {
  readonly context: { readonly name: string; readonly namespace: string | undefined };
  readonly cluster: Cluster;
  readonly user: User | undefined;
}

/** The cluster to ask, and the identity to ask it with. */
export class Credentials {
  readonly #chosen: Chosen;
  readonly #impersonation: OutgoingHttpHeaders;
  readonly #provider: Login | undefined;

  /**
   * @param impersonation headers of the identity to act as; a header with several values is sent several times
   * @param provider gives the credentials that are in no file
   */
  constructor(chosen: Chosen, impersonation: OutgoingHttpHeaders = {}, provider?: Login) {
    this.#chosen = chosen;
    this.#impersonation = impersonation;
    this.#provider = provider ?? (chosen.user?.authProvider && libraryLogin(chosen.cluster, chosen.user));
  }

  getCurrentContext(): string {
    return this.#chosen.context.name;
  }

  /** The namespace of the context, or `default` if the context names none. */
  getNamespace(): string {
    return this.#chosen.context.namespace?.trim() || 'default';
  }

  getCurrentCluster(): Cluster {
    return this.#chosen.cluster;
  }

  getCurrentUser(): User | undefined {
    return this.#chosen.user;
  }

  /** Adds headers, the client certificate and the settings that verify the server. */
  async applyToHTTPSOptions(options: RequestOptions): Promise<void> {
    const { cluster, user } = this.#chosen;
    if (cluster.skipTLSVerify) options.rejectUnauthorized = false;
    if (cluster.tlsServerName) options.servername = cluster.tlsServerName;
    const files = {
      ca: bytesOf(cluster.caFile, cluster.caData),
      cert: bytesOf(user?.certFile, user?.certData),
      key: bytesOf(user?.keyFile, user?.keyData),
    };
    for (const [name, bytes] of Object.entries(files)) if (bytes) Object.assign(options, { [name]: bytes });
    if (user?.username) options.auth = `${user.username}:${user.password}`;
    await this.#provider?.(options);
    // A token in the file has priority over one from a plugin, as in kubectl.
    if (user?.token) options.headers = { ...options.headers, Authorization: `Bearer ${user.token}` };
    const headers: OutgoingHttpHeaders = { ...this.#impersonation };
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      // A token's file ends with a line break, which is not allowed in a header.
      headers[name] = typeof value === 'string' ? value.trim() : value;
    }
    options.headers = headers;
  }
}

function bytesOf(file: string | undefined, base64: string | undefined): Buffer | undefined {
  if (file) return readFileSync(file);
  return base64 ? Buffer.from(base64, 'base64') : undefined;
}

/** A login whose code is loaded at its first use. */
function loadedOnUse(load: () => Promise<Login>): Login {
  let login: Promise<Login> | undefined;
  return async (options) => {
    login ??= load();
    await (await login)(options);
  };
}

/** Logs in with the token of a file, or by OIDC. */
function libraryLogin(cluster: Cluster, user: User): Login {
  return loadedOnUse(async () => (await import('./kubeconfig/library-login.ts')).createLibraryLogin(cluster, user));
}

function execLogin(plugin: ExecPlugin): Login {
  return loadedOnUse(async () => (await import('./kubeconfig/exec-plugin.ts')).createExecLogin(plugin));
}

/**
 * The credentials that the entries of a kubeconfig describe, read as kubectl reads them.
 *
 * @throws KubeconfigProblem for what kubectl refuses, and for the few things that Sluice does not support
 */
export function credentialsOf(
  context: Chosen['context'],
  cluster: Named<ClusterFields>,
  user: Named<UserFields> | undefined,
): Credentials {
  const chosen = { context, cluster: clusterOf(cluster), user: user && userOf(user) };
  if (!user) return new Credentials(chosen);
  const { exec } = user.fields;
  return new Credentials(chosen, impersonationOf(user), exec ? execLogin(execOf(user, exec, cluster)) : undefined);
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
    // Without TLS there is nothing to verify. The library accepts plain HTTP only with this flag.
    skipTLSVerify: insecure || url.protocol === 'http:',
    // Data in the kubeconfig has priority over a file that it points to, as in kubectl. The library does it the other way
    // round.
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
    // A token file has priority over a token beside it, as the file may be renewed; the library reads it again each minute.
    ...(fromFile && { authProvider: { name: 'tokenFile', config: { tokenFile } } }),
    ...(token && !fromFile && { token }),
    ...(username && { username, password: password ?? '' }),
    ...(fields['auth-provider'] && { authProvider: fields['auth-provider'] }),
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

/**
 * The exec plugin, with the information on the cluster that it gets:
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats
 */
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

/** The name of the cluster extension whose content is for exec plugins. */
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

/** A key as a part of a header's name, with characters that are not allowed there percent-encoded. */
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

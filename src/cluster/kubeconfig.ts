import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { SluiceError } from '../core/errors.ts';
import { Credentials, credentialsOf } from './credentials.ts';
import { kubeconfigSecrets } from './kubeconfig/secrets.ts';
import {
  clusterEntry,
  contextEntry,
  entryOf,
  fromBase64,
  type KubeconfigEntries,
  KubeconfigProblem,
  kubeconfigText,
  mergeKubeconfigs,
  parseKubeconfig,
  userEntry,
} from './kubeconfig-file.ts';

export interface ConfigOptions {
  /**
   * A path, or the file's content as plain text or in base64. Empty: found as kubectl finds it (KUBECONFIG, ~/.kube/config, in
   * the cluster).
   */
  readonly kubeconfig: string;
  /** Empty means the file's current context. */
  readonly context: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Receives the secrets of each file, before anything could print them. */
  readonly mask?: (secrets: readonly string[]) => void;
}

/** The folder in a pod that holds the token of its service account. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Loads the credentials as kubectl would, and refuses what kubectl refuses. Exec plugins and token files are asked again when
 * what they gave has expired. Messages quote nothing of the file but names.
 *
 * @throws SluiceError `invalid-input` for a file that is missing or can't be read as a kubeconfig, or an unknown context.
 */
export function loadConfig(options: ConfigOptions): Credentials {
  const given = options.kubeconfig.trim();
  try {
    const read = reader(options.mask);
    const entries = given === '' ? findEntries(options.env, read) : entriesIn(given, read);
    return entries ? select(entries, options.context) : inCluster(options.context, options.env);
  } catch (error) {
    if (!(error instanceof KubeconfigProblem)) throw error;
    throw new SluiceError('invalid-input', {
      about: 'input "kubeconfig"',
      problem: `${error.message}.`,
      next: 'Give the path of a kubeconfig or its content, or set KUBECONFIG.',
    });
  }
}

/** Reads kubeconfig files, and masks the secrets of each first. */
function reader(mask: ConfigOptions['mask']) {
  const content = (text: string, folder: string): KubeconfigEntries => {
    mask?.(kubeconfigSecrets(text));
    return parseKubeconfig(text, folder);
  };
  return { content, file: (path: string) => content(textOf(path), dirname(path)) };
}
type Reader = ReturnType<typeof reader>;

function entriesIn(given: string, read: Reader): KubeconfigEntries {
  const content = kubeconfigText(given);
  return content === undefined ? read.file(given) : read.content(content, process.cwd());
}

function textOf(path: string): string {
  if (!existsSync(path)) throw new KubeconfigProblem(whatIsMissing(path));
  try {
    const content = readFileSync(path, 'utf8');
    return fromBase64(content) ?? content;
  } catch {
    throw new KubeconfigProblem(`can't be read as a file${shown(path)}`);
  }
}

/** The kubeconfig that kubectl would find; undefined if there is none. */
function findEntries(env: ConfigOptions['env'], read: Reader): KubeconfigEntries | undefined {
  const list = (env.KUBECONFIG ?? '').trim();
  if (list === '') {
    const home = env.HOME ?? env.USERPROFILE;
    const path = home === undefined ? undefined : join(home, '.kube', 'config');
    return path !== undefined && existsSync(path) ? read.file(path) : undefined;
  }
  if (kubeconfigText(list) !== undefined) {
    throw new KubeconfigProblem(
      'is empty, and KUBECONFIG holds the content of a file, where kubectl takes paths alone',
    );
  }
  const paths = list.split(delimiter).filter((path) => path !== '');
  const found = paths.filter((path) => existsSync(path));
  if (found.length === 0) {
    throw new KubeconfigProblem(`is empty, and no file of KUBECONFIG exists${paths.map(shown).join('')}`);
  }
  return mergeKubeconfigs(found.map(read.file));
}

function select(entries: KubeconfigEntries, wanted: string): Credentials {
  const name = wanted === '' ? entries.currentContext : wanted;
  const context = entryOf(contextEntry, entries.contexts, name);
  const clusterName = context?.fields.cluster ?? '';
  const cluster = entryOf(clusterEntry, entries.clusters, clusterName);
  if (!context || !cluster) throw noCluster(entries, wanted, context ? clusterName : undefined);
  const userName = context.fields.user ?? '';
  const user = entryOf(userEntry, entries.users, userName);
  if (!user && userName !== '') {
    throw new KubeconfigProblem(`has no user "${userName}", which its context "${name}" names`);
  }
  return credentialsOf({ name, namespace: context.fields.namespace || undefined }, cluster, user);
}

/**
 * The credentials that a pod has for its own cluster:
 * https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api
 */
function inCluster(
  context: string,
  { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port }: ConfigOptions['env'],
) {
  const tokenFile = `${SERVICE_ACCOUNT}/token`;
  if (context !== '' || !host || !existsSync(tokenFile)) throw noCluster(undefined, context, undefined);
  const namespace = `${SERVICE_ACCOUNT}/namespace`;
  return new Credentials({
    context: { name: 'in-cluster', namespace: existsSync(namespace) ? readFileSync(namespace, 'utf8') : undefined },
    cluster: {
      name: 'in-cluster',
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      caFile: `${SERVICE_ACCOUNT}/ca.crt`,
      skipTLSVerify: false,
    },
    user: { name: 'service-account', authProvider: { name: 'tokenFile', config: { tokenFile } } },
  });
}

function noCluster(entries: KubeconfigEntries | undefined, context: string, missing: string | undefined): SluiceError {
  const names = [...(entries?.contexts.keys() ?? [])];
  const contexts = names.length === 0 ? '.' : `; the contexts are ${names.join(', ')}.`;
  const isUnset = entries !== undefined && context === '' && entries.currentContext === '' && names.length > 0;
  const problem = isUnset ? `has no current context, so it names no cluster${contexts}` : `names no cluster${contexts}`;
  return new SluiceError('invalid-input', {
    about: context === '' ? 'input "kubeconfig"' : `input "context" (${context})`,
    problem: missing ? `names the cluster "${missing}", which the kubeconfig does not have${contexts}` : problem,
    next: isUnset
      ? 'Give the input "context".'
      : 'Log in to the cluster in an earlier step, or give "kubeconfig" and "context".',
  });
}

function whatIsMissing(given: string): string {
  return isPathLike(given)
    ? `names no file: no file is at ${given}`
    : 'is neither the path of a file that exists, nor a kubeconfig, nor one in base64 (it is not shown, as it may be a secret)';
}

function shown(path: string): string {
  return isPathLike(path) ? ` (${path})` : '';
}

/**
 * Whether a text can only be a path. A token or a key has long parts of mixed letters and digits, and neither a slash nor a
 * file extension.
 */
function isPathLike(given: string): boolean {
  if (given.length > 200 || !/^[\w.@~+ /\\:-]+$/.test(given)) return false;
  const parts = given.split(/[/\\]/);
  if (parts.some((part) => part.length > 40 || isRandom(part))) return false;
  if (/^([/~.]|[A-Za-z]:\\)/.test(given)) return true;
  const isFile = parts.length > 1 || /\.(ya?ml|json|conf|config|kubeconfig)$/.test(given);
  return isFile && parts.every((part) => /^[a-z0-9._-]+$/.test(part));
}

function isRandom(part: string): boolean {
  return part.length > 12 && /[a-z]/.test(part) && /[A-Z]/.test(part) && /\d/.test(part);
}

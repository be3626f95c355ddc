import { resolve } from 'node:path';
import * as z from 'zod';
import { readYamlDocument } from '../core/yaml-value.ts';

const text = z.string().nullish();
const texts = z.array(z.string()).nullish();
/** kubectl reads YAML 1.1, which has more words for true and false. */
const flag = z.preprocess((value) => {
  if (typeof value !== 'string') return value;
  if (/^(yes|on|true)$/i.test(value)) return true;
  return /^(no|off|false)$/i.test(value) ? false : value;
}, z.boolean().nullish());

/** https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/#Cluster, without the fields that change no request. */
const clusterFields = z.looseObject({
  server: text,
  'tls-server-name': text,
  'insecure-skip-tls-verify': flag,
  'certificate-authority': text,
  'certificate-authority-data': text,
  'proxy-url': text,
  'disable-compression': flag,
  extensions: z.array(z.looseObject({ name: z.string(), extension: z.unknown() })).nullish(),
});
export type ClusterFields = z.infer<typeof clusterFields>;

/** https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/#ExecConfig */
const execFields = z.looseObject({
  apiVersion: text,
  command: text,
  args: texts,
  env: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish(),
  installHint: text,
  provideClusterInfo: flag,
  interactiveMode: text,
});
export type ExecFields = z.infer<typeof execFields>;

/** https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/#AuthInfo */
const userFields = z.looseObject({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  as: text,
  'as-uid': text,
  'as-groups': texts,
  'as-user-extra': z.record(z.string(), z.array(z.string())).nullish(),
  username: text,
  password: text,
  'auth-provider': z.looseObject({ name: text }).nullish(),
  exec: execFields.nullish(),
});
export type UserFields = z.infer<typeof userFields>;

const contextFields = z.looseObject({ cluster: text, user: text, namespace: text });

/** Entries outside the context in use may be malformed: kubectl does not look at them either. */
const file = z.looseObject({
  clusters: z.array(z.looseObject({ name: z.string(), cluster: z.unknown() })).nullish(),
  users: z.array(z.looseObject({ name: z.string(), user: z.unknown() })).nullish(),
  contexts: z.array(z.looseObject({ name: z.string(), context: z.unknown() })).nullish(),
  'current-context': text,
});

/** An entry of a kubeconfig, and the folder that its relative paths are resolved from. */
interface Entry {
  readonly fields: unknown;
  readonly folder: string;
}

/** The entries of one or several files, by name. */
export interface KubeconfigEntries {
  readonly clusters: ReadonlyMap<string, Entry>;
  readonly users: ReadonlyMap<string, Entry>;
  readonly contexts: ReadonlyMap<string, Entry>;
  readonly currentContext: string;
}

/** A problem with a kubeconfig, described without quoting its content. */
export class KubeconfigProblem extends Error {}

/**
 * The text of a kubeconfig that an input holds: as plain text, or the whole file in base64, as many keep it in a secret.
 * Undefined for a path or anything else.
 */
export function kubeconfigText(given: string): string | undefined {
  const trimmed = given.trim();
  const decoded = fromBase64(trimmed);
  if (decoded !== undefined) return decoded;
  return trimmed.includes('\n') || trimmed.startsWith('{') ? trimmed : undefined;
}

/** The decoded text, if it is a kubeconfig. */
export function fromBase64(given: string): string | undefined {
  const compact = given.replaceAll(/\s+/g, '');
  if (compact.length < 40 || !/^[\w+/-]+={0,2}$/.test(compact)) return undefined;
  const decoded = Buffer.from(compact, 'base64').toString('utf8').trim();
  return /\bclusters"?\s{0,9}:/.test(decoded) && !decoded.includes('\uFFFD') ? decoded : undefined;
}

/**
 * Reads a kubeconfig.
 *
 * @param folder that its relative paths are resolved from
 * @throws KubeconfigProblem
 */
export function parseKubeconfig(content: string, folder: string): KubeconfigEntries {
  const parsed = file.safeParse(fromYaml(content));
  if (!parsed.success) throw new KubeconfigProblem(`is not a kubeconfig that can be read${placeOf(parsed.error)}`);
  const { clusters, users, contexts, 'current-context': currentContext } = parsed.data;
  return {
    clusters: byName(
      'cluster',
      (clusters ?? []).map(({ name, cluster }) => [name, { fields: cluster, folder }]),
    ),
    users: byName(
      'user',
      (users ?? []).map(({ name, user }) => [name, { fields: user, folder }]),
    ),
    contexts: byName(
      'context',
      (contexts ?? []).map(({ name, context }) => [name, { fields: context, folder }]),
    ),
    currentContext: currentContext ?? '',
  };
}

/** Never passes on the parser's messages and warnings: they quote the file, which holds credentials. */
function fromYaml(content: string): unknown {
  const document = readYamlDocument(content, { merge: true });
  return 'value' in document ? document.value : undefined;
}

function byName(kind: string, entries: readonly (readonly [string, Entry])[]): Map<string, Entry> {
  const named = new Map(entries);
  const seen = new Set<string>();
  const twice = entries.find(([name]) => seen.size === seen.add(name).size);
  if (twice) throw new KubeconfigProblem(`has the ${kind} "${twice[0]}" twice`);
  return named;
}

/** Merges several files: among entries of the same name the first file's wins, and so does its current context. */
export function mergeKubeconfigs(files: readonly KubeconfigEntries[]): KubeconfigEntries {
  const merged = (kind: 'clusters' | 'users' | 'contexts') =>
    new Map(files.toReversed().flatMap((each) => [...each[kind]]));
  return {
    clusters: merged('clusters'),
    users: merged('users'),
    contexts: merged('contexts'),
    currentContext: files.find(({ currentContext }) => currentContext !== '')?.currentContext ?? '',
  };
}

/** The kinds of entries, with the schema of their fields. */
export const clusterEntry = { word: 'cluster', shape: clusterFields } as const;
export const userEntry = { word: 'user', shape: userFields } as const;
export const contextEntry = { word: 'context', shape: contextFields } as const;

/**
 * The fields of an entry, and a function that resolves its relative paths; undefined if no entry has this name.
 *
 * @throws KubeconfigProblem for a field whose type is not that of the format
 */
export function entryOf<S extends z.ZodType>(
  { word, shape }: { readonly word: string; readonly shape: S },
  entries: ReadonlyMap<string, Entry>,
  name: string,
): { readonly name: string; readonly fields: z.infer<S>; at(path: string): string } | undefined {
  const entry = entries.get(name);
  if (!entry) return undefined;
  const parsed = shape.safeParse(entry.fields ?? {});
  if (!parsed.success) {
    throw new KubeconfigProblem(`has a ${word} "${name}" that can't be read${placeOf(parsed.error)}`);
  }
  return { name, fields: parsed.data, at: (path) => resolve(entry.folder, path) };
}

/** Where a schema failed, and what it expected there; never the value itself. */
function placeOf(error: z.ZodError): string {
  const [issue] = error.issues;
  if (!issue || issue.path.length === 0) return '';
  const expected = issue.code === 'invalid_type' ? ` is no ${issue.expected}` : ' is not as the format says';
  return `: ${issue.path.join('.')}${expected}`;
}

import { isScalar, parseDocument, visit } from 'yaml';
import { kubeconfigText } from '../cluster/kubeconfig-file.ts';
import { readYamlDocument } from '../core/yaml-value.ts';
import type { GivenInputs } from './parse-inputs.ts';

/** Names of headers, fields of a kubeconfig, and variables of an exec plugin, whose values let somebody in. */
const secretName = /auth|cookie|key|token|password|secret|credential|certificate-data/i;

/** An input that is the content of a file, and not its path. */
export function isContent(text: string): boolean {
  return text.trim().includes('\n') || text.trim().startsWith('{');
}

/** `https://…`, and what plugins of Helm read, such as `secrets://…`. A drive of Windows is none. */
export function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(text);
}

/** The secrets in a URL: its password, and the values of its query, which may be a signature. */
export function urlSecrets(text: string): string[] {
  if (!isUrl(text) || !URL.canParse(text)) return [];
  const { password, searchParams } = new URL(text);
  const values = [...searchParams.values()].filter(({ length }) => length >= LONG);
  return [password, ...decoded(password), ...values];
}

/** Nothing for a text that an address may hold and that stands for no other one: `100%`. */
function decoded(text: string): string[] {
  try {
    return [decodeURIComponent(text)];
  } catch {
    return [];
  }
}

/** The secrets in the input that every action on a cluster has. A path is no secret. */
export function clusterSecrets({ kubeconfig = '' }: GivenInputs): string[] {
  const content = kubeconfigText(kubeconfig);
  if (content === undefined) return [];
  return [...(content === kubeconfig.trim() ? [] : [kubeconfig.trim()]), ...kubeconfigSecrets(content)];
}

/**
 * The secrets in the content of a kubeconfig. Not the whole of it: a log in which every `apiVersion: v1` is masked helps
 * nobody. Of what can't be read, all of it.
 */
function kubeconfigSecrets(content: string): string[] {
  if ('problem' in readYamlDocument(content)) return [content];
  const document = parseDocument(content, { logLevel: 'silent', uniqueKeys: false });
  const secrets: string[] = [];
  visit(document, {
    Map(_, map) {
      // An exec plugin's environment: {name: AWS_SECRET_ACCESS_KEY, value: …}
      const name = map.get('name');
      const value = map.get('value');
      if (typeof name === 'string' && typeof value === 'string' && secretName.test(name)) secrets.push(value);
    },
    Pair(_, { key, value }) {
      if (secretName.test(String(key)) && isScalar(value) && typeof value.value === 'string') secrets.push(value.value);
    },
  });
  return secrets;
}

/** Values of headers that are not known to be secret count as such from this length on: `shop` must not be masked everywhere. */
const LONG = 12;
const tenant = 'x-scope-orgid';

/** The secrets in lines of `NAME: VALUE`. */
export function headerSecrets(lines: string): string[] {
  return lines.split('\n').flatMap((line) => {
    const [name = '', ...rest] = line.split(':');
    const value = rest.join(':').trim();
    if (name.trim().toLowerCase() === tenant) return [];
    if (!secretName.test(name) && value.length < LONG) return [];
    // Of `Bearer abc`, some log `abc` alone.
    return [value, value.replace(/^\S+\s+/, '')];
  });
}

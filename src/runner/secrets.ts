import { kubeconfigSecrets } from '../cluster/kubeconfig/secrets.ts';
import { kubeconfigText } from '../cluster/kubeconfig-file.ts';
import { jobTokens } from '../core/child-environment.ts';
import { soundsSecret } from '../core/secret-name.ts';
import type { GivenInputs } from './parse-inputs.ts';

/** Whether an input is the content of a file instead of its path. */
export function isContent(text: string): boolean {
  return text.trim().includes('\n') || text.trim().startsWith('{');
}

/**
 * Whether a text is a URL: `https://…`, or one for Helm's plugins such as `secrets://…`. A drive letter of Windows is no URL.
 */
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

/** Empty for a text that cannot be decoded, which a URL may still contain: `100%`. */
function decoded(text: string): string[] {
  try {
    return [decodeURIComponent(text)];
  } catch {
    return [];
  }
}

/** The secrets in the environment of every action: the tokens of the job, and logins of proxies. */
export function environmentSecrets(env: Readonly<Record<string, string | undefined>>): string[] {
  const proxies = Object.entries(env).flatMap(([name, value = '']) => (/_proxy$/i.test(name) ? urlSecrets(value) : []));
  return [...jobTokens(env), ...proxies];
}

/**
 * The secrets in the inputs that every action on a cluster has. A path is no secret; the file's content is masked when it is
 * read.
 */
export function clusterSecrets({ kubeconfig = '' }: GivenInputs): string[] {
  const content = kubeconfigText(kubeconfig);
  if (content === undefined) return [];
  return [...(content === kubeconfig.trim() ? [] : [kubeconfig.trim()]), ...kubeconfigSecrets(content)];
}

/**
 * Values of this length count as secret, also under names that do not sound secret: `shop` must not be masked everywhere.
 */
const LONG = 12;
const tenant = 'x-scope-orgid';

/** The secrets in lines of `NAME: VALUE`. */
export function headerSecrets(lines: string): string[] {
  return lines.split('\n').flatMap((line) => {
    const [name = '', ...rest] = line.split(':');
    const value = rest.join(':').trim();
    if (name.trim().toLowerCase() === tenant) return [];
    if (!soundsSecret(name) && value.length < LONG) return [];
    // Some logs show only `abc` of `Bearer abc`.
    return [value, value.replace(/^\S+\s+/, '')];
  });
}

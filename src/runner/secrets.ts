import { kubeconfigSecrets } from '../cluster/kubeconfig/secrets.ts';
import { kubeconfigText } from '../cluster/kubeconfig-file.ts';
import { jobTokens } from '../core/child-environment.ts';
import { soundsSecret } from '../core/secret-name.ts';
import type { GivenInputs } from './parse-inputs.ts';

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

/** The secrets that stand in the environment of every action: the tokens of the job, and logins of proxies. */
export function environmentSecrets(env: Readonly<Record<string, string | undefined>>): string[] {
  const proxies = Object.entries(env).flatMap(([name, value = '']) => (/_proxy$/i.test(name) ? urlSecrets(value) : []));
  return [...jobTokens(env), ...proxies];
}

/** The secrets in the input that every action on a cluster has. A path is no secret; what its file holds is masked when it is read. */
export function clusterSecrets({ kubeconfig = '' }: GivenInputs): string[] {
  const content = kubeconfigText(kubeconfig);
  if (content === undefined) return [];
  return [...(content === kubeconfig.trim() ? [] : [kubeconfig.trim()]), ...kubeconfigSecrets(content)];
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
    if (!soundsSecret(name) && value.length < LONG) return [];
    // Of `Bearer abc`, some log `abc` alone.
    return [value, value.replace(/^\S+\s+/, '')];
  });
}

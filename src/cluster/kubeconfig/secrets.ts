import { isRecord } from '../../core/json.ts';
import { soundsSecret } from '../../core/secret-name.ts';
import { readYamlDocument } from '../../core/yaml-value.ts';

/** Fields that hold the path of a file. */
const paths = new Set([
  'certificate-authority',
  'client-certificate',
  'client-key',
  'tokenFile',
  'idp-certificate-authority',
]);

/**
 * Values of this length or more count as secret unless they are known to be harmless. Shorter ones are ordinary words, as
 * `true`.
 */
const LONG = 8;

/** Variables and flags of cloud plugins with public values: a cluster, a region, an account. */
const harmless =
  /^-{0,2}(?:(?:AWS_)?(?:DEFAULT_)?REGION|AWS_PROFILE|AWS_STS_REGIONAL_ENDPOINTS|profile|role(?:-arn)?|cluster(?:-id|-name)?|kube-cluster|teleport-cluster|[ir]|name|output|format|environment|server-id|client-id|tenant-id|login|context|version|project|location|zone|resource-group|subscription|oidc-issuer-url|oidc-client-id|oidc-extra-scope|extra-scopes?|idp-issuer-url|listen-address|PATH|HOME|USE_GKE_GCLOUD_AUTH_PLUGIN|AAD_.*_ID|AZURE_.*_ID|AZURE_ENVIRONMENT)$/i;

/** A word of a command, such as `eks` or `get-token`. */
const word = /^[a-z][a-z-]*$/;

/** Short flags that are followed by a password or a PIN. */
const secretFlag = /^--?(?:p|pw|pin|pat)$/i;

/** Words that are never masked: a log in which every `true` is masked can't be read. */
const plainWord = /^(?:true|false|yes|no|on|off|null|none)$/i;

/**
 * All secrets of a kubeconfig, for the masking of logs: values with the name of a secret, the environment and arguments of exec
 * plugins, and logins in addresses, of all users and not only of the context in use. Other values are left out: a log in which
 * every `apiVersion: v1` is masked can't be read. If the file can't be parsed, its whole text.
 */
export function kubeconfigSecrets(content: string): readonly string[] {
  // Asked for the same content twice: when the inputs are masked, and when the file is loaded.
  if (last?.content !== content) last = { content, secrets: findSecrets(content) };
  return last.secrets;
}

let last: { readonly content: string; readonly secrets: readonly string[] } | undefined;

function findSecrets(content: string): string[] {
  // Reads every value as text: a number may be a password.
  const document = readYamlDocument(content, { merge: true, schema: 'failsafe' });
  if ('problem' in document) return [content];
  return [...new Set(secretsIn(document.value, '', new Set()))].filter(
    (secret) => secret.trim() !== '' && !plainWord.test(secret),
  );
}

/** @param within the objects above this one: a YAML alias may stand inside the object that it names */
function secretsIn(value: unknown, name: string, within: ReadonlySet<unknown>): string[] {
  if (typeof value === 'string') return ofText(value, name);
  if (typeof value !== 'object' || value === null || within.has(value)) return [];
  const inside = new Set([...within, value]);
  if (Array.isArray(value)) return value.flatMap((item) => secretsIn(item, name, inside));
  const fields = new Map(Object.entries(value));
  return [
    ...ofLogin(fields.get('username'), fields.get('password')),
    ...[...fields].flatMap(([field, part]) =>
      field === 'exec' && isRecord(part) ? ofPlugin(part, inside) : secretsIn(part, field, inside),
    ),
  ];
}

function ofText(text: string, name: string): string[] {
  const own = soundsSecret(name) && !paths.has(name) ? [text, ...decoded(text, name)] : [];
  return [...own, ...ofAddress(text)];
}

/** The plain text of a client key, which the kubeconfig holds in base64. */
function decoded(text: string, name: string): string[] {
  return name === 'client-key-data' ? [Buffer.from(text, 'base64').toString('utf8')] : [];
}

/** A name and a password as HTTP basic authentication sends them. */
function ofLogin(username: unknown, password: unknown): string[] {
  if (typeof username !== 'string' || typeof password !== 'string' || password === '') return [];
  return [Buffer.from(`${username}:${password}`).toString('base64')];
}

/** The login in an address: `https://robot:password@host`, `http://token@proxy`. */
function ofAddress(text: string): string[] {
  const [, login] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#\s]*)@/i.exec(text) ?? [];
  if (login === undefined) return [];
  const [user = '', ...rest] = login.split(':');
  const secret = rest.length > 0 ? rest.join(':') : user;
  return [secret, unescaped(secret), ...ofLogin(unescaped(user), unescaped(rest.join(':')))];
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function ofPlugin({ env, args, ...others }: Record<string, unknown>, within: ReadonlySet<unknown>): string[] {
  return [...ofVariables(env), ...ofArguments(args), ...secretsIn(others, '', within)];
}

/** Secrets in an exec plugin's environment: `{name: AWS_SECRET_ACCESS_KEY, value: …}`. */
function ofVariables(env: unknown): string[] {
  if (!Array.isArray(env)) return [];
  return env.flatMap((variable: unknown) => {
    if (!isRecord(variable) || typeof variable.value !== 'string') return [];
    const { name, value } = variable;
    if (soundsSecret(String(name))) return [value];
    return [...(harmless.test(String(name)) || value.length < LONG ? [] : [value]), ...ofAddress(value)];
  });
}

/**
 * Secrets in arguments such as `--client-secret S`, `--client-secret=S`, `-p S` and `S`: all that is no flag, no word of a
 * command and not known to be harmless.
 */
function ofArguments(args: unknown): string[] {
  if (!Array.isArray(args)) return [];
  const given = args.filter((arg) => typeof arg === 'string');
  return given.flatMap((arg, index) => {
    const [, flag, joined] = /^(-[^=\s]*)=(.*)$/s.exec(arg) ?? [];
    if (flag !== undefined && joined !== undefined) return ofArgument(joined, flag);
    if (isFlag(arg)) return [];
    const before = given[index - 1] ?? '';
    return ofArgument(arg, isFlag(before) ? before : undefined);
  });
}

function isFlag(arg: string): boolean {
  return /^--?\w[\w-]*$/.test(arg);
}

/** @param flag that stands before the value, if any */
function ofArgument(value: string, flag: string | undefined): string[] {
  if (flag !== undefined && (soundsSecret(flag) || secretFlag.test(flag))) return [value];
  const isKnown = value.length < LONG || (flag === undefined ? word : harmless).test(flag ?? value);
  return [...(isKnown ? [] : [value]), ...ofAddress(value)];
}

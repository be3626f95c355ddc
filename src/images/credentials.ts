import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { SluiceError } from '../core/errors.ts';
import type { Repository } from '../core/image-reference.ts';
import { parseJson, stringifyJson } from '../core/json.ts';
import { run } from '../core/process.ts';
import { trimEndOf } from '../core/text.ts';
import type { Login } from './registry/authorization.ts';

const authEntry = z.looseObject({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});

/** The fields of docker's config.json and of auth.json that are read; all others are kept as they are. */
const dockerConfig = z.looseObject({
  auths: z.record(z.string(), authEntry).nullish(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
});
type DockerConfig = z.infer<typeof dockerConfig>;

/** The output of a credential helper: https://github.com/docker/docker-credential-helpers */
const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

const HUB_KEY = 'https://index.docker.io/v1/';

/** The key of a registry in docker's configuration. */
function keyOf(registry: string): string {
  return hostOf(registry) === 'docker.io' ? HUB_KEY : registry;
}

/** Shortens `https://index.docker.io/v1/` to `docker.io`, and `http://registry.lab:5000/v2/` to `registry.lab:5000`. */
function plainKey(key: string): string {
  const plain = key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  return plain.replace(/^(?:index|registry-1)\.docker\.io(?=$|\/)/, 'docker.io');
}

function hostOf(key: string): string {
  return plainKey(key).split('/')[0] ?? '';
}

async function readAuthFile(path: string): Promise<DockerConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    // There is no login in this file yet.
    return {};
  }
  try {
    return dockerConfig.parse(parseJson(text));
  } catch {
    // The cause is left out: it may quote a line with a password.
    throw new SluiceError('invalid-input', {
      about: path,
      problem: 'is not what docker and podman write.',
      next: 'Remove it, and log in again in an earlier step.',
    });
  }
}

/**
 * Makes a folder for DOCKER_CONFIG that belongs to this run: docker's configuration and one more login. Leaves docker's own
 * configuration as it is; removing the folder is the logout.
 *
 * @param from docker's folder, whose plugins, contexts and logins stay in use
 */
export async function writeOwnConfig(from: string, to: string, registry: string, login: Login): Promise<void> {
  const config = await readAuthFile(join(from, 'config.json'));
  const key = keyOf(registry);
  const auth = Buffer.from(`${login.username}:${login.password}`, 'utf8').toString('base64');
  const own: DockerConfig = {
    ...config,
    auths: { ...config.auths, [key]: { auth } },
    // An empty helper makes docker read the file, even where a store is set for all registries.
    ...((config.credsStore || config.credHelpers) && { credHelpers: { ...config.credHelpers, [key]: '' } }),
  };
  await mkdir(to, { recursive: true, mode: 0o700 });
  const others = (await readdir(from).catch(() => [])).filter((name) => name !== 'config.json');
  await Promise.all(others.map((name) => symlink(join(from, name), join(to, name))));
  await writeFile(join(to, 'config.json'), `${stringifyJson(own)}\n`, { mode: 0o600 });
}

/** Does the same for buildah, whose file holds logins only. */
export async function writeOwnAuthFile(
  from: readonly string[],
  to: string,
  registry: string,
  login: Login,
): Promise<void> {
  const files = await Promise.all(from.map(readAuthFile));
  const auth = Buffer.from(`${login.username}:${login.password}`, 'utf8').toString('base64');
  // Earlier files win over later ones.
  const auths = Object.assign({}, ...files.toReversed().map((file) => file.auths ?? {}));
  const helpers: Record<string, string> = Object.assign(
    {},
    ...files.toReversed().map((file) => file.credHelpers ?? {}),
  );
  delete helpers[registry];
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const own: DockerConfig = { auths: { ...auths, [registry]: { auth } }, credHelpers: helpers };
  await writeFile(to, `${stringifyJson(own)}\n`, { mode: 0o600 });
}

/**
 * The files in which buildah looks for logins, in its order.
 * https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
 *
 * @param uid user id of this process
 */
export function buildahAuthFiles(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
  uid: number,
): readonly string[] {
  if (env.REGISTRY_AUTH_FILE) return [resolve(env.REGISTRY_AUTH_FILE)];
  if (env.DOCKER_CONFIG) return [resolve(env.DOCKER_CONFIG, 'config.json')];
  const runtime = env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, 'containers') : `/run/containers/${uid}`;
  const config = env.XDG_CONFIG_HOME || join(home, '.config');
  return [join(runtime, 'auth.json'), join(config, 'containers', 'auth.json'), join(home, '.docker', 'config.json')];
}

/** buildah's login for a repository: from the first file that has one for the repository or for a path above it. */
export async function buildahLogin(
  files: readonly string[],
  { registry, path }: Pick<Repository, 'registry' | 'path'>,
  signal: AbortSignal,
): Promise<Login | undefined> {
  const parts = path.split('/');
  const keys = parts.map((_, index) => [registry, ...parts.slice(0, parts.length - index)].join('/'));
  for (const file of files) {
    const { auths, credHelpers } = await readAuthFile(file);
    const helper = credHelpers?.[registry];
    const asked = helper ? await askHelper(helper, registry, signal) : undefined;
    if (asked) return asked;
    for (const key of [...keys, registry]) {
      const entry = Object.entries(auths ?? {}).find(([name]) => plainKey(name) === key)?.[1];
      const login = entry && loginOf(entry);
      if (login) return login;
    }
  }
  return undefined;
}

/**
 * Docker's login for a registry: from its credential helper, else from its file. Undefined where there is none.
 *
 * @throws SluiceError `failed` where a helper fails for another reason than an unknown registry
 */
export async function loginFrom(folder: string, registry: string, signal: AbortSignal): Promise<Login | undefined> {
  const config = await readAuthFile(join(folder, 'config.json'));
  const key = keyOf(registry);
  const helper = config.credHelpers?.[key] ?? config.credHelpers?.[registry] ?? config.credsStore ?? '';
  if (helper !== '') return askHelper(helper, key, signal);
  const auths = Object.entries(config.auths ?? {});
  const [, entry] =
    auths.find(([name]) => name === key) ?? auths.find(([name]) => hostOf(name) === hostOf(registry)) ?? [];
  return entry && loginOf(entry);
}

/** The secrets of a login: its password, and user name and password as docker encodes them. */
export function secretsOfLogin({ username, password }: Login): string[] {
  return [password, Buffer.from(`${username}:${password}`, 'utf8').toString('base64')];
}

/**
 * The secrets of all logins that a file of docker or podman holds, in use or not: a program that is run with it may print any.
 * Those of credential helpers are known when they are asked.
 *
 * @throws SluiceError `invalid-input` for a file of another form
 */
export async function secretsOfAuthFile(path: string): Promise<string[]> {
  const { auths } = await readAuthFile(path);
  return Object.values(auths ?? {}).flatMap((entry) => {
    const login = loginOf(entry);
    const { auth, password, identitytoken, registrytoken } = entry;
    const written = [auth, password, identitytoken, registrytoken].flatMap((secret) => secret ?? []);
    return [...written, ...(login ? secretsOfLogin(login) : [])].filter((secret) => secret !== '');
  });
}

type Entry = z.infer<typeof authEntry>;

function loginOf({ identitytoken, auth, username, password }: Entry): Login | undefined {
  if (identitytoken) return { username: '<token>', password: identitytoken };
  if (auth) {
    const [name = '', ...rest] = Buffer.from(auth, 'base64').toString('utf8').split(':');
    // Docker ends some passwords with zero bytes.
    return { username: name, password: trimEndOf(rest.join(':'), '\0') };
  }
  return username !== undefined && password !== undefined ? { username, password } : undefined;
}

async function askHelper(helper: string, key: string, signal: AbortSignal): Promise<Login | undefined> {
  const file = `docker-credential-${helper}`;
  // The helper may need either of the job's tokens to log in.
  const program = { file, args: ['get'], input: key, tokens: ['identity', 'github'] as const };
  const { exitCode, stdout } = await run(program, { signal, deadline: 30_000 });
  // The helper prints its answer, or the reason for having none, to standard output.
  if (exitCode === 0) return readHelperAnswer(file, stdout);
  if (/not found/i.test(stdout)) return undefined;
  throw new SluiceError('failed', {
    about: file,
    problem: `could not give the credentials of ${key} (exit status ${exitCode}).`,
    next: 'Log in to the registry in an earlier step, or give "username" and "password".',
  });
}

function readHelperAnswer(file: string, answer: string): Login {
  try {
    const { Username: username, Secret: password } = helperAnswer.parse(parseJson(answer));
    return { username, password };
  } catch {
    // The cause is left out: it may quote a password.
    throw new SluiceError('failed', {
      about: file,
      problem: 'did not answer as a credential helper does.',
      next: 'Log in to the registry in an earlier step, or give "username" and "password".',
    });
  }
}

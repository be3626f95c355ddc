import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { SluiceError } from '../canary/errors.ts';
import { run } from '../process.ts';
import type { Login } from './registry.ts';

/** What is read of docker's config.json; all else is kept as it is. */
const dockerConfig = z.looseObject({
  auths: z
    .record(
      z.string(),
      z.looseObject({
        auth: z.string().optional(),
        username: z.string().optional(),
        password: z.string().optional(),
        identitytoken: z.string().optional(),
      }),
    )
    .optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});
type DockerConfig = z.infer<typeof dockerConfig>;

/** What a credential helper prints: https://github.com/docker/docker-credential-helpers */
const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

const HUB_KEY = 'https://index.docker.io/v1/';

/** The key of a registry in docker's configuration. */
function keyOf(registry: string): string {
  return registry === 'docker.io' || registry === 'index.docker.io' ? HUB_KEY : registry;
}

async function readDockerConfig(folder: string): Promise<DockerConfig> {
  const path = join(folder, 'config.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    // Nobody has logged in here yet.
    return {};
  }
  try {
    return dockerConfig.parse(JSON.parse(text));
  } catch (cause) {
    throw new SluiceError('invalid-input', {
      about: path,
      problem: 'is not what docker writes.',
      next: 'Remove it, and log in again in an earlier step.',
      cause,
    });
  }
}

/**
 * Makes a folder for DOCKER_CONFIG that is this run's own: what docker has, and one more login. Nobody's own configuration is
 * changed, and removing the folder is the logout.
 *
 * @param from docker's folder, whose plugins, contexts and logins stay in use
 */
export async function writeOwnConfig(from: string, to: string, registry: string, login: Login): Promise<void> {
  const config = await readDockerConfig(from);
  const key = keyOf(registry);
  const auth = Buffer.from(`${login.username}:${login.password}`, 'utf8').toString('base64');
  const own: DockerConfig = {
    ...config,
    auths: { ...config.auths, [key]: { auth } },
    // An empty helper means the file, also where a store is set for all registries.
    ...((config.credsStore || config.credHelpers) && { credHelpers: { ...config.credHelpers, [key]: '' } }),
  };
  await mkdir(to, { recursive: true, mode: 0o700 });
  const others = (await readdir(from).catch(() => [])).filter((name) => name !== 'config.json');
  await Promise.all(others.map((name) => symlink(join(from, name), join(to, name))));
  await writeFile(join(to, 'config.json'), `${JSON.stringify(own)}\n`, { mode: 0o600 });
}

/**
 * The login that docker has for a registry: of its credential helper, else of its file. Undefined where it has none.
 *
 * @throws SluiceError `failed` where a helper fails in another way than not knowing the registry
 */
export async function loginFrom(folder: string, registry: string, signal: AbortSignal): Promise<Login | undefined> {
  const config = await readDockerConfig(folder);
  const key = keyOf(registry);
  const helper = config.credHelpers?.[key] ?? config.credsStore ?? '';
  if (helper !== '') return askHelper(helper, key, signal);
  const entry = config.auths?.[key] ?? config.auths?.[`https://${key}`] ?? config.auths?.[`https://${key}/v1/`];
  if (!entry) return undefined;
  if (entry.identitytoken) return { username: '<token>', password: entry.identitytoken };
  if (entry.auth) {
    const [username = '', ...password] = Buffer.from(entry.auth, 'base64').toString('utf8').split(':');
    return { username, password: password.join(':') };
  }
  const { username, password } = entry;
  return username !== undefined && password !== undefined ? { username, password } : undefined;
}

async function askHelper(helper: string, key: string, signal: AbortSignal): Promise<Login | undefined> {
  const file = `docker-credential-${helper}`;
  const { exitCode, stdout } = await run({ file, args: ['get'], input: key }, { signal, deadline: 30_000 });
  // Its standard output is the answer, or why there is none.
  if (exitCode === 0) {
    const { Username: username, Secret: password } = helperAnswer.parse(JSON.parse(stdout));
    return { username, password };
  }
  if (/not found/i.test(stdout)) return undefined;
  throw new SluiceError('failed', {
    about: file,
    problem: `could not give the credentials of ${key} (exit status ${exitCode}).`,
    next: 'Log in to the registry in an earlier step, or give "username" and "password".',
  });
}

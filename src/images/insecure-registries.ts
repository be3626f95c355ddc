import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'smol-toml';
import * as z from 'zod';
import { messageOf, SluiceError } from '../core/errors.ts';

const place = { location: z.string().optional(), insecure: z.boolean().optional() };
const configuration = z.looseObject({
  registry: z
    .array(
      z.looseObject({
        ...place,
        prefix: z.string().optional(),
        mirror: z.array(z.looseObject(place)).optional(),
      }),
    )
    .default([]),
});

/** The registries of this machine; an address may continue after the name, for example with a port. */
const local = ['localhost', '127.0.0.1'];

/**
 * The files in which buildah looks for its configuration of registries; it reads the first that exists.
 * https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md
 */
export function registriesConfigurations(env: Readonly<Record<string, string | undefined>>, home: string): string[] {
  const named = env.CONTAINERS_REGISTRIES_CONF || env.REGISTRIES_CONFIG_PATH;
  if (named) return [named];
  const folders = [env.XDG_CONFIG_HOME || join(home, '.config'), join(home, '.config'), '/etc', '/usr/share'];
  return folders.map((folder) => join(folder, 'containers', 'registries.conf'));
}

/**
 * Writes a configuration for buildah: the first of these files, with permission to use the named registries and those of this
 * machine without TLS. All other registries need a trusted certificate.
 *
 * @param hosts `registry.lab:5000`
 * @throws SluiceError where the file cannot be read
 */
export async function writeRegistriesConfiguration(
  from: readonly string[],
  to: string,
  hosts: readonly string[],
): Promise<void> {
  await writeFile(to, withInsecure(await firstOf(from), [...hosts, ...local]));
}

interface ConfigurationFile {
  readonly path: string;
  readonly text: string;
}

async function firstOf(paths: readonly string[]): Promise<ConfigurationFile> {
  for (const path of paths) {
    try {
      return { path, text: await readFile(path, 'utf8') };
    } catch (error) {
      const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isAbsent) throw unreadable(path, error);
    }
  }
  return { path: '', text: '' };
}

/** The configuration with `insecure = true` for each of the hosts, whether it is listed already or not. */
function withInsecure({ path, text }: ConfigurationFile, hosts: readonly string[]): string {
  const { registry, ...others } = parseConfiguration(path, text);
  const isNamed = (location: string | undefined) =>
    hosts.some((host) => location === host || location?.startsWith(`${host}/`));
  const known = registry.map((entry) => ({
    ...entry,
    ...(isNamed(entry.location ?? entry.prefix) && { insecure: true }),
    ...(entry.mirror && {
      mirror: entry.mirror.map((mirror) => ({ ...mirror, ...(isNamed(mirror.location) && { insecure: true }) })),
    }),
  }));
  const missing = hosts.filter((host) => !registry.some(({ prefix, location }) => (prefix ?? location) === host));
  return stringify({ ...others, registry: [...known, ...missing.map((location) => ({ location, insecure: true }))] });
}

function parseConfiguration(path: string, text: string): z.infer<typeof configuration> {
  try {
    return configuration.parse(parse(text));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): SluiceError {
  return new SluiceError('invalid-input', {
    about: path,
    problem: `is buildah's configuration of registries and can't be read: ${messageOf(cause).split('\n')[0]}.`,
    next: 'Mend the file, or leave out "insecure-registries".',
    cause,
  });
}

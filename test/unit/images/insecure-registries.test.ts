import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registriesConfigurations, writeRegistriesConfiguration } from '../../../src/images/insecure-registries.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-registries-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function written(hosts: readonly string[], own?: string) {
  const [from, to] = [join(folder, 'own.conf'), join(folder, 'run.conf')];
  if (own !== undefined) await writeFile(from, own);
  await writeRegistriesConfiguration([join(folder, 'absent.conf'), from], to, hosts);
  return parse(await readFile(to, 'utf8'));
}

const ofThisMachine = [
  { location: 'localhost', insecure: true },
  { location: '127.0.0.1', insecure: true },
];

describe('writeRegistriesConfiguration', () => {
  it('names the given registries and those of this machine, and no other', async () => {
    expect(await written(['registry.lab:5000'])).toEqual({
      registry: [{ location: 'registry.lab:5000', insecure: true }, ...ofThisMachine],
    });
  });

  it('keeps what the user has configured, with its mirrors', async () => {
    const own = `
unqualified-search-registries = ["docker.io"]
[aliases]
"tool" = "quay.io/acme/tool"
[[registry]]
prefix = "docker.io"
location = "mirror.acme.example/hub"
[[registry.mirror]]
location = "registry.lab:5000/hub"
[[registry.mirror]]
location = "registry.lab:50001/hub"
`;
    expect(await written(['registry.lab:5000'], own)).toEqual({
      'unqualified-search-registries': ['docker.io'],
      aliases: { tool: 'quay.io/acme/tool' },
      registry: [
        {
          prefix: 'docker.io',
          location: 'mirror.acme.example/hub',
          mirror: [{ location: 'registry.lab:5000/hub', insecure: true }, { location: 'registry.lab:50001/hub' }],
        },
        { location: 'registry.lab:5000', insecure: true },
        ...ofThisMachine,
      ],
    });
  });

  it('changes what is there of a registry, as buildah refuses two words about one', async () => {
    const own = `
[[registry]]
location = "registry.lab:5000"
insecure = false
blocked = true
[[registry]]
prefix = "registry.lab:5000/team"
[[registry]]
prefix = "quay.io"
`;
    expect(await written(['registry.lab:5000'], own)).toEqual({
      registry: [
        { location: 'registry.lab:5000', insecure: true, blocked: true },
        { prefix: 'registry.lab:5000/team', insecure: true },
        { prefix: 'quay.io' },
        ...ofThisMachine,
      ],
    });
  });

  it.each(['[[registry', 'registry = "one"', '[registries.insecure]\nregistries = 1\n[[registry]]\nlocation = 1'])(
    'names a file that can not be read: %j',
    async (own) => {
      await expect(written(['registry.lab:5000'], own)).rejects.toMatchObject({
        code: 'invalid-input',
        about: join(folder, 'own.conf'),
      });
    },
  );
});

describe('registriesConfigurations', () => {
  it('looks where buildah looks', () => {
    expect(registriesConfigurations({ CONTAINERS_REGISTRIES_CONF: '/a', REGISTRIES_CONFIG_PATH: '/b' }, '/h')).toEqual([
      '/a',
    ]);
    expect(registriesConfigurations({ REGISTRIES_CONFIG_PATH: '/b' }, '/h')).toEqual(['/b']);
    expect(registriesConfigurations({ XDG_CONFIG_HOME: '/x' }, '/h')).toEqual([
      '/x/containers/registries.conf',
      '/h/.config/containers/registries.conf',
      '/etc/containers/registries.conf',
      '/usr/share/containers/registries.conf',
    ]);
  });
});

import { delimiter, join } from 'node:path';
import { exists } from './cache.ts';
import { run, step } from './commands.ts';

/** Installs the packages of those commands that can't be found: a machine may have them from elsewhere. */
export async function installCommands(packages: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const missing: string[] = [];
  for (const [command, name] of Object.entries(packages)) {
    const found = await Promise.all(folders.map((folder) => exists(join(folder, command))));
    if (!found.includes(true)) missing.push(name);
  }
  await installPackages(missing, signal);
}

/** Installs those of the packages that are missing, without starting their services. */
export async function installPackages(names: readonly string[], signal: AbortSignal): Promise<void> {
  const missing: string[] = [];
  for (const name of names) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query replaces it.
    const status = await run('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name], { signal }).catch(
      () => '',
    );
    if (status !== 'installed') missing.push(name);
  }
  if (missing.length === 0) return;
  await step(`installed ${missing.join(' ')}`, async () => {
    // invoke-rc.d starts no service in runlevel 1.
    const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    await run('apt-get', ['update'], { env, signal });
    await run('apt-get', ['install', '--yes', '--no-install-recommends', ...missing], { env, signal });
  });
}

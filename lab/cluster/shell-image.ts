import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../programs/commands.ts';
import { installPackages } from '../programs/debian.ts';
import { layer } from './contents.ts';
import { pushImage } from './images.ts';
import { endpoints } from './layout.ts';

const name = 'busybox-static';

/** Puts an image with a shell into the registry of the lab that is up, and says what it is called: the lab's own images have none. */
export async function pushShellImage(signal: AbortSignal): Promise<string> {
  await installPackages([name], signal);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query replaces it.
  const version = await run('dpkg-query', ['--show', '--showformat=${Version}', name], { signal });
  const files = await layer(name, version.replaceAll(/[^\w.-]/g, '-'), async (root) => {
    await mkdir(join(root, 'bin'), { mode: 0o755 });
    await copyFile('/bin/busybox', join(root, 'bin/busybox'));
    await symlink('busybox', join(root, 'bin/sh'));
  });
  const image = { repository: 'busybox', tag: 'lab', layer: files, entrypoint: ['/bin/sh'], env: ['PATH=/bin'] };
  await pushImage(image, signal);
  return `${endpoints.registry}/${image.repository}:${image.tag}`;
}

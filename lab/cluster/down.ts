import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { exists } from '../programs/cache.ts';
import { run } from '../programs/commands.ts';
import { removeCgroups } from './cgroup.ts';
import { kubeconfigPath, logDir, runDir } from './layout.ts';
import { removeNetwork } from './network.ts';

/** Stops and removes all that `up` has created, even partially; only logs and the cache are kept. Can be repeated. */
export async function down(): Promise<void> {
  await removeCgroups();
  await unmountAll();
  await removeTraces();
  await removeNetwork();
  await rm(runDir, { recursive: true, force: true });
  await rm(kubeconfigPath, { force: true });
}

/** Unmounts everything below the lab's folder: volumes, root file systems of containers, network namespaces of pods. */
async function unmountAll(): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).trim().split('\n');
  const paths = mounts.map((line) => (line.split(' ')[1] ?? '').replaceAll('\\040', ' '));
  const ours = paths.filter((path) => path.startsWith(`${runDir}/`));
  // In reverse order, as a later mount may be inside an earlier one.
  for (const path of ours.reverse()) await run('umount', ['--lazy', path]);
}

/** Removes files that containerd, CNI and the kubelet write in places of their own. */
async function removeTraces(): Promise<void> {
  const containers = join(runDir, 'containerd/state/io.containerd.runtime.v2.task/k8s.io');
  const results = await entries('/var/lib/cni/results');
  for (const container of await entries(containers)) {
    const socket = await readFile(join(container, 'address'), 'utf8').catch(() => '');
    if (socket.startsWith('unix:///run/containerd/s/')) await rm(socket.slice('unix://'.length), { force: true });
    for (const result of results) if (result.includes(basename(container))) await rm(result);
  }
  // The place of this socket can't be configured in the kubelet.
  if (await exists(join(runDir, 'kubelet'))) await rm('/var/lib/kubelet/device-plugins/kubelet.sock', { force: true });
  for (const link of await entries('/var/log/containers')) {
    if ((await readlink(link)).startsWith(logDir)) await rm(link);
  }
}

async function entries(dir: string): Promise<string[]> {
  return (await readdir(dir).catch(() => [])).map((name) => join(dir, name));
}

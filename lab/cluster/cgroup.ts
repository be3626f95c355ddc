import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '../programs/cache.ts';
import { LAB, LabError } from '../programs/commands.ts';
import { waitUntil } from '../programs/wait.ts';

/** The mount points of the given file system types. */
async function mountPoints(types: readonly string[]): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).trim().split('\n');
  return mounts.flatMap((line) => {
    const [, path, type] = line.split(' ');
    return path && type && types.includes(type) ? [path] : [];
  });
}

/** The lab's own cgroup in the unified hierarchy, which contains every process that the lab starts, with all descendants. */
async function unified(): Promise<string> {
  const [root] = await mountPoints(['cgroup2']);
  if (!root) throw new LabError('No cgroup2 hierarchy is mounted: the lab keeps its processes together in one.');
  return join(root, LAB);
}

/** Creates the lab's cgroup in every hierarchy: the kubelet requires the root of its pods in each. */
export async function createCgroups(): Promise<void> {
  for (const root of await mountPoints(['cgroup', 'cgroup2'])) await mkdir(join(root, LAB), { recursive: true });
}

/** The cgroup of one component; a process enters it through `cgroup.procs`. */
export async function componentCgroup(name: string): Promise<string> {
  return join(await unified(), 'components', name);
}

/** Kills every process of the lab, including containers, and removes its cgroups. */
export async function removeCgroups(): Promise<void> {
  const ours = await unified();
  if (await exists(ours)) {
    await writeFile(join(ours, 'cgroup.kill'), '1');
    const populated = async () => (await readFile(join(ours, 'cgroup.events'), 'utf8')).includes('populated 1');
    const signal = AbortSignal.timeout(20_000);
    await waitUntil(async () => !(await populated()), { what: 'end of all processes', timeout: 15_000, signal });
  }
  for (const root of await mountPoints(['cgroup', 'cgroup2'])) await removeTree(join(root, LAB));
}

async function removeTree(cgroup: string): Promise<void> {
  if (!(await exists(cgroup))) return;
  for (const entry of await readdir(cgroup, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(cgroup, entry.name));
  }
  await rmdir(cgroup);
}

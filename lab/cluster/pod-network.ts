import { glob, readFile } from 'node:fs/promises';
import { LabError } from '../programs/commands.ts';

/** The command line that runs a program of the host in a pod's network, as if one of its containers did: only its network is the pod's. */
export async function insidePodNetwork(uid: string, argv: readonly string[]): Promise<string[]> {
  for await (const path of glob('/proc/[0-9]*/cgroup')) {
    // A process may have ended meanwhile.
    const cgroups = await readFile(path, 'utf8').catch(() => '');
    if (cgroups.includes(`/pod${uid}/`)) return ['nsenter', `--net=${path.replace(/cgroup$/, 'ns/net')}`, ...argv];
  }
  throw new LabError(`The pod ${uid} runs no process on this node.`);
}

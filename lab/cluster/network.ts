import { exists } from '../programs/cache.ts';
import { LAB, run } from '../programs/commands.ts';
import { addresses, netnsPath } from './layout.ts';

/**
 * The lab's network namespace: one node, connected to the host by a veth pair. The pair's inner end is the node's device and
 * has its default route, which the kubelet and the API server look for; CNI gives each pod a veth of its own.
 */
export async function createNetwork(signal: AbortSignal): Promise<void> {
  const ip = (...args: string[]) => run('ip', args, { signal });
  const inside = (...argv: string[]) => run('nsenter', insideNetwork(argv).slice(1), { signal });
  await ip('netns', 'add', LAB);
  await ip('link', 'add', LAB, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', LAB);
  await ip('address', 'add', `${addresses.host}/30`, 'dev', LAB);
  await ip('link', 'set', LAB, 'up');
  await inside('ip', 'link', 'set', 'lo', 'up');
  await inside('ip', 'address', 'add', `${addresses.node}/30`, 'dev', 'eth0');
  await inside('ip', 'link', 'set', 'eth0', 'up');
  await inside('ip', 'route', 'add', 'default', 'via', addresses.host);
  await inside('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
}

/** Removes the namespace with every device in it, including the host's end of the pair. */
export async function removeNetwork(): Promise<void> {
  if (!(await exists(netnsPath))) return;
  // The pair is only removed with the namespace once nothing uses the namespace any more.
  if (await exists(`/sys/class/net/${LAB}`)) await run('ip', ['link', 'delete', LAB]);
  await run('ip', ['netns', 'delete', LAB]);
}

/** The command line that runs a program in the lab's network namespace. */
export function insideNetwork(argv: readonly string[]): string[] {
  // `ip netns exec` would hide the cgroup mounts from the kubelet.
  return ['nsenter', `--net=${netnsPath}`, ...argv];
}

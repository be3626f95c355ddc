import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import { startLab } from '../../lab/embedded/index.ts';
import type { Tally } from '../../src/drills/ports.ts';

/** A shop behind a gateway that applies VirtualServices: the embedded one, or the one of SLUICE_DRILL_MESH. */
export interface Mesh {
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Where the proxies are, if the VirtualService's gateways do not tell. */
  readonly proxies: { readonly namespace: string; readonly selector: string } | undefined;
  ask(headers: Readonly<Record<string, string>>): Promise<Tally>;
  /** From now on the proxies keep the routes that they have. */
  readonly stopFollowing: (() => Promise<void>) | undefined;
  close(): Promise<void>;
}

export const isEmbedded = process.env.SLUICE_DRILL_MESH === undefined;

/**
 * The mesh of `SLUICE_DRILL_MESH` (`KUBECONFIG NAMESPACE GATEWAY-URL HOST`, with a VirtualService `checkout`), else an embedded one.
 */
export async function openMesh(): Promise<Mesh> {
  const [file, namespace = '', url = '', host = ''] = (process.env.SLUICE_DRILL_MESH ?? '').split(' ');
  if (file) {
    const kubeconfig = await readFile(file, 'utf8');
    const ask = (headers: Readonly<Record<string, string>>) => tallyOf(url, host, headers);
    return { kubeconfig, namespace, proxies: undefined, ask, stopFollowing: undefined, close: async () => undefined };
  }
  const lab = await startLab({ stable: { latency: 0 }, canary: { latency: 0 } });
  return {
    kubeconfig: await readFile(lab.kubeconfigPath, 'utf8'),
    namespace: lab.namespace,
    proxies: { namespace: 'ingress', selector: 'app=gateway' },
    ask: (headers) => tallyOf(lab.gateway.url, lab.host, headers),
    stopFollowing: async () => lab.gateway.setLag(Number.POSITIVE_INFINITY),
    close: () => lab.stop(),
  };
}

async function tallyOf(url: string, host: string, headers: Readonly<Record<string, string>>): Promise<Tally> {
  const from = performance.now();
  const answer = await request(url, { headers: { host, ...headers } });
  await answer.body.dump();
  const to = performance.now();
  const isGood = answer.statusCode < 500;
  const fault = isGood ? {} : { fault: `HTTP ${answer.statusCode}` };
  return { from, to, good: isGood ? 1 : 0, bad: isGood ? 0 : 1, took: to - from, ...fault };
}

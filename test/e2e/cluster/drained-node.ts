import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { kubeconfigPath } from '../../../lab/cluster/layout.ts';
import type { Shop } from './shop.ts';

const DRILL = 'sluice.dev/drill';

/** What the lab itself runs, and what comes back by itself. */
const ofTheLab = ['istio-system', 'monitoring', 'shop'];

const podList = z.object({ items: z.array(z.object({ metadata: z.object({ namespace: z.string() }) })) });
const namespaceType = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }) });

/** A drain of the lab's only node: what is evicted waits for its end. */
export const drain = (duration: string) =>
  `node-drain accept-pending delete-emptydir-data on app=checkout one for ${duration}`;

/**
 * Inputs that let a drill drain the lab's only node. All that can be evicted goes, whoever's it is, so it is refused while others have
 * pods there. The namespaces allow it only as long as `tell` runs.
 */
export async function whereDrainsAreAllowed(
  { api, namespace: own }: Shop,
  tell: (inputs: Readonly<Record<string, string>>) => Promise<void>,
): Promise<void> {
  const { items } = podList.parse(await api.get('/api/v1/pods'));
  const namespaces = [...new Set(items.map(({ metadata }) => metadata.namespace))].sort();
  const others = namespaces.filter((namespace) => namespace !== own && !ofTheLab.includes(namespace));
  if (others.length > 0) throw new Error(`A drain would evict the pods of others, in ${others.join(', ')}.`);
  const pathOf = (namespace: string) => `/api/v1/namespaces/${namespace}`;
  const closed: string[] = [];
  for (const namespace of namespaces) {
    const { labels } = namespaceType.parse(await api.get(pathOf(namespace))).metadata;
    if (labels[DRILL] !== 'allowed') closed.push(namespace);
  }
  const label = (value: string | null) =>
    Promise.all(closed.map((namespace) => api.merge(pathOf(namespace), { metadata: { labels: { [DRILL]: value } } })));
  await label('allowed');
  try {
    await tell({
      // It reads and evicts what is not the shop's.
      kubeconfig: await readFile(kubeconfigPath, 'utf8'),
      namespaces: namespaces.join(', '),
      'max-pods': `${items.length + 2}`,
      'recovery-timeout': '90s',
    });
  } finally {
    await label(null);
  }
}

import * as z from 'zod';
import type { Api } from '../cluster/kubernetes.ts';
import { LabError } from '../programs/commands.ts';
import { waitUntil } from '../programs/wait.ts';
import { kindsOfChart } from './chart.ts';

const group = '/apis/chaos-mesh.org/v1alpha1';

/** Milliseconds that a fault has to end by itself. Those that end take less than a second. */
const PATIENCE = 3_000;

/** What makes faults goes first, and last what Chaos Mesh keeps for each pod: faults end by it. */
const stages: readonly RegExp[] = [/^(schedules|workflows|workflownodes)$/, /(?<!^pod(network|io|http))chaos$/, /./];

/**
 * Removes every fault of the cluster; the controller ends them. One that has failed never ends, and none does while the controller
 * is down: their finalizers are taken away.
 */
export async function removeFaults(api: Api, signal: AbortSignal): Promise<void> {
  const left = new Set(await kindsOfChart());
  for (const stage of stages) {
    const kinds = [...left].filter((kind) => stage.test(kind));
    for (const kind of kinds) left.delete(kind);
    const there = () => listAll(api, kinds);
    // Asked again and again, as the API server serves nothing of a definition for a moment after it has taken it.
    const none = async () => {
      const paths = await there();
      for (const path of paths) await unlessGone(api.delete(path));
      return paths.length === 0;
    };
    await waitUntil(none, { what: 'end of the faults', timeout: PATIENCE, signal }).catch(async (error: unknown) => {
      if (!(error instanceof LabError)) throw error;
      for (const path of await there()) await unlessGone(api.merge(path, { metadata: { finalizers: null } }));
      await waitUntil(none, { what: 'end of the faults without finalizers', timeout: 10 * PATIENCE, signal });
    });
  }
}

const list = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string(), namespace: z.string().optional() }) })),
});

/** Paths of all objects of these kinds. */
async function listAll(api: Api, kinds: readonly string[]): Promise<string[]> {
  const found = kinds.map(async (kind) => {
    const { items } = list.parse((await unlessGone(api.get(`${group}/${kind}`))) ?? { items: [] });
    return items.map(({ metadata: { name, namespace } }) =>
      namespace === undefined ? `${group}/${kind}/${name}` : `${group}/namespaces/${namespace}/${kind}/${name}`,
    );
  });
  return (await Promise.all(found)).flat();
}

/** The answer to a request about what another may have removed; undefined if it is not there. */
export async function unlessGone<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof Error && error.message.includes('HTTP 404')) return undefined;
    throw error;
  }
}

import type { KubernetesClient } from '../cluster/client.ts';
import { apiGroup, type ObjectReference } from '../cluster/resources.ts';

type Discovery = Pick<KubernetesClient, 'kindsIn' | 'versionsOf'>;

/**
 * Objects of a former deployment as the cluster serves them now: a version may have been removed, and another one holds the same
 * objects.
 *
 * @returns `gone` are those of kinds that are not served in any version
 */
export async function servedNow(
  client: Discovery,
  references: readonly ObjectReference[],
  signal: AbortSignal,
): Promise<{ readonly served: readonly ObjectReference[]; readonly gone: readonly ObjectReference[] }> {
  const kinds = Map.groupBy(references, ({ type }) => `${type.apiVersion} ${type.kind}`);
  const found = await Promise.all(
    [...kinds.values()].map(async (ofKind) => {
      const [first] = ofKind;
      const type = first && (await typeNow(client, first, signal));
      return ofKind.map((reference) => ({ reference, type }));
    }),
  );
  return {
    served: found.flat().flatMap(({ reference, type }) => (type ? [{ ...reference, type }] : [])),
    gone: found.flat().flatMap(({ reference, type }) => (type ? [] : [reference])),
  };
}

async function typeNow(client: Discovery, { type }: ObjectReference, signal: AbortSignal) {
  const served = async (version: string) =>
    (await client.kindsIn(version, signal)).find(({ type: { kind } }) => kind === type.kind)?.type;
  // How a kind is called in addresses is what the server says, and not what was kept.
  const same = await served(type.apiVersion);
  if (same) return same;
  for (const version of await client.versionsOf(apiGroup(type), signal)) {
    const found = await served(version);
    if (found) return found;
  }
  return undefined;
}

import type { KubernetesClient } from '../cluster/client.ts';
import { apiGroup, type ObjectReference } from '../cluster/resources.ts';

type Discovery = Pick<KubernetesClient, 'kindsIn' | 'versionsOf'>;

/**
 * Objects of a former deployment in the versions that the cluster serves now: a version may have been removed, while
 * another one serves the same objects.
 *
 * @returns `gone`: objects of kinds that are not served in any version
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
  // The plural name comes from the API server, not from the record.
  const same = await served(type.apiVersion);
  if (same) return same;
  for (const version of await client.versionsOf(apiGroup(type), signal)) {
    const found = await served(version);
    if (found) return found;
  }
  return undefined;
}

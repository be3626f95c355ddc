import type { KubernetesClient } from '../../../cluster/client.ts';
import type { ObjectReference, ResourceType } from '../../../cluster/resources.ts';
import type { KubernetesObject } from '../../../cluster/schema.ts';
import { chaosKinds, schedules, typeOf, workflowNodes } from './kinds/index.ts';

/** A fault that a Schedule or a Workflow has made. */
export interface Child {
  readonly reference: ObjectReference;
  readonly object: KubernetesObject;
}

type Lists = Pick<KubernetesClient, 'list'>;

/** A Schedule or a Workflow, and what its faults belong to. */
export interface Family {
  readonly parent: KubernetesObject;
  /** The identities of the owners of its faults. */
  readonly owners: ReadonlySet<string>;
}

/** Works out whose faults are those of a Schedule or a Workflow, as long as it is there. */
export async function familyOf(client: Lists, parent: KubernetesObject, signal: AbortSignal): Promise<Family> {
  const owners = new Set([parent.metadata.uid ?? '']);
  if (parent.kind !== schedules.kind) addOwned(owners, await labelled(client, parent, workflowNodes, signal));
  return { parent, owners };
}

/**
 * The faults that a Schedule or a Workflow has made and that are still there. Labels are anybody's, so a child is one only by its owner.
 *
 * @param kinds of the faults that it makes
 */
export async function childrenOf(
  client: Lists,
  { parent, owners }: Family,
  kinds: readonly string[],
  signal: AbortSignal,
): Promise<Child[]> {
  const types = chaosKinds.filter(({ kind }) => kinds.includes(kind)).map(typeOf);
  const lists = await Promise.all(
    types.map(async (type) =>
      (await labelled(client, parent, type, signal)).map((object) => ({
        reference: { type, namespace: parent.metadata.namespace ?? '', name: object.metadata.name },
        object,
      })),
    ),
  );
  return lists.flat().filter(({ object }) => isOwnedBy(object, owners));
}

function labelled(client: Lists, { kind, metadata }: KubernetesObject, type: ResourceType, signal: AbortSignal) {
  const label = kind === schedules.kind ? 'managed-by' : 'chaos-mesh.org/workflow';
  return client.list(type, metadata.namespace, { labelSelector: `${label}=${metadata.name}` }, signal);
}

/** Nodes own other nodes, so one is added after the other until there is no further one. */
function addOwned(owners: Set<string>, nodes: readonly KubernetesObject[]): void {
  let before = -1;
  while (before < owners.size) {
    before = owners.size;
    for (const node of nodes) if (isOwnedBy(node, owners)) owners.add(node.metadata.uid ?? '');
  }
}

function isOwnedBy({ metadata }: KubernetesObject, owners: ReadonlySet<string>): boolean {
  return (metadata.ownerReferences ?? []).some(({ uid }) => uid !== '' && owners.has(uid));
}

import type { DeployObject } from '../apply/objects.ts';
import { inDeleteOrder } from '../apply/order.ts';
import type { KubernetesClient } from '../cluster/client.ts';
import { describe, resources } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import type { Clock } from '../core/clock.ts';
import { SluiceError } from '../core/errors.ts';
import { inParallel } from '../core/parallel.ts';
import type { Remains } from './ports.ts';

type Finding = Pick<KubernetesClient, 'find'>;

/** Milliseconds between two checks of objects that are being deleted. */
const LOOK = 1_000;

/** Which of these objects are left, and what each waits for. */
export async function remainsOf(
  client: Finding,
  { objects, unknown }: { readonly objects: readonly DeployObject[]; readonly unknown: readonly string[] },
  signal: AbortSignal,
): Promise<Remains> {
  const found = await inParallel(objects, ({ reference }) => client.find(reference, signal));
  const names = objects.map(({ reference }) => describe(reference));
  return {
    gone: names.filter((_, index) => found[index] === undefined),
    left: names.flatMap((name, index) => {
      const object = found[index];
      return object ? [`${name} (${stateOf(object)})`] : [];
    }),
    unknown,
  };
}

function stateOf({ metadata }: KubernetesObject): string {
  if (metadata.deletionTimestamp === undefined) return 'is not being deleted';
  const finalizers = Array.isArray(metadata.finalizers) ? metadata.finalizers.map(String) : [];
  if (finalizers.length === 0) return 'is being deleted';
  return `waits for its finalizer${finalizers.length === 1 ? '' : 's'} ${finalizers.join(', ')}`;
}

export interface Removal {
  readonly client: Pick<KubernetesClient, 'find' | 'list' | 'remove'>;
  readonly clock: Clock;
  readonly release: string;
  readonly namespace: string;
}

/**
 * Removes a release that Helm cannot remove, because it stops at the first kind that the cluster no longer serves: deletes the
 * objects that carry Helm's mark of this release and then, once they are gone, Helm's records.
 *
 * @throws SluiceError `unsupported` where the records are not in Secrets
 */
export async function removeRelease(
  { client, clock, release, namespace }: Removal,
  objects: readonly DeployObject[],
  signal: AbortSignal,
): Promise<void> {
  const selector = { labelSelector: `owner=helm,name=${release}` };
  const records = await client.list(resources.secret, namespace, selector, signal);
  if (records.length === 0) {
    throw new SluiceError('unsupported', {
      about: `release ${namespace}/${release}`,
      problem: 'has no records in Secrets, and Helm does not remove what holds a kind that the cluster does not know.',
      next: 'Install the definition of that kind again, remove the release, and then the definition.',
    });
  }
  for (const { reference } of inDeleteOrder(objects)) {
    const found = await client.find(reference, signal);
    if (found && isOf(found)) await client.remove(reference, signal, found.metadata.uid);
  }
  for (;;) {
    const found = await inParallel(objects, ({ reference }) => client.find(reference, signal));
    if (!found.some((object) => object && isOf(object))) break;
    await clock.sleep(LOOK, signal);
  }
  for (const { metadata } of records) {
    await client.remove({ type: resources.secret, namespace, name: metadata.name }, signal, metadata.uid);
  }

  function isOf({ metadata }: KubernetesObject): boolean {
    const { annotations = {} } = metadata;
    return (
      annotations['meta.helm.sh/release-name'] === release &&
      annotations['meta.helm.sh/release-namespace'] === namespace
    );
  }
}

import type { ObjectChange } from '../apply/changes.ts';
import { waitUntilRolledOut } from '../apply/wait.ts';
import { ApiError } from '../cluster/errors.ts';
import { describe } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import { inParallel } from '../core/parallel.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/** Milliseconds in which the API server has to see an applied object, before one that needs it is refused. */
const NOTICE = 15_000;
const RETRY = 500;

/**
 * Applies an object. Retries one that could not be checked before, as the API server reads what the object needs from a cache.
 */
async function applyOne(
  { client, clock }: Pick<DeployWorld, 'client' | 'clock'>,
  { force }: DeployOptions,
  { object: { reference, manifest }, unchecked }: ObjectChange,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  const end = clock.now() + (unchecked === undefined ? 0 : NOTICE);
  for (;;) {
    try {
      return await client.apply(reference.type, manifest, signal, { force, strict: true });
    } catch (error) {
      if (!(error instanceof ApiError) || clock.now() >= end) throw error;
      await clock.sleep(RETRY, signal);
    }
  }
}

/**
 * Applies the changed objects, kind by kind, and waits until a definition is served before it applies the next kind. Returns
 * them as written.
 */
export async function apply(
  world: DeployWorld,
  options: DeployOptions,
  changes: readonly ObjectChange[],
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  const { client, clock, emit } = world;
  const written: KubernetesObject[] = [];
  const kinds = Map.groupBy(
    changes.filter(({ needed }) => needed),
    ({ object }) => object.reference.type.kind,
  );
  for (const [kind, ofKind] of kinds) {
    await inParallel(ofKind, async (change) => {
      const { reference } = change.object;
      const { action } = change;
      written.push(await applyOne(world, options, change, signal));
      const done = action === 'create' ? 'create' : 'update';
      emit({ type: 'applied', at: clock.now(), object: describe(reference), action: done });
    });
    if (kind !== 'CustomResourceDefinition') continue;
    const references = ofKind.map(({ object }) => object.reference);
    await waitUntilRolledOut(
      { client, references, clock, deadline: clock.now() + options.timeout, emit: () => undefined },
      signal,
    );
  }
  return written;
}

import * as z from 'zod';
import type { KubernetesClient } from '../../cluster/client.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, type ObjectReference } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import type { Clock } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import { getNamed } from '../objects/lookup.ts';

/** The most milliseconds for a gateway to report on a route, which may just have been applied. */
const PATIENCE = 15_000;

const INTERVAL = 500;

/** The status of a route from one parent. */
export interface ParentReport {
  /** `Gateway infra/public of example.com/controller` */
  readonly parent: string;
  /** What the parent has not yet reported for the current generation; undefined if nothing. */
  readonly awaits: string | undefined;
  /** The parent serves the route, even if something else is missing. */
  readonly accepted: boolean;
}

const routeParents = z.looseObject({
  spec: z.looseObject({ parentRefs: z.array(z.looseObject({ name: z.string() })).default([]) }).prefault({}),
});

/**
 * Waits briefly until some parent accepts a route and resolves its references.
 *
 * @param unresolved the route may name a backend that does not exist yet
 * @throws SluiceError `unsupported` with what the parents report instead
 */
export async function requireAccepted(
  { client, clock }: { readonly client: KubernetesClient; readonly clock: Clock },
  reference: ObjectReference,
  { reportsOf, unresolved }: { reportsOf(object: KubernetesObject): ParentReport[]; readonly unresolved: boolean },
  signal: AbortSignal,
): Promise<void> {
  const about = describe(reference);
  const end = clock.now() + PATIENCE;
  for (;;) {
    const object = await getNamed(client, reference, signal);
    if (readObject(object, routeParents).spec.parentRefs.length === 0)
      throw new SluiceError('unsupported', {
        about,
        problem: 'has no parentRefs, so no Gateway sends it requests.',
        next: 'Name its Gateway in spec.parentRefs.',
      });
    const reports = reportsOf(object);
    if (reports.some(({ awaits, accepted }) => awaits === undefined || (unresolved && accepted))) return;
    if (clock.now() >= end) throw notAccepted(about, reports);
    await clock.sleep(INTERVAL, signal);
  }
}

function notAccepted(about: string, reports: readonly ParentReport[]): SluiceError {
  const said = reports.map(({ parent, awaits }) => `${parent} has still ${awaits}`).join('; ');
  return new SluiceError('unsupported', {
    about,
    problem:
      reports.length === 0
        ? 'is accepted by no Gateway: none of its parents reports on it.'
        : `is accepted by no Gateway: ${said}.`,
    next: 'Look at its status, at the listeners of the Gateway that it names (host names, allowed namespaces), and whether that Gateway’s controller runs.',
  });
}

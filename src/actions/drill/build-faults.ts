import { resources } from '../../cluster/resources.ts';
import { SluiceError } from '../../core/errors.ts';
import type { FaultWorld } from '../../drills/faults/world.ts';
import type { Fault } from '../../drills/ports.ts';
import { selectorOfService } from '../../drills/service-pods.ts';
import { selectorOf } from '../../sources/cluster/workload-pods.ts';
import type { DrillInputs } from './inputs.ts';
import type { FaultSettings } from './kinds/fault-kind.ts';
import { choosingAlike } from './kinds/same-choice.ts';
import type { On, ShortForm } from './kinds/short-form.ts';
import { readManifestFaults } from './manifests.ts';

interface Place {
  readonly world: FaultWorld;
  readonly namespace: string;
  /** The folder of the repository. */
  readonly workspace: string;
}

/**
 * The faults of the inputs, in their order: those of lines, then those of manifests.
 *
 * @throws SluiceError for a workload or a Service that does not exist, for manifests that can't be injected, and for a fault in a
 *   namespace that is not allowed
 */
export async function buildFaults(inputs: DrillInputs, place: Place, signal: AbortSignal): Promise<Fault[]> {
  const { world, namespace } = place;
  const settings: FaultSettings = {
    namespace,
    namespaces: inputs.namespaces ?? [namespace],
    maxDuration: inputs['max-duration'],
    stressImage: inputs['stress-image'].text,
    gitops: inputs.gitops,
    ignoreBudgets: inputs['ignore-budgets'],
  };
  const written: Fault[] = [];
  for (const { form, kind } of inputs.faults ?? []) {
    requireAllowed(form, settings);
    const aimed = kind.isOnPods ? { ...form, on: await podsOf(form, place, signal) } : form;
    written.push(choosingAlike(world, form.text, (own) => kind.build(aimed, settings, own)));
  }
  return [...written, ...(await readManifestFaults(inputs, place))];
}

/** Also for faults that hit no pods themselves, which the limits of a drill do not see: those of a route. */
function requireAllowed({ text, namespace: given }: ShortForm, { namespace, namespaces }: FaultSettings): void {
  const place = given ?? namespace;
  if (namespaces.includes(place)) return;
  throw new SluiceError('invalid-input', {
    about: `fault "${text}"`,
    problem: `is in ${place}, and "namespaces" allows ${namespaces.join(', ')}.`,
    next: 'Correct its "in", or add the namespace to "namespaces".',
  });
}

/** A workload or a Service as the selector of its pods. */
async function podsOf(
  { on, ...form }: ShortForm,
  { world: { client }, ...place }: Place,
  signal: AbortSignal,
): Promise<On | undefined> {
  if (!on || 'selector' in on) return on;
  const { kind, name } = on;
  const namespace = form.namespace ?? place.namespace;
  if (kind === 'service') {
    return { selector: await selectorOfService(client, { type: resources.service, namespace, name }, signal) };
  }
  if (kind !== 'deployment' && kind !== 'statefulset') return on;
  return { selector: await selectorOf({ kind, name }, { client, namespace }, signal) };
}

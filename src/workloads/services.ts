import type { KubernetesClient } from '../cluster/client.ts';
import { readObject } from '../cluster/read-object.ts';
import { describe, resources } from '../cluster/resources.ts';
import { type Labels, selects } from '../cluster/selectors.ts';
import { SluiceError } from '../core/errors.ts';
import { type Service, service } from './canary-network.ts';

/** The Services of a namespace that select pods. */
export async function listServices(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<Service[]> {
  const all = await client.list(resources.service, namespace, {}, signal);
  return all
    .map((object) => readObject(object, service))
    .filter(({ spec }) => Object.keys(spec.selector ?? {}).length > 0);
}

/**
 * The Service through which pods with these labels are reached.
 *
 * @param name the Service that the route leads to, if known
 * @returns undefined if no Service selects them
 * @throws SluiceError `not-found` or `invalid-input`, with the Services that do
 */
export function serviceOf(
  services: readonly Service[],
  labels: Labels,
  name: string | undefined,
  namespace: string,
): Service | undefined {
  const selecting = services.filter(({ spec }) => selects({ matchLabels: spec.selector ?? {} }, labels));
  const names = selecting.map(({ metadata }) => metadata.name).join(', ');
  if (name !== undefined) {
    const named = services.find(({ metadata }) => metadata.name === name);
    if (named && selecting.includes(named)) return named;
    throw new SluiceError(named ? 'invalid-input' : 'not-found', {
      about: describe({ type: resources.service, namespace, name }),
      problem: named ? 'does not select the pods of the workload.' : 'does not exist, or selects no pods.',
      next: names === '' ? 'No Service in the namespace selects them.' : `Name one that selects them: ${names}.`,
    });
  }
  const [only] = selecting;
  if (selecting.length <= 1) return only;
  throw new SluiceError('invalid-input', {
    about: 'input "service"',
    problem: `is needed, as several Services in namespace ${namespace} select the same pods: ${names}.`,
    next: 'Name the one that the route leads to.',
  });
}

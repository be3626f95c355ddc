import { SluiceError } from '../core/errors.ts';
import { count, percent } from '../core/wording.ts';
import type { Aim, FaultPlan } from './ports.ts';
import { protectedNamespaces } from './protected.ts';
import type { BlastRadius } from './world.ts';

/**
 * Refuses a fault that would hit more than it may, or where it may not.
 *
 * @throws SluiceError `invalid-input`
 */
export function requireWithin(limits: BlastRadius, { text }: FaultPlan, { pods, candidates, beside = 0 }: Aim): void {
  const { maxPods, maxShare, namespaces } = limits;
  const found = [...new Set(pods.map(({ namespace }) => namespace))].sort();
  const forbidden = found.filter((namespace) => protectedNamespaces.includes(namespace));
  if (forbidden.length > 0)
    throw refused(
      text,
      `would hit pods in ${forbidden.join(', ')}, which no drill may touch.`,
      'Let it select other pods.',
    );
  const outside = found.filter((namespace) => !namespaces.includes(namespace));
  if (outside.length > 0)
    throw refused(
      text,
      `would hit pods in ${outside.join(', ')}, and "namespaces" allows ${namespaces.join(', ')}.`,
      'Let it select other pods, or add the namespace to "namespaces".',
    );
  if (pods.length > maxPods)
    throw refused(
      text,
      `would hit ${count(pods.length)} pods, and "max-pods" allows ${count(maxPods)}.`,
      'Let it hit fewer, or raise "max-pods".',
    );
  const chosen = pods.length - beside;
  const share = candidates === 0 ? 0 : chosen / candidates;
  if (share > maxShare)
    throw refused(
      text,
      `would hit ${count(chosen)} of ${count(candidates)} pods, and "max-share" allows ${percent(maxShare)}.`,
      'Let it hit fewer, or raise "max-share".',
    );
}

function refused(about: string, problem: string, next: string): SluiceError {
  return new SluiceError('invalid-input', { about: `fault "${about}"`, problem, next });
}

import * as z from 'zod';
import { describe, resources } from '../../cluster/resources.ts';
import { recordRefusal } from '../../ledger/record-refusal.ts';
import { ingressManifest, weightAnnotations, weightMeant } from '../objects/nginx-ingress.ts';
import type { NginxOptions } from './nginx.ts';
import { createRouteSnapshots } from './snapshots.ts';

/** `toCreate` is the canary Ingress that Sluice creates; null if the user has one, whose annotations were `found`. */
export const foundIngress = z.object({ toCreate: ingressManifest.nullable(), found: weightAnnotations });
export type FoundIngress = z.infer<typeof foundIngress>;

/**
 * The snapshots of a canary Ingress. From a record, only annotations with a weight of 0 are used: the Ingress to create is
 * derived from the stable Ingress.
 */
export function createIngressSnapshots({ namespace, name, canaryIngress }: NginxOptions) {
  const place = { namespace, rollout: name };
  const about = describe({ type: resources.ingress, namespace, name: canaryIngress });
  return createRouteSnapshots<FoundIngress>({
    place,
    router: 'nginx',
    object: about,
    shape: foundIngress,
    async confirm(data) {
      const { weight, total } = data.found;
      if (weightMeant(data.found) !== 0 || !isNumber(weight) || !isNumber(total))
        throw recordRefusal(
          place,
          `says that ${about} had a canary-weight of ${weight ?? 'none'} of ${total ?? 100} before the rollout, which begins at 0 only.`,
        );
      return data;
    },
  });
}

function isNumber(text: string | null): boolean {
  return text === null || /^\d{1,9}$/.test(text);
}

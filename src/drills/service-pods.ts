import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { readObject } from '../cluster/read-object.ts';
import { describe, type ObjectReference } from '../cluster/resources.ts';
import { kubernetesObject } from '../cluster/schema.ts';
import { selectorText } from '../cluster/selectors.ts';
import { SluiceError } from '../core/errors.ts';

const service = z.looseObject({
  ...kubernetesObject.shape,
  spec: z.looseObject({ selector: z.record(z.string(), z.string()).optional() }),
});

/** The label selector of a Service's pods. @throws SluiceError `not-found`, or `unsupported` for a Service without a selector */
export async function selectorOfService(
  client: Pick<KubernetesClient, 'get'>,
  reference: ObjectReference,
  signal: AbortSignal,
): Promise<string> {
  const { selector = {} } = readObject(await client.get(reference, signal), service).spec;
  if (Object.keys(selector).length > 0) return selectorText({ matchLabels: selector });
  throw new SluiceError('unsupported', {
    about: describe(reference),
    problem: 'has no selector, so that nothing says which pods are behind it.',
    next: 'Name the pods by their labels.',
  });
}

import { readObject } from '../../cluster/read-object.ts';
import { describe } from '../../cluster/resources.ts';
import { selectorText } from '../../cluster/selectors.ts';
import { deadline } from '../../core/deadline.ts';
import { SluiceError } from '../../core/errors.ts';
import { type ArmsOptions, createContext } from '../arms-context.ts';
import { listSlices, readyEndpoints } from '../endpoints.ts';
import { imageChanges, versionsOf } from '../images.ts';
import { changeTemplate, hasRolledOut } from '../promotion.ts';
import { templateImages, verifyRevision } from '../revision.ts';
import { referenceTo, type WorkloadInput, workload as workloadSchema } from '../workload.ts';

const REVISION = 'deployment.kubernetes.io/revision';

/** A workload that is to serve for the first time. */
export interface FirstRelease {
  /** `Deployment shop/checkout` */
  readonly about: string;
  /** True: it exists, and its pods have never been ready. False: it does not exist. */
  readonly exists: boolean;
}

interface Where {
  readonly client: Pick<ArmsOptions['client'], 'find' | 'list'>;
  readonly namespace: string;
}

/**
 * The workload of a first release: it does not exist or has never had a ready pod, and its Service has no ready endpoint. With
 * a mistyped name this is no first release, because the Service has endpoints.
 *
 * @param service name of the Service that the route sends requests to
 */
export async function findFirstRelease(
  { client, namespace }: Where,
  given: WorkloadInput,
  service: string,
  signal: AbortSignal,
): Promise<FirstRelease | undefined> {
  if (!('name' in given) || service === '') return undefined;
  const reference = referenceTo(given, namespace);
  const [found, slices] = await Promise.all([
    client.find(reference, signal),
    listSlices(client, namespace, service, signal),
  ]);
  if (readyEndpoints(slices).length > 0) return undefined;
  const about = describe(reference);
  if (!found) return { about, exists: false };
  const { kind, status, metadata } = readObject(found, workloadSchema);
  // A workload of several revisions has served before. It is down now, and must not be treated as new.
  const isNew = kind === 'Deployment' && metadata.annotations?.[REVISION] === '1';
  return isNew && status.readyReplicas === 0 ? { about, exists: true } : undefined;
}

/**
 * Sets the images of a workload that has never served, and waits until it serves.
 *
 * @returns what was seen to serve
 * @throws SluiceError `not-ready`
 */
export async function deployFirst(
  options: Pick<ArmsOptions, 'client' | 'namespace' | 'clock' | 'lifetime' | 'rollout' | 'drain'>,
  given: { readonly workload: WorkloadInput; readonly images: ReadonlyMap<string, string>; readonly timeout: number },
  signal: AbortSignal,
) {
  const { client, namespace, clock } = options;
  if (!('name' in given.workload)) throw new TypeError('a first release has a workload with a name');
  const reference = referenceTo(given.workload, namespace);
  const about = describe(reference);
  const before = readObject(await client.get(reference, signal), workloadSchema);
  const images = imageChanges(given.images, before.spec.template, about);
  const target = { ...given.workload, pods: selectorText(before.spec.selector) };
  const context = createContext(options);
  const view = context.view(target);
  const late = () =>
    new SluiceError('not-ready', {
      about,
      problem: `did not get ready within ${given.timeout / 1_000} s.`,
      next: 'Look at its pods; nothing served before, and nothing does now.',
    });
  using limit = deadline(clock, given.timeout, late, signal);
  const { generation } = await changeTemplate(client, reference, { images }, limit.signal);
  await view.until(
    ({ workload, health }) =>
      (workload && hasRolledOut(workload, reference, generation) && health.ready >= health.desired) || undefined,
    limit.signal,
  );
  const containers = images.map(({ container }) => container);
  const verified = await verifyRevision(
    context,
    target,
    ({ spec }) => ({ images: templateImages(spec.template, containers), seen: new Map() }),
    limit.signal,
  );
  return { ...verified, versions: versionsOf(images) };
}

import { readObject } from '../../cluster/read-object.ts';
import type { ArmsContext } from '../arms-context.ts';
import { canaryWorkload } from '../canary-workload.ts';
import { withImages } from '../images.ts';
import { CHECKSUM_ANNOTATION, imageShown, type TemplateChange } from '../promotion.ts';
import { referenceTo, type Workload, workload } from '../workload.ts';
import { confirmNewImages } from './confirm-change.ts';
import { confirmCanary } from './confirm-record.ts';
import { inspectNetwork } from './network.ts';
import { canaryTemplate, type DerivedData, type DerivedRelease, inspectScaling, manifest } from './release.ts';

/**
 * The data of a resumed rollout: names and numbers from the record, and all that is written for the canary worked out again
 * from the cluster and the inputs.
 *
 * @throws SluiceError `unsupported` if the canary would differ from the recorded one
 */
export async function deriveAgain(
  context: ArmsContext,
  data: DerivedData,
  release: DerivedRelease,
  signal: AbortSignal,
): Promise<DerivedData> {
  const { client, namespace, rollout } = context;
  await confirmNewImages(context, data, release.images, signal);
  const found = readObject(await client.get(referenceTo(data.stable, namespace), signal), workload);
  const stable = asFound(found, data.change);
  const network = await inspectNetwork(context, stable, release, signal);
  const scaling = await inspectScaling(context, stable, network.labels, signal);
  const template = canaryTemplate(stable.spec.template, data.change, data.config);
  const options = { namespace, rollout, replicas: 0 };
  const derived = manifest.parse(canaryWorkload(stable, template, network.labels, options));
  confirmCanary(context, data.workload, derived);
  return {
    ...data,
    joinService: release.joinService,
    workload: derived,
    autoscaler: release.joinService ? undefined : scaling.autoscaler,
    others: [...network.objects, ...scaling.budgets].map((object) => manifest.parse(object)),
  };
}

/** The stable workload as it was before the change, whether or not the change has been made. */
function asFound(found: Workload, { images, checksum }: TemplateChange): Workload {
  const made = images.filter((image) => imageShown(found, image) === 'after');
  const template = withImages(
    found.spec.template,
    made.map(({ container, before, after }) => ({ container, before: after, after: before })),
  );
  if (!checksum) return { ...found, spec: { ...found.spec, template } };
  const { [CHECKSUM_ANNOTATION]: _, ...others } = template.metadata?.annotations ?? {};
  const annotations = checksum.before === null ? others : { ...others, [CHECKSUM_ANNOTATION]: checksum.before };
  return {
    ...found,
    spec: { ...found.spec, template: { ...template, metadata: { ...template.metadata, annotations } } },
  };
}

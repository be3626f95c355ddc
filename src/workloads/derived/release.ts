import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { ArmsSnapshot } from '../../canary/ports.ts';
import { type GitOpsSetting, refuseGitOps } from '../../cluster/gitops.ts';
import { isOwn, type OwnObject } from '../../cluster/ownership.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, type ObjectReference, resources } from '../../cluster/resources.ts';
import type { Manifest } from '../../cluster/schema.ts';
import { selectorText, selects } from '../../cluster/selectors.ts';
import { NothingToRelease } from '../../core/errors.ts';
import { asJson } from '../../core/json.ts';
import type { ArmsContext } from '../arms-context.ts';
import { ARM_LABEL } from '../canary-labels.ts';
import { canaryName, canaryWorkload, checkSupported } from '../canary-workload.ts';
import { type ConfigManifest, renameConfig } from '../config-copies.ts';
import { imageChanges, releaseDigest, versionsOf, withImages } from '../images.ts';
import { CHECKSUM_ANNOTATION, type TemplateChange, templateChange } from '../promotion.ts';
import { refuseOneAtATime } from '../refusals/one-at-a-time.ts';
import { templateRevision } from '../revision.ts';
import { keptTemplates } from '../revisions.ts';
import {
  canaryAutoscaler,
  canaryDisruptionBudget,
  disruptionBudget,
  findAutoscaler,
  foundMinimum,
  isOperated,
} from '../scaling.ts';
import {
  findWorkload,
  type PodTemplate,
  referenceOf,
  refuseUnavailable,
  type Workload,
  type WorkloadInput,
} from '../workload.ts';
import { type ConfigChange, configChange, type FoundChange, inspectConfig, placesOf } from './config.ts';
import { foreseeChange, foreseeObjects } from './foresee.ts';
import { inspectNetwork } from './network.ts';

/** A new version of one workload, from which Sluice makes the canary. */
export interface DerivedRelease {
  readonly workload: WorkloadInput;
  /** Container name → image; the key is empty for a single container. Empty for a release of config alone. */
  readonly images: ReadonlyMap<string, string>;
  /** ConfigMaps and Secrets with their new content. */
  readonly config: readonly ConfigManifest[];
  /** The stable Service; required if several select the stable pods. */
  readonly service?: string | undefined;
  /** The stable Service also selects the canary's pods. The router then sets the number of canary pods, not the arms. */
  readonly joinService: boolean;
  /**
   * Present for a route of Istio: the canary's host gets the traffic policy of the stable host, and of the subset in the route.
   */
  readonly istio?: { readonly subset?: string | undefined } | undefined;
  /** The fewest pods of the canary. */
  readonly minReplicas: number;
  readonly gitops: GitOpsSetting;
}

/** The canary of a release at a weight, in per cent. */
export interface WantedCanary {
  readonly release: DerivedRelease;
  readonly weight: number;
}

export const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
  spec: z.looseObject({}),
});

const armTarget = z.object({
  kind: z.enum(['Deployment', 'StatefulSet']),
  name: z.string(),
  pods: z.string(),
  service: z.string().optional(),
});

/** The release as the rollout record keeps it: all that is needed to resume or undo it. */
export const derivedData = z.object({
  variant: z.literal('derived'),
  stable: armTarget.extend({
    /** Desired and ready pods, as found. */
    replicas: z.int().nonnegative(),
    ready: z.int().nonnegative(),
    autoscaler: foundMinimum.optional(),
  }),
  canary: armTarget,
  change: templateChange,
  config: z.array(configChange),
  joinService: z.boolean(),
  /** What is made for the canary; the number of pods is set for each weight. */
  workload: manifest,
  autoscaler: manifest.optional(),
  others: z.array(manifest),
});
export type DerivedData = z.infer<typeof derivedData>;

/** The fields of a workload's pod template, for messages on GitOps. */
export const templateFields = {
  what: 'the image and the config',
  path: ['spec', 'template', 'spec', 'containers'],
  appliedWith: ['spec', 'template', 'spec', 'containers'],
  pointers: ['/spec/template'],
  jq: ['.spec.template'],
  // Advises to change Git: with an ignore rule, Git would keep the old image.
  advice: (controller: string, { type, name }: ObjectReference) => {
    const kind = type.kind.toLowerCase();
    return [
      `Release it in three steps: "mode: shift"; commit the new image and let ${controller} synchronise; "mode: finish" (actions/canary/README.md#a-stable-workload-that-something-else-deploys). Or set "gitops: ignore-rule-present" where Git leaves the image alone.`,
      'with:',
      '  mode: shift # then, with the same inputs: finish',
      `  stable: ${kind}/${name}`,
      `  canary: ${kind}/${name}-canary`,
      `  stable-service: ${name}`,
      `  canary-service: ${name}-canary`,
    ].join('\n');
  },
};

/**
 * Reads the workload and all that belongs to it, and works out what the release creates and changes. Writes nothing: new
 * objects are sent to the API server as a dry run, so that admission rules refuse before the first write.
 *
 * @throws SluiceError for everything that would not work
 */
export async function inspectDerived(
  context: ArmsContext,
  release: DerivedRelease,
  signal: AbortSignal,
): Promise<{ readonly snapshot: ArmsSnapshot; readonly config: readonly FoundChange[] }> {
  const { namespace, rollout } = context;
  const stable = await findWorkload(context, release.workload, 'workload', signal);
  const reference = referenceOf(stable, namespace);
  const about = describe(reference);
  const { template } = stable.spec;
  checkSupported(stable, namespace);
  const exclusive = await refuseOneAtATime(context, stable, signal);
  if (release.gitops !== 'ignore-rule-present') refuseGitOps(stable, reference, templateFields);
  refuseUnavailable(stable, namespace);

  const images = imageChanges(release.images, template, about);
  const config = await inspectConfig(context, { manifests: release.config, template, about }, signal);
  if (images.length === 0 && config.length === 0) throw new NothingToRelease(about);
  const wanted = { images, ...(config.length > 0 && { checksum: checksumOf(template, config) }) };
  const { change, warnings } = await foreseeChange(context, stable, wanted, signal);
  const released = withChange(template, wanted);
  const configs = config.map(({ change: each }) => each);
  const forCanary = canaryTemplate(template, wanted, configs);

  const network = await inspectNetwork(context, stable, release, signal);
  const scaling = await inspectScaling(context, stable, network.labels, signal);
  const options = { namespace, rollout, replicas: 0 };
  const data: DerivedData = {
    variant: 'derived',
    stable: stableAsFound(stable, network.service, scaling.minimum),
    canary: {
      kind: stable.kind,
      name: canaryName(stable.metadata.name),
      pods: selectorText({ matchLabels: network.labels }),
      service: network.canaryService,
    },
    change,
    config: configs,
    joinService: release.joinService,
    workload: manifest.parse(canaryWorkload(stable, forCanary, network.labels, options)),
    autoscaler: release.joinService ? undefined : scaling.autoscaler,
    others: [...network.objects, ...scaling.budgets].map((object) => manifest.parse(object)),
  };
  warnings.push(...exclusive, ...network.warnings, ...(await tellHistory(context, stable, signal)));
  warnings.push(...(await foreseeObjects(context, ownObjects(data), configCopies(data, namespace), signal)));
  const digest = config.length === 0 ? releaseDigest(images) : undefined;
  const snapshot = {
    stable: about,
    canary: describe({ ...reference, name: data.canary.name }),
    revision: digest ?? templateRevision(released),
    versions: versionsOf(images),
    data: asJson(data),
    warnings: [...new Set(warnings)],
  };
  return { snapshot, config };
}

/** The stable arm as the record keeps it. */
function stableAsFound(
  stable: Workload,
  service: string | undefined,
  autoscaler: DerivedData['stable']['autoscaler'],
): DerivedData['stable'] {
  return {
    kind: stable.kind,
    name: stable.metadata.name,
    pods: `${selectorText(stable.spec.selector)},${ARM_LABEL}!=canary`,
    service,
    replicas: stable.spec.replicas,
    ready: stable.status.readyReplicas,
    autoscaler,
  };
}

/** The canary's autoscaler and disruption budget, and the stable autoscaler's minimum. */
export async function inspectScaling(
  { client, namespace, rollout }: ArmsContext,
  stable: Workload,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
) {
  const [found, objects] = await Promise.all([
    findAutoscaler(client, namespace, stable, signal),
    client.list(resources.podDisruptionBudget, namespace, {}, signal),
  ]);
  const stableLabels = stable.spec.template.metadata?.labels ?? {};
  const budgets = objects
    .map((object) => readObject(object, disruptionBudget))
    .filter((budget) => !isOwn(budget, rollout) && budget.spec.selector && selects(budget.spec.selector, stableLabels))
    // One budget only: a pod with two can't be evicted at all.
    .slice(0, 1)
    .flatMap(
      (budget) =>
        canaryDisruptionBudget(budget, { labels, selector: { matchLabels: { ...labels } } }, { namespace, rollout }) ??
        [],
    );
  return {
    budgets,
    autoscaler: found && manifest.parse(canaryAutoscaler(found, namespace, rollout)),
    // If an operator owns the autoscaler, it resets a changed minimum at once.
    minimum:
      found && !isOperated(found) ? { name: found.metadata.name, minReplicas: found.spec.minReplicas } : undefined,
  };
}

/** A later run undoes a promotion only to a version that the cluster keeps, not by the record alone. */
async function tellHistory(
  { client, namespace }: ArmsContext,
  stable: Workload,
  signal: AbortSignal,
): Promise<string[]> {
  const kept = await keptTemplates(client, namespace, stable, signal);
  if (kept.length > 0 && stable.spec.revisionHistoryLimit !== 0) return [];
  return [
    `${describe(referenceOf(stable, namespace))} keeps no history (revisionHistoryLimit): should this run be lost after the promotion, no later one could give it the version before back.`,
  ];
}

/** Everything that the release creates, in the order of creation. */
export function ownObjects({ workload, autoscaler, others }: DerivedData): OwnObject[] {
  return [...others, workload, ...(autoscaler ? [autoscaler] : [])].map(ownObject);
}

export function ownObject(given: Manifest): OwnObject {
  const type = Object.values(resources).find(
    ({ kind, apiVersion }) => kind === given.kind && apiVersion.split('/')[0] === given.apiVersion.split('/')[0],
  );
  if (!type) throw new Error(`no resource type for ${given.apiVersion} ${given.kind}`);
  return { type, manifest: given };
}

/** The copies of config that the release makes: for the canary, and backups. */
export function configCopies({ config }: DerivedData, namespace: string): ObjectReference[] {
  return config.flatMap((change) => {
    const { copy, backup } = placesOf(change, namespace);
    return [copy, backup];
  });
}

function checksumOf(template: PodTemplate, config: readonly FoundChange[]): NonNullable<TemplateChange['checksum']> {
  const fingerprints = config.map(({ change }) => change.fingerprint).sort();
  return {
    before: template.metadata?.annotations?.[CHECKSUM_ANNOTATION] ?? null,
    after: createHash('sha256').update(fingerprints.join('\n')).digest('hex').slice(0, 16),
  };
}

/** The template of the canary's pods: the new version, with the new config under the names of its copies. */
export function canaryTemplate(
  template: PodTemplate,
  change: TemplateChange,
  config: readonly ConfigChange[],
): PodTemplate {
  const renamed = new Set(config.map(({ kind, name }) => `${kind}/${name}`));
  return renameConfig(withChange(template, change), (kind, name) =>
    renamed.has(`${kind}/${name}`) ? canaryName(name) : name,
  );
}

/** The stable pod template with the changes of the release. */
function withChange(template: PodTemplate, { images, checksum }: TemplateChange): PodTemplate {
  const changed = withImages(template, images);
  if (!checksum) return changed;
  const annotations = { ...changed.metadata?.annotations, [CHECKSUM_ANNOTATION]: checksum.after };
  return { ...changed, metadata: { ...changed.metadata, annotations } };
}

import { ownReference } from '../../cluster/ownership.ts';
import { describe, type ObjectReference, resources } from '../../cluster/resources.ts';
import { asJson, type Json } from '../../core/json.ts';
import type { PlannedWrite } from '../../core/planned-write.ts';
import type { ArmsContext } from '../arms-context.ts';
import type { ConfigContent } from '../config-copies.ts';
import { CHECKSUM_ANNOTATION } from '../promotion.ts';
import { replicasFor } from '../scaling.ts';
import { referenceTo } from '../workload.ts';
import { type FoundChange, placesOf } from './config.ts';
import { type DerivedData, ownObject, type WantedCanary } from './release.ts';

/**
 * What `prepareDerived` writes for a weight; at 100 also what `promoteDerived` writes.
 */
export function previewDerived(
  { namespace }: ArmsContext,
  data: DerivedData,
  { release, weight, config }: WantedCanary & { readonly config: readonly FoundChange[] },
): PlannedWrite[] {
  const { stable } = data;
  const replicas = data.joinService ? 0 : replicasFor(weight, stable.ready, release.minReplicas);
  const sized = { ...data.workload, spec: { ...data.workload.spec, replicas } };
  const scaled = data.autoscaler && { ...data.autoscaler, spec: { ...data.autoscaler.spec, minReplicas: replicas } };
  const minimum = stable.autoscaler;
  return [
    ...(minimum && minimum.minReplicas < stable.ready
      ? [
          {
            object: describe({ type: resources.horizontalPodAutoscaler, namespace, name: minimum.name }),
            action: 'update' as const,
            before: { spec: { minReplicas: minimum.minReplicas } },
            after: { spec: { minReplicas: stable.ready } },
          },
        ]
      : []),
    ...previewCopies(config, namespace),
    ...[...data.others, sized, ...(scaled ? [scaled] : [])].map((each) => created(ownReference(ownObject(each)), each)),
    ...(weight === 100 ? previewPromotion(data, config, namespace) : []),
  ];
}

function created(object: ObjectReference, after: unknown): PlannedWrite {
  return { object: describe(object), action: 'create', before: undefined, after: asJson(after) };
}

/** The copies of config: backups of the old content, and copies for the canary. */
function previewCopies(config: readonly FoundChange[], namespace: string): PlannedWrite[] {
  return config.flatMap(({ change: { kind, name }, before, after }) => {
    const { backup, copy } = placesOf({ kind, name }, namespace);
    const [old, renewed] = shownContents(kind, before, after);
    return [created(backup, old), created(copy, renewed)];
  });
}

/** What `promoteDerived` writes. */
function previewPromotion(
  { stable, change }: DerivedData,
  config: readonly FoundChange[],
  namespace: string,
): PlannedWrite[] {
  return [
    ...config.map(({ change: { kind, name }, before, after }): PlannedWrite => {
      const [old, renewed] = shownContents(kind, before, after);
      return {
        object: describe(placesOf({ kind, name }, namespace).original),
        action: 'update',
        before: old,
        after: renewed,
      };
    }),
    {
      object: describe(referenceTo(stable, namespace)),
      action: 'update',
      before: shownTemplate(
        change.images.map(({ container, before }) => [container, before]),
        change.checksum?.before,
      ),
      after: shownTemplate(
        change.images.map(({ container, after }) => [container, after]),
        change.checksum?.after,
      ),
    },
  ];
}

function shownTemplate(images: readonly (readonly [string, string])[], checksum: string | null | undefined): Json {
  return {
    spec: {
      template: {
        ...(checksum !== undefined && {
          metadata: { annotations: checksum === null ? {} : { [CHECKSUM_ANNOTATION]: checksum } },
        }),
        spec: { containers: images.map(([name, image]) => ({ name, image })) },
      },
    },
  };
}

/** Both contents as they may be shown: of a Secret only which entries change. */
function shownContents(kind: 'ConfigMap' | 'Secret', before: ConfigContent, after: ConfigContent): [Json, Json] {
  const plain = ({ data, binaryData }: ConfigContent): Json => ({ data: { ...data, ...binaryData } });
  if (kind === 'ConfigMap') return [plain(before), plain(after)];
  const hidden = (own: ConfigContent, other: ConfigContent, word: string): Json => ({
    data: Object.fromEntries(
      Object.entries(own.data).map(([key, value]) => [key, value === other.data[key] ? '(unchanged)' : word]),
    ),
  });
  return [hidden(before, after, '(old value)'), hidden(after, before, '(new value)')];
}

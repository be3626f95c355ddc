import * as z from 'zod';
import { parseManifests } from '../apply/objects.ts';
import { SluiceError } from '../core/errors.ts';

const labels = z.record(z.string(), z.string());

/** A workload by whose pods a canary is told apart. */
const workload = z.looseObject({
  kind: z.enum(['Deployment', 'StatefulSet']),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    selector: z.looseObject({ matchLabels: labels.default({}) }),
    template: z.looseObject({ metadata: z.looseObject({ labels: labels.default({}) }) }),
  }),
});
type Workload = z.infer<typeof workload>;

/** The workloads of two releases that run side by side, such as `deployment/checkout`, one per line. */
export interface Beside {
  readonly stable: string;
  readonly canary: string;
}

/**
 * Checks that a release can run beside another one of the same chart: it needs workloads of its own, and neither may select
 * the pods of the other. Objects that both would have are refused by Helm itself when it renders.
 *
 * @param stable the manifest of the other release
 * @throws SluiceError `conflict`, `not-found`
 */
export function besideEachOther(stable: string, canary: string): Beside {
  const sides = { stable: workloadsIn(stable), canary: workloadsIn(canary) };
  for (const [side, found] of Object.entries(sides)) {
    if (found.length > 0) continue;
    throw new SluiceError('not-found', {
      about: `the ${side} release`,
      problem: 'has no Deployment and no StatefulSet.',
      next: 'Name the release that serves now as "release", and leave its workload in the values of the canary.',
    });
  }
  for (const ours of sides.canary) {
    for (const theirs of sides.stable) {
      if (!selects(ours, theirs) && !selects(theirs, ours)) continue;
      throw new SluiceError('conflict', {
        about: `${ours.kind} ${ours.metadata.name}`,
        problem: `would have its pods mixed up with those of ${theirs.kind} ${theirs.metadata.name}: their labels fit the selectors of both.`,
        next: 'Let the selector of the chart hold the name of the release (app.kubernetes.io/instance), or set it in "canary-values".',
      });
    }
  }
  return { stable: sides.stable.map(nameOf).join('\n'), canary: sides.canary.map(nameOf).join('\n') };
}

function workloadsIn(manifest: string): Workload[] {
  return parseManifests([{ name: 'chart', text: manifest, isRendered: true }]).flatMap((object) => {
    const parsed = workload.safeParse(object.manifest);
    return parsed.success ? [parsed.data] : [];
  });
}

function selects({ spec }: Workload, { spec: { template } }: Workload): boolean {
  return Object.entries(spec.selector.matchLabels).every(([key, value]) => template.metadata.labels[key] === value);
}

function nameOf({ kind, metadata }: Workload): string {
  return `${kind.toLowerCase()}/${metadata.name}`;
}

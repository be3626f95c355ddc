import * as z from 'zod';
import { readObject, readPart } from '../../cluster/read-object.ts';
import { describe, type ObjectReference, resources } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { selectorText } from '../../cluster/selectors.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import type { ArmsContext } from '../arms-context.ts';
import { referenceOf, type Workload } from '../workload.ts';

const mounts = z.array(z.looseObject({ name: z.string(), readOnly: z.boolean().default(false) })).default([]);
const container = z.looseObject({
  volumeMounts: mounts,
  ports: z.array(z.looseObject({ hostPort: z.number().optional() })).default([]),
});
const exclusive = z.looseObject({
  strategy: z
    .looseObject({
      type: z.string().optional(),
      rollingUpdate: z.looseObject({ maxSurge: z.union([z.number(), z.string()]).optional() }).nullish(),
    })
    .optional(),
  template: z.looseObject({
    spec: z.looseObject({
      hostNetwork: z.boolean().default(false),
      containers: z.array(container),
      initContainers: z.array(container).default([]),
      volumes: z
        .array(
          z.looseObject({
            name: z.string(),
            hostPath: z.looseObject({ path: z.string() }).nullish(),
            persistentVolumeClaim: z
              .looseObject({ claimName: z.string(), readOnly: z.boolean().default(false) })
              .nullish(),
          }),
        )
        .default([]),
    }),
  }),
});
type Exclusive = z.infer<typeof exclusive>;

const claim = z.looseObject({
  spec: z.looseObject({ accessModes: z.array(z.string()).default([]) }).prefault({}),
});

const TWO_OF_YOUR_OWN =
  'Give the new version storage and ports of its own: run two workloads and name both, as "stable" and "canary"; or deploy it without a canary.';

/**
 * Refuses a workload of which two versions can't run at once: the canary would write to the same storage as the stable pods, or
 * never start beside them.
 *
 * @returns what could not be seen, and what the user should know, one sentence each
 * @throws SluiceError `unsupported`
 */
export async function refuseOneAtATime(context: ArmsContext, stable: Workload, signal: AbortSignal): Promise<string[]> {
  const reference = referenceOf(stable, context.namespace);
  const spec = readPart(stable.spec, exclusive, `spec of ${describe(reference)}`);
  const alone = runsAlone(spec);
  const refuse = (problem: string) => {
    throw new SluiceError('unsupported', { about: describe(reference), problem, next: TWO_OF_YOUR_OWN });
  };
  if (alone !== undefined) {
    const port = hostPortOf(spec);
    if (port !== undefined) refuse(`${alone}, and its pods take ${port} of their node, which two can't have.`);
    const path = writtenVolumes(spec).find(({ hostPath }) => hostPath);
    if (path?.hostPath) refuse(`${alone}, and its pods write ${path.hostPath.path} of their node, which two would.`);
  }
  const told = await Promise.all(
    writtenVolumes(spec).map((volume) => refuseClaim(context, { stable, alone, refuse }, volume, signal)),
  );
  const elections = await tellElections(context, stable, signal);
  return [...(alone === undefined ? [] : [besides(reference, alone)]), ...told.flat(), ...elections];
}

const election = z.looseObject({
  spec: z.looseObject({ holderIdentity: z.string().nullish() }).prefault({}),
});

/**
 * The API server keeps this many characters of a workload's name in the names of its pods
 * (`k8s.io/apiserver/pkg/storage/names`).
 */
const LONGEST_BASE = 58;

/** Warns of leader election: the pod that holds the Lease acts for all, and a canary pod may take it over. */
async function tellElections(context: ArmsContext, stable: Workload, signal: AbortSignal): Promise<string[]> {
  const { client, namespace } = context;
  if ((await context.access(resources.lease, signal)) !== 'granted') return [];
  const leases = await client.list(resources.lease, namespace, {}, signal);
  const beginning = stable.metadata.name.slice(0, LONGEST_BASE);
  const held = leases.flatMap((lease) => {
    const holder = readObject(lease, election).spec.holderIdentity ?? '';
    return holder.startsWith(beginning) ? [{ lease: lease.metadata.name, holder }] : [];
  });
  if (held.length === 0) return [];
  const labelSelector = selectorText(stable.spec.selector);
  const pods = await client.list(resources.pod, namespace, { labelSelector }, signal);
  return held.flatMap(({ lease, holder }) => {
    const pod = pods.find(({ metadata: { name } }) => holder === name || holder.startsWith(`${name}_`));
    if (!pod) return [];
    const about = describe({ type: resources.lease, namespace, name: lease });
    return `${about} is held by pod ${pod.metadata.name}: the canary's pods take part in that election, and the one that wins acts for all, whatever the weight.`;
  });
}

function besides(reference: ObjectReference, alone: string): string {
  return `${describe(reference)} ${alone}: whoever wrote that may have meant that no two versions run at once. During the rollout they do.`;
}

/** Why no more pods may run than the workload has; undefined without such a reason. */
function runsAlone({ strategy }: Exclusive): string | undefined {
  if (strategy?.type === 'Recreate') return 'has the strategy Recreate';
  const { maxSurge } = strategy?.rollingUpdate ?? {};
  return maxSurge === 0 || maxSurge === '0' || maxSurge === '0%' ? 'has maxSurge 0' : undefined;
}

function hostPortOf({ template: { spec } }: Exclusive): string | undefined {
  const [port] = spec.containers.flatMap(({ ports }) => ports.flatMap(({ hostPort }) => hostPort ?? []));
  if (port !== undefined) return `port ${port}`;
  return spec.hostNetwork ? 'the network (hostNetwork)' : undefined;
}

/** Volumes that a container mounts for writing. */
function writtenVolumes({ template: { spec } }: Exclusive) {
  const containers = [...spec.initContainers, ...spec.containers];
  const written = new Set(
    containers.flatMap(({ volumeMounts }) => volumeMounts.filter(({ readOnly }) => !readOnly).map(({ name }) => name)),
  );
  return spec.volumes.filter(
    ({ name, persistentVolumeClaim }) => written.has(name) && persistentVolumeClaim?.readOnly !== true,
  );
}

interface Judged {
  readonly stable: Workload;
  readonly alone: string | undefined;
  readonly refuse: (problem: string) => void;
}

async function refuseClaim(
  { client, namespace }: ArmsContext,
  { stable, alone, refuse }: Judged,
  { persistentVolumeClaim }: Exclusive['template']['spec']['volumes'][number],
  signal: AbortSignal,
): Promise<string[]> {
  if (!persistentVolumeClaim) return [];
  const { claimName } = persistentVolumeClaim;
  const about = describe({ type: resources.persistentVolumeClaim, namespace, name: claimName });
  const found = await readClaim(() =>
    client.find({ type: resources.persistentVolumeClaim, namespace, name: claimName }, signal),
  );
  if (found === 'forbidden') {
    if (alone !== undefined) refuse(`${alone}, and its pods write ${about}, of which it may not be seen who else may.`);
    return [
      `${about} is written by the stable pods. The right to read it is missing, so it is not known whether the canary can use it beside them.`,
    ];
  }
  const { accessModes } = readPart(found ?? {}, claim, about).spec;
  if (accessModes.includes('ReadWriteMany')) return [];
  if (accessModes.includes('ReadWriteOncePod')) refuse(`writes ${about}, which one pod can have (ReadWriteOncePod).`);
  if (!accessModes.includes('ReadWriteOnce')) return [];
  const once = `${about}, which pods of one node can have (ReadWriteOnce)`;
  if (alone !== undefined)
    refuse(`${alone}, and its pods write ${once}: two versions would write the same, or the canary would never start.`);
  if (stable.spec.replicas <= 1)
    refuse(`has one pod that writes ${once}: two versions would write the same, or the canary would never start.`);
  return [`The stable pods write ${once}. The canary's pods write the same, and start on no other node.`];
}

async function readClaim(
  read: () => Promise<KubernetesObject | undefined>,
): Promise<KubernetesObject | undefined | 'forbidden'> {
  try {
    return await read();
  } catch (error) {
    if (isSluiceError(error, 'forbidden')) return 'forbidden';
    throw error;
  }
}

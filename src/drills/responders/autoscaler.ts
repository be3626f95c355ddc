import * as z from 'zod';
import type { KubernetesClient } from '../../cluster/client.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import { readObject } from '../../cluster/read-object.ts';
import { resources } from '../../cluster/resources.ts';
import { kubernetesObject } from '../../cluster/schema.ts';
import type { Clock } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Moment, Responder } from '../ports.ts';
import { followChanges } from './follow-changes.ts';

const utilization = z.looseObject({ averageUtilization: z.number().nullish() });
const metric = z.looseObject({ resource: z.looseObject({ name: z.string(), target: utilization }).optional() });
const current = z.looseObject({ resource: z.looseObject({ name: z.string(), current: utilization }).optional() });

const autoscaler = z.looseObject({
  ...kubernetesObject.shape,
  spec: z.looseObject({
    scaleTargetRef: z.looseObject({ kind: z.string(), name: z.string() }),
    metrics: z.array(metric).nullish(),
  }),
  status: z
    .looseObject({
      currentReplicas: z.number().optional(),
      desiredReplicas: z.number().optional(),
      currentMetrics: z.array(current).nullish(),
    })
    .prefault({}),
});
type Autoscaler = z.infer<typeof autoscaler>;

const scaled = z.looseObject({
  ...kubernetesObject.shape,
  status: z.looseObject({ readyReplicas: z.number().optional() }).prefault({}),
});

/** kube-controller-manager's `--horizontal-pod-autoscaler-tolerance`, within which it does nothing. */
const TOLERANCE = 1.1;

/** How the HorizontalPodAutoscaler of a workload answers: when its target was crossed, when it decided, when the pods were ready. */
export function autoscalerResponder(
  client: Pick<KubernetesClient, 'list' | 'get'>,
  { namespace, workload }: { readonly namespace: string; readonly workload: string },
  clock: Clock,
): Responder {
  const about = `HorizontalPodAutoscaler of ${namespace}/${workload}`;
  let isCrossed = false;
  let desired: number | undefined;
  let awaited: number | undefined;

  async function look(signal: AbortSignal): Promise<Moment[]> {
    const all = await client.list(resources.horizontalPodAutoscaler, namespace, {}, signal);
    const found = all
      .map((object) => readObject(object, autoscaler))
      .find(({ spec }) => spec.scaleTargetRef.name === workload);
    if (!found) throw none(about);
    const moments: Moment[] = [];
    const tell = (state: string, text: string) => moments.push({ at: clock.now(), kind: 'autoscaler', state, text });
    const over = crossed(found);
    if (over !== undefined && !isCrossed) tell('crossed', over);
    isCrossed = over !== undefined;
    const { desiredReplicas: wanted, currentReplicas: running = 0 } = found.status;
    if (wanted !== undefined && desired !== undefined && wanted > desired) {
      tell('decided', `desired replicas ${desired} -> ${wanted}`);
      awaited = wanted;
    }
    desired = wanted;
    if (awaited === undefined || running < awaited) return moments;
    const ready = await readyPods(found, signal);
    if (ready >= awaited) {
      tell('ready', `${ready} pods are ready`);
      awaited = undefined;
    }
    return moments;
  }

  async function readyPods({ spec: { scaleTargetRef } }: Autoscaler, signal: AbortSignal): Promise<number> {
    const type = scaleTargetRef.kind === 'StatefulSet' ? resources.statefulSet : resources.deployment;
    const reference = { type, namespace, name: scaleTargetRef.name };
    return readObject(await client.get(reference, signal), scaled).status.readyReplicas ?? 0;
  }

  return {
    kind: 'autoscaler',
    about,
    permissions: [
      permissionTo(['list'], resources.horizontalPodAutoscaler, namespace),
      permissionTo(['get'], resources.deployment, namespace),
      permissionTo(['get'], resources.statefulSet, namespace),
    ],
    follow: (tell, signal) => followChanges('autoscaler', { look, clock }, tell, signal),
  };
}

/** The first metric over its target, in words. */
function crossed({ spec, status }: Autoscaler): string | undefined {
  for (const { resource } of spec.metrics ?? []) {
    const target = resource?.target.averageUtilization;
    const now = (status.currentMetrics ?? []).find((one) => one.resource?.name === resource?.name)?.resource;
    const value = now?.current.averageUtilization;
    if (typeof target === 'number' && typeof value === 'number' && value > target * TOLERANCE)
      return `${resource?.name} is at ${value} % of its request, and ${target} % is the target`;
  }
  return undefined;
}

function none(about: string): SluiceError {
  return new SluiceError('not-found', { about, problem: 'does not exist.', next: 'Make one, or leave "scale-up" out.' });
}

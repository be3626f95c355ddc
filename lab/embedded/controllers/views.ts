import * as z from 'zod';
import type { KubeObject } from '../api-server/objects.ts';

/** Reads objects by a shape, and each stored one once: it does not change any more. */
function viewOf<S extends z.ZodType>(shape: S) {
  const known = new WeakMap<KubeObject, z.infer<S>>();
  return {
    parse(object: KubeObject): z.infer<S> {
      const found = known.get(object);
      if (found !== undefined) return found;
      const view = shape.parse(object);
      if (Object.isFrozen(object)) known.set(object, view);
      return view;
    },
  };
}

/** The parts of workloads that controllers read; all other fields are kept. */
const labels = z.record(z.string(), z.string());

const selector = z.looseObject({
  matchLabels: labels.optional(),
  matchExpressions: z
    .array(z.looseObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).optional() }))
    .optional(),
});

const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  ports: z.array(z.looseObject({ name: z.string().optional(), containerPort: z.number() })).default([]),
});

export type ContainerView = z.infer<typeof container>;

const podSpec = z.looseObject({ nodeName: z.string().optional(), containers: z.array(container) });

const podTemplate = z.looseObject({
  metadata: z.looseObject({ labels: labels.optional(), annotations: labels.optional() }).default({}),
  spec: podSpec,
});
export type PodTemplate = z.infer<typeof podTemplate>;

const intOrPercent = z.union([z.number(), z.string()]);
const condition = z.looseObject({ type: z.string(), status: z.string(), lastTransitionTime: z.string().optional() });
const workload = z.looseObject({ replicas: z.number().default(1), selector, template: podTemplate });

export const deploymentView = viewOf(
  z.looseObject({
    spec: workload.extend({
      minReadySeconds: z.number().default(0),
      paused: z.boolean().default(false),
      progressDeadlineSeconds: z.number().default(600),
      strategy: z
        .looseObject({
          type: z.string().default('RollingUpdate'),
          rollingUpdate: z
            .looseObject({ maxSurge: intOrPercent.default('25%'), maxUnavailable: intOrPercent.default('25%') })
            .default({ maxSurge: '25%', maxUnavailable: '25%' }),
        })
        .prefault({}),
    }),
  }),
);
export type DeploymentView = ReturnType<typeof deploymentView.parse>;

export const replicaSetView = viewOf(
  z.looseObject({
    spec: workload.extend({ minReadySeconds: z.number().default(0) }),
    status: z
      .looseObject({
        replicas: z.number().default(0),
        readyReplicas: z.number().default(0),
        availableReplicas: z.number().default(0),
      })
      .prefault({}),
  }),
);

export const statefulSetView = viewOf(
  z.looseObject({
    spec: workload.extend({
      minReadySeconds: z.number().default(0),
      podManagementPolicy: z.string().default('OrderedReady'),
      updateStrategy: z
        .looseObject({
          type: z.string().default('RollingUpdate'),
          rollingUpdate: z.looseObject({ partition: z.number().default(0) }).prefault({}),
        })
        .prefault({}),
    }),
    status: z.looseObject({ currentRevision: z.string().optional() }).prefault({}),
  }),
);
export type StatefulSetView = ReturnType<typeof statefulSetView.parse>;

export const podView = viewOf(
  z.looseObject({
    spec: podSpec,
    status: z
      .looseObject({
        phase: z.string().default('Pending'),
        podIP: z.string().optional(),
        conditions: z.array(condition).default([]),
      })
      .prefault({}),
  }),
);

export const serviceView = viewOf(
  z.looseObject({
    spec: z.looseObject({
      selector: labels.optional(),
      ports: z
        .array(
          z.looseObject({
            name: z.string().optional(),
            port: z.number(),
            targetPort: z.union([z.number(), z.string()]),
          }),
        )
        .default([]),
    }),
  }),
);

export const autoscalerView = viewOf(
  z.looseObject({
    spec: z.looseObject({
      minReplicas: z.number().default(1),
      maxReplicas: z.number(),
      scaleTargetRef: z.looseObject({ apiVersion: z.string(), kind: z.string(), name: z.string() }),
    }),
  }),
);

function readyCondition(pod: KubeObject) {
  return podView.parse(pod).status.conditions.find(({ type }) => type === 'Ready');
}

export function isTerminating(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

export function isReady(pod: KubeObject): boolean {
  return readyCondition(pod)?.status === 'True';
}

/** Milliseconds until a ready pod counts as available; 0 if it does already, undefined if it is not ready. */
export function untilAvailable(pod: KubeObject, minReadySeconds: number, now: number): number | undefined {
  const ready = readyCondition(pod);
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  return Math.max(0, Date.parse(ready.lastTransitionTime ?? '') + minReadySeconds * 1_000 - now);
}

/** maxSurge rounds up, maxUnavailable down, and not both may be zero. */
export function allowances({ replicas, strategy }: DeploymentView['spec']): {
  maxSurge: number;
  maxUnavailable: number;
} {
  if (strategy.type === 'Recreate') return { maxSurge: 0, maxUnavailable: 0 };
  const { rollingUpdate } = strategy;
  const maxSurge = Math.ceil(share(rollingUpdate.maxSurge, replicas));
  const maxUnavailable = Math.floor(share(rollingUpdate.maxUnavailable, replicas));
  return { maxSurge, maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : Math.min(maxUnavailable, replicas) };
}

function share(value: number | string, replicas: number): number {
  return typeof value === 'number' ? value : (Number.parseFloat(value) / 100) * replicas;
}

import * as z from 'zod';
import { type JsonRecord, type KubeObject, recordOf } from './objects.ts';
import { badRequest } from './status.ts';

const scale = z.looseObject({ spec: z.looseObject({ replicas: z.number().default(0) }) });

/** The `autoscaling/v1` Scale of a workload. As on the real server, `spec.replicas` is absent if it is zero. */
export function scaleOf(workload: KubeObject): JsonRecord {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = workload.metadata;
  const spec = recordOf(workload.spec);
  const selector = Object.entries(recordOf(recordOf(spec.selector).matchLabels))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: spec.replicas === 0 ? {} : { replicas: spec.replicas },
    status: { replicas: recordOf(workload.status).replicas ?? 0, selector },
  };
}

/** The workload with the replicas of a Scale; if it has a resourceVersion, that must still be the workload's. */
export function withScale(workload: KubeObject, body: unknown): KubeObject {
  const parsed = scale.safeParse(body);
  if (!parsed.success) throw badRequest('Scale in version "v1" cannot be handled as a Scale');
  const { resourceVersion } = recordOf(parsed.data.metadata);
  return {
    ...workload,
    metadata: {
      ...workload.metadata,
      ...(typeof resourceVersion === 'string' && { resourceVersion }),
    },
    spec: { ...recordOf(workload.spec), replicas: parsed.data.spec.replicas },
  };
}

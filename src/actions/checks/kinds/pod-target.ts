import * as z from 'zod';
import { route } from '../../../runner/input-types.ts';
import type { PodTarget, WorkloadKind } from '../../../sources/cluster/workload-pods.ts';
import { must } from '../check-list.ts';

const workload = z
  .string(must('a workload such as deployment/checkout'))
  .pipe(route<WorkloadKind>('deployment', 'statefulset', 'daemonset').schema);

/** The settings of checks of pods. */
export const podTargetSettings = {
  workload: workload.optional(),
  selector: z.string(must('labels such as app=checkout')).min(1, must('labels such as app=checkout')).optional(),
};

interface PodTargetSettings {
  readonly workload?: { readonly kind?: WorkloadKind; readonly name: string } | undefined;
  readonly selector?: string | undefined;
}

export function podTargetProblem({ workload: named, selector }: PodTargetSettings): string | undefined {
  return (named === undefined) === (selector === undefined)
    ? 'needs either "workload", such as deployment/checkout, or "selector", the labels of its pods'
    : undefined;
}

export function podTarget({ workload: named, selector = '' }: PodTargetSettings): PodTarget {
  return named ? { kind: named.kind ?? 'deployment', name: named.name } : { selector };
}

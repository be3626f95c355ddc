import type { ResourceType } from '../../../../cluster/resources.ts';
import { CHAOS_MESH, type ChaosKind } from './chaos-kind.ts';
import { dnsChaos } from './dns-chaos.ts';
import { httpChaos } from './http-chaos.ts';
import { ioChaos } from './io-chaos.ts';
import { networkChaos } from './network-chaos.ts';
import { podChaos } from './pod-chaos.ts';
import { stressChaos } from './stress-chaos.ts';
import { timeChaos } from './time-chaos.ts';

/** The kinds of single faults. */
export const chaosKinds: readonly ChaosKind[] = [
  podChaos,
  networkChaos,
  httpChaos,
  stressChaos,
  ioChaos,
  timeChaos,
  dnsChaos,
];

/** Kinds that make faults. */
export const schedules: ResourceType = { apiVersion: CHAOS_MESH, kind: 'Schedule', plural: 'schedules' };
export const workflows: ResourceType = { apiVersion: CHAOS_MESH, kind: 'Workflow', plural: 'workflows' };
export const workflowNodes: ResourceType = { apiVersion: CHAOS_MESH, kind: 'WorkflowNode', plural: 'workflownodes' };

/** All kinds that a manifest may have. */
export const takenKinds = [...chaosKinds.map(({ kind }) => kind), schedules.kind, workflows.kind];

export function chaosKind(kind: string): ChaosKind | undefined {
  return chaosKinds.find((candidate) => candidate.kind === kind);
}

export function typeOf({ kind, plural }: { readonly kind: string; readonly plural: string }): ResourceType {
  return { apiVersion: CHAOS_MESH, kind, plural };
}

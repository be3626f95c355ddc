import { defineChaosKind } from './chaos-kind.ts';
import { containerNames, oneOf, whole } from './fields.ts';

/** https://chaos-mesh.org/docs/simulate-pod-chaos-on-kubernetes/ */
export const podChaos = defineChaosKind({
  kind: 'PodChaos',
  plural: 'podchaos',
  field: 'podChaos',
  parameters: {
    action: oneOf(['pod-kill', 'pod-failure', 'container-kill']),
    containerNames,
    gracePeriod: whole(0, 86_400).optional(),
  },
  traits: ({ action, gracePeriod = 0, containerNames: containers = [] }) => ({
    warnings:
      action === 'pod-kill' && gracePeriod === 0
        ? [
            'Chaos Mesh deletes the pods without a grace period, so they are not told to end: set "gracePeriod" if they should be.',
          ]
        : [],
    isOneShot: action !== 'pod-failure',
    problems:
      action === 'container-kill' && containers.length === 0
        ? ['containerNames is missing: "action: container-kill" needs the names of the containers']
        : [],
  }),
});

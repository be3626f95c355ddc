import { chaosMeshKinds } from './chaos-mesh-kinds.ts';
import type { FaultKind } from './fault-kind.ts';
import { istioKinds } from './istio-kinds.ts';
import { kubernetesKinds } from './kubernetes-kinds.ts';

/** Every kind of fault that has a short form, in the order of the documentation. */
export const faultKinds: readonly FaultKind[] = [...kubernetesKinds, ...istioKinds, ...chaosMeshKinds];

import type { Responder } from '../../drills/ports.ts';
import { alertResponder } from '../../drills/responders/alerts.ts';
import { autoscalerResponder } from '../../drills/responders/autoscaler.ts';
import { outlierResponder } from '../../drills/responders/outlier-ejection.ts';
import type { CheckPlace } from '../checks/check-kind.ts';
import type { DrillInputs } from './inputs.ts';

/** Watches what the targets ask for beside requests. */
export function buildResponders({ targets, service }: DrillInputs, place: CheckPlace, namespace: string): Responder[] {
  const { clock } = place.world;
  const alerts = targets.flatMap((target) => (target.kind === 'alert' ? [target.name] : []));
  const asks = (kind: 'scale-up' | 'ejection') => targets.some((target) => target.kind === kind);
  return [
    ...(alerts.length > 0 ? [alertResponder(alerts, place.prometheus(), clock)] : []),
    ...(asks('scale-up') ? [autoscalerResponder(place.cluster().client, { namespace, workload: service }, clock)] : []),
    ...(asks('ejection') ? [outlierResponder(service, place.prometheus(), clock)] : []),
  ];
}

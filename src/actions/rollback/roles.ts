import type { DocumentedRole, ExamplePlace } from '../../runner/define.ts';
import { rollbackRights } from './assemble.ts';
import { loadRollbackInputs } from './inputs.ts';

/** Title → inputs of a rollback that needs exactly these rights. */
const rollbacks: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'A Deployment': { workload: 'deployment/checkout' },
  'A Deployment behind a VirtualService of Istio': {
    workload: 'deployment/checkout',
    service: 'checkout',
    route: 'virtualservice/checkout',
  },
  'A StatefulSet': { workload: 'statefulset/checkout' },
};

export function rollbackRoles(place: ExamplePlace): DocumentedRole[] {
  return Object.entries(rollbacks).map(([title, given]) => ({
    title,
    permissions: rollbackRights(loadRollbackInputs(given), place),
  }));
}

import { permissionsToNamed, renderRoles } from '../../cluster/permissions.ts';
import { resources } from '../../cluster/resources.ts';
import type { Permission } from '../../core/permission.ts';
import { admissionPermissions } from '../../drills/admission.ts';
import { factPermissions } from '../../drills/facts.ts';
import type { Fault, Requests, Responder } from '../../drills/ports.ts';
import { drillStorePermissions } from '../../drills/record-store.ts';
import type { DrillOptions } from '../../drills/world.ts';
import type { DocumentedRole, ExamplePlace } from '../../runner/define.ts';
import type { FaultSettings } from './kinds/fault-kind.ts';
import { faultKinds } from './kinds/fault-kinds.ts';
import { readShortForm } from './kinds/short-form.ts';

interface Needs {
  readonly faults: readonly Pick<Fault, 'permissions'>[];
  readonly requests?: Pick<Requests, 'permissions'>;
  readonly responders: readonly Pick<Responder, 'permissions'>[];
  readonly options: { readonly service: string; readonly limits: Pick<DrillOptions['limits'], 'namespaces'> };
  readonly namespace: string;
}

/** All rights that a drill needs. */
export function drillPermissions({ faults, requests, responders, options, namespace }: Needs): Permission[] {
  const { service, limits } = options;
  const lease = { type: resources.lease, namespace, name: `sluice-${service}` };
  return [
    ...permissionsToNamed(['get', 'create', 'update'], lease),
    ...drillStorePermissions({ namespace, service }),
    ...admissionPermissions(limits.namespaces),
    ...factPermissions({ namespace, service }),
    ...[...faults, ...responders, ...(requests ? [requests] : [])].flatMap(({ permissions }) => permissions),
  ];
}

/** The rights of each kind of fault, by its example. */
export function drillRoles({ client, namespace, clock }: ExamplePlace): DocumentedRole[] {
  const world = { client, clock, drill: 'checkout', run: 'example', random: () => 0 };
  const settings: FaultSettings = {
    namespace,
    namespaces: [namespace],
    maxDuration: 300_000,
    stressImage: 'busybox:1.37',
    gitops: 'refuse',
    ignoreBudgets: false,
  };
  const rights = faultKinds.map((kind) => {
    const fault = kind.build(
      readShortForm(kind.example, () => kind),
      settings,
      world,
    );
    const options = { service: 'checkout', limits: { namespaces: [namespace] } };
    return {
      kind: kind.kind,
      permissions: drillPermissions({ faults: [fault], responders: [], options, namespace }),
    };
  });
  const alike = Map.groupBy(rights, ({ permissions }) => renderRoles(permissions));
  return [...alike.values()].flatMap(([first, ...others]) => {
    if (!first) return [];
    const title = [first, ...others].map(({ kind }) => `\`${kind}\``).join(', ');
    return [{ title, name: 'sluice-drill', permissions: first.permissions }];
  });
}

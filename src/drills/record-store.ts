import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { applyOwn, findOwn, ownLabels, removeOwn } from '../cluster/ownership.ts';
import { permissionsToNamed } from '../cluster/permissions.ts';
import { readObject } from '../cluster/read-object.ts';
import { describe, resources } from '../cluster/resources.ts';
import { SluiceError } from '../core/errors.ts';
import { stringifyJson, tryParseJson, tryShape } from '../core/json.ts';
import type { Permission } from '../core/permission.ts';
import { excerpt } from '../core/text.ts';
import { drillRecord } from './record.ts';
import type { DrillStore } from './world.ts';

export interface DrillPlace {
  readonly namespace: string;
  /** The service of the drill: two drills of the same one exclude each other. */
  readonly service: string;
}

const recordObject = z.looseObject({ data: z.looseObject({ record: z.string().optional() }).optional() });

/** What can be told of a record whatever its form. It is not verified. */
const namedFaults = z.looseObject({ faults: z.array(z.looseObject({ text: z.string() })) });
const MOST_NAMED = 10;

function referenceOf({ namespace, service }: DrillPlace) {
  return { type: resources.configMap, namespace, name: `sluice-drill-${service}` };
}

export function drillStorePermissions(place: DrillPlace): readonly Permission[] {
  return permissionsToNamed(['get', 'create', 'patch', 'delete'], referenceOf(place));
}

/** The record of a service's drill, in a ConfigMap. Whoever holds the drill's Lease writes it. */
export function createDrillStore(client: KubernetesClient, place: DrillPlace): DrillStore {
  const reference = referenceOf(place);
  const { type, name, namespace } = reference;
  const object = describe(reference);
  const { service } = place;
  return {
    object,
    async load(signal) {
      const found = await findOwn(client, reference, service, signal);
      const text = found && readObject(found, recordObject).data?.record;
      if (text === undefined) return undefined;
      const record = tryShape(drillRecord, tryParseJson(text));
      if (record) return record;
      throw new SluiceError('unsupported', {
        about: object,
        problem:
          'holds a record in a form that this version does not read, so that what a drill may have left is not known.',
        next: 'Look for what the drill has injected, remove it by hand, and give the record up with "mode: discard-record".',
      });
    },
    async save(record, signal) {
      const metadata = { name, namespace, labels: ownLabels(service) };
      const data = { record: stringifyJson(record) };
      const manifest = { apiVersion: type.apiVersion, kind: type.kind, metadata, data };
      await applyOwn(client, { type, manifest }, service, signal);
    },
    remove: (signal) => removeOwn(client, reference, service, signal),
    async discard(signal) {
      const found = await findOwn(client, reference, service, signal);
      if (!found) return 'There was none.';
      await client.remove(reference, signal, found.metadata.uid);
      const text = readObject(found, recordObject).data?.record ?? '';
      const named = tryShape(namedFaults, tryParseJson(text))?.faults ?? [];
      if (named.length === 0) return 'It named no fault.';
      const faults = named.slice(0, MOST_NAMED).map(({ text: fault }) => excerpt(fault, 100));
      return `What these have injected stays as it is: ${faults.join('; ')}.`;
    },
  };
}

import * as z from 'zod';
import type { Arms, ArmsSnapshot, Json } from '../canary/ports.ts';
import type { ConcludingWorld } from '../canary/session.ts';
import { type ArmsContext, type ArmsOptions, createContext } from './arms-context.ts';
import type { FoundChange } from './config-release.ts';
import {
  derivedPermissions,
  prepareDerived,
  previewDerived,
  promoteDerived,
  retireDerived,
  undoDerived,
  undoDerivedPromotion,
  verifyDerived,
  verifyDerivedUndone,
} from './derived-arms.ts';
import { type DerivedData, type DerivedRelease, derivedData, inspectDerived } from './derived-release.ts';
import {
  awaitDeployed,
  type ExistingWorkloads,
  existingData,
  existingPermissions,
  handOverExisting,
  inspectExisting,
  prepareExisting,
  previewExisting,
  retireExisting,
  undoExisting,
  verifyExisting,
} from './existing-arms.ts';
import { podDetails } from './pod-details.ts';

export type { ArmsOptions } from './arms-context.ts';
export type { DerivedRelease } from './derived-release.ts';
export type { ExistingWorkloads } from './existing-arms.ts';

/** A stable and a canary workload that exist already. */
export function existingArms(options: ArmsOptions, given: ExistingWorkloads): Arms {
  const context = createContext(options);
  return {
    ...concludingArms(context),
    permissions: existingPermissions(options.namespace, given),
    inspect: (signal) => inspectExisting(context, given, signal),
    preview: ({ data }, weight) => previewExisting(context, existingData.parse(data), weight),
    prepare: ({ data }, weight, signal) => prepareExisting(context, existingData.parse(data), weight, signal),
  };
}

/** One workload, of which Sluice makes the canary with the new version. */
export function derivedArms(options: ArmsOptions, release: DerivedRelease): Arms {
  const context = createContext(options);
  // Kept for the dry run only: contents of Secrets must not get into the snapshot.
  let config: readonly FoundChange[] = [];
  return {
    ...concludingArms(context),
    permissions: derivedPermissions(options.namespace, release),
    async inspect(signal) {
      const found = await inspectDerived(context, release, signal);
      config = found.config;
      return found.snapshot;
    },
    preview: ({ data }, weight) => previewDerived(context, derivedData.parse(data), release, config, weight),
    prepare: ({ data }, weight, signal) => prepareDerived(context, derivedData.parse(data), release, weight, signal),
  };
}

/** What concludes a rollout of either kind of arms by its record alone. */
export function recordedArms(options: ArmsOptions): ConcludingWorld['arms'] {
  return concludingArms(createContext(options));
}

/** As it is kept in the record. */
function jsonOf(value: unknown): Json {
  return z.json().parse(JSON.parse(JSON.stringify(value)));
}

const anyData = z.discriminatedUnion('variant', [existingData, derivedData]);

/**
 * What needs nothing but the snapshot: a run concludes whatever an earlier one has left in the record, also when that was
 * asked for differently.
 */
function concludingArms(context: ArmsContext): Omit<Arms, 'permissions' | 'inspect' | 'preview' | 'prepare'> {
  const dataOf = ({ data }: ArmsSnapshot) => anyData.parse(data);
  return {
    async health(snapshot, arm, signal) {
      return (await context.view(dataOf(snapshot)[arm]).look(signal)).health;
    },
    async podDetails(snapshot, arm, signal) {
      return podDetails(context, await context.view(dataOf(snapshot)[arm]).look(signal), signal);
    },
    async promote(snapshot, learn, signal) {
      const data = dataOf(snapshot);
      const learnData = (learned: DerivedData) => learn({ ...snapshot, data: jsonOf(learned) });
      if (data.variant === 'derived') await promoteDerived(context, data, learnData, signal);
      else if (data.returns) await awaitDeployed(context, data, signal);
      else await prepareExisting(context, data, 100, signal);
      return { routeBackToStable: data.variant === 'derived' || data.returns !== undefined };
    },
    async handOver(snapshot, signal) {
      const data = dataOf(snapshot);
      if (data.variant === 'existing') await handOverExisting(context, data, signal);
    },
    async undoPromotion(snapshot, signal) {
      const data = dataOf(snapshot);
      if (data.variant === 'derived') await undoDerivedPromotion(context, data, signal);
    },
    async verify(snapshot, signal) {
      const data = dataOf(snapshot);
      return data.variant === 'derived' ? verifyDerived(context, data, signal) : verifyExisting(context, data, signal);
    },
    async verifyUndone(snapshot, signal) {
      const data = dataOf(snapshot);
      return data.variant === 'derived' ? verifyDerivedUndone(context, data, signal) : undefined;
    },
    async retire(snapshot, signal) {
      const data = dataOf(snapshot);
      return data.variant === 'derived' ? retireDerived(context, data, signal) : retireExisting(context, data, signal);
    },
    async undo(snapshot, signal) {
      const data = dataOf(snapshot);
      if (data.variant === 'derived') return undoDerived(context, data, signal);
      await undoExisting(context, data, signal);
      return { left: [], others: [] };
    },
  };
}

import * as z from 'zod';
import type { Arms, ArmsSnapshot, ConcludingArms } from '../../canary/ports.ts';
import { asJson, tryShape } from '../../core/json.ts';
import { createSnapshots } from '../../ledger/snapshots.ts';
import { type ArmsContext, type ArmsOptions, createContext } from '../arms-context.ts';
import {
  prepareDerived,
  promoteDerived,
  retireDerived,
  undoDerived,
  undoDerivedPromotion,
  verifyDerived,
  verifyDerivedUndone,
} from '../derived/arms.ts';
import type { FoundChange } from '../derived/config.ts';
import { confirmNewImages, confirmPromoted } from '../derived/confirm-change.ts';
import { confirmDerived, confirmExisting, type NamedArms, unreadable } from '../derived/confirm-record.ts';
import { deriveAgain } from '../derived/derive-again.ts';
import { derivedPermissions } from '../derived/permissions.ts';
import { previewDerived } from '../derived/preview.ts';
import { type DerivedData, type DerivedRelease, derivedData, inspectDerived } from '../derived/release.ts';
import {
  awaitDeployed,
  prepareExisting,
  relinquishExisting,
  retireExisting,
  undoExisting,
  verifyExisting,
} from '../existing/arms.ts';
import { type ExistingWorkloads, existingData, inspectExisting } from '../existing/inspect.ts';
import { existingPermissions } from '../existing/permissions.ts';
import { previewExisting } from '../existing/preview.ts';
import { podDetails } from '../pod-details.ts';
import { reachOf } from '../reach.ts';
import type { WorkloadKind } from '../workload.ts';

export type { ArmsOptions } from '../arms-context.ts';
export type { DerivedRelease } from '../derived/release.ts';
export type { ExistingWorkloads } from '../existing/inspect.ts';

/** A stable and a canary workload that exist already. */
export function existingArms(options: ArmsOptions, given: ExistingWorkloads): Arms {
  const context = createContext(options);
  const snapshots = createArmsSnapshots(context, given);
  return {
    ...concludingArms(context, snapshots),
    permissions: existingPermissions(options.namespace, given),
    inspect: async (signal) => snapshots.own(await inspectExisting(context, given, signal)),
    preview: ({ data }, weight) => previewExisting(context, existingData.parse(data), weight),
    async prepare(snapshot, weight, signal) {
      const data = existingData.parse(await snapshots.read(snapshot, signal));
      await prepareExisting(context, data, weight, signal);
    },
  };
}

/** One workload, from which Sluice makes a canary with the new version. */
export function derivedArms(options: ArmsOptions, release: DerivedRelease): Arms {
  const context = createContext(options);
  const snapshots = createArmsSnapshots(context, { stable: release.workload, joinService: release.joinService });
  const concluding = concludingArms(context, snapshots);
  // Kept for the dry run only: contents of Secrets must not get into the snapshot.
  let config: readonly FoundChange[] = [];
  const derived = new WeakMap<ArmsSnapshot, DerivedData>();
  /** Works out the data of a recorded rollout again: a rollout writes more than an undo, so the record alone is not trusted. */
  async function dataToWrite(snapshot: ArmsSnapshot, signal: AbortSignal): Promise<DerivedData> {
    const known = derived.get(snapshot);
    if (known) return known;
    const recorded = derivedData.parse(await snapshots.read(snapshot, signal));
    const data = snapshots.isOwn(snapshot) ? recorded : await deriveAgain(context, recorded, release, signal);
    derived.set(snapshot, data);
    return data;
  }
  return {
    ...concluding,
    permissions: derivedPermissions(options.namespace, release),
    async confirm(snapshot, isSameRelease, signal) {
      const data = await snapshots.read(snapshot, signal);
      if (isSameRelease && data.variant === 'derived') await confirmNewImages(context, data, release.images, signal);
    },
    async inspect(signal) {
      const found = await inspectDerived(context, release, signal);
      config = found.config;
      return snapshots.own(found.snapshot);
    },
    preview: ({ data }, weight) => previewDerived(context, derivedData.parse(data), { release, weight, config }),
    async prepare(snapshot, weight, signal) {
      await prepareDerived(context, await dataToWrite(snapshot, signal), { release, weight }, signal);
    },
    async promote(snapshot, learn, signal) {
      const data = await snapshots.read(snapshot, signal);
      if (data.variant === 'derived' && !snapshots.isOwn(snapshot))
        await confirmNewImages(context, data, release.images, signal);
      return concluding.promote(snapshot, learn, signal);
    },
  };
}

/**
 * Concludes a rollout of either kind of arms by its record alone.
 *
 * @param workload that the inputs name: the stable arm
 */
export function recordedArms(
  options: ArmsOptions,
  named: { readonly kind: WorkloadKind; readonly name: string },
): ConcludingArms {
  const context = createContext(options);
  return concludingArms(context, createArmsSnapshots(context, { stable: named, canary: 'any' }));
}

const anyData = z.discriminatedUnion('variant', [existingData, derivedData]);
type AnyData = z.infer<typeof anyData>;

type Snapshots = ReturnType<typeof createArmsSnapshots>;

function createArmsSnapshots(context: ArmsContext, inputs: NamedArms) {
  return createSnapshots<ArmsSnapshot, AnyData>(
    (snapshot) => {
      const data = tryShape(anyData, snapshot.data);
      if (data) return data;
      throw unreadable(context);
    },
    (data, _, signal) =>
      data.variant === 'derived'
        ? confirmDerived(context, data, inputs, signal)
        : confirmExisting(context, data, inputs, signal),
  );
}

/**
 * The functions that need nothing but the snapshot: a run concludes what an earlier one has left in the record, even if the
 * earlier one had other inputs.
 */
function concludingArms(
  context: ArmsContext,
  snapshots: Snapshots,
): Omit<Arms, 'permissions' | 'inspect' | 'preview' | 'prepare'> {
  const dataOf = snapshots.read;
  /** Checks as well that the rollout has written what is to be undone. */
  async function dataToUndo(snapshot: ArmsSnapshot, signal: AbortSignal): Promise<AnyData> {
    const data = await dataOf(snapshot, signal);
    if (data.variant === 'derived' && !snapshots.isOwn(snapshot)) await confirmPromoted(context, data, signal);
    return data;
  }
  return {
    async confirm(snapshot, _isSameRelease, signal) {
      await dataOf(snapshot, signal);
    },
    async health(snapshot, arm, signal) {
      return (await context.view((await dataOf(snapshot, signal))[arm]).look(signal)).health;
    },
    async reach(snapshot, arm, signal) {
      return reachOf(context, (await dataOf(snapshot, signal))[arm], signal);
    },
    async podDetails(snapshot, arm, signal) {
      const data = await dataOf(snapshot, signal);
      return podDetails(context, await context.view(data[arm]).look(signal), signal);
    },
    async promote(snapshot, learn, signal) {
      const data = await dataOf(snapshot, signal);
      const learnData = (learned: DerivedData) => learn(snapshots.own({ ...snapshot, data: asJson(learned) }));
      if (data.variant === 'derived') await promoteDerived(context, data, learnData, signal);
      else if (data.returns) await awaitDeployed(context, data, signal);
      else await prepareExisting(context, data, 100, signal);
      return { routeBackToStable: data.variant === 'derived' || data.returns !== undefined };
    },
    async relinquish(snapshot, signal) {
      const data = await dataOf(snapshot, signal);
      if (data.variant === 'existing') await relinquishExisting(context, data, signal);
    },
    async undoPromotion(snapshot, signal) {
      const data = await dataToUndo(snapshot, signal);
      if (data.variant === 'derived') await undoDerivedPromotion(context, data, signal);
    },
    async verify(snapshot, signal) {
      const data = await dataOf(snapshot, signal);
      return data.variant === 'derived' ? verifyDerived(context, data, signal) : verifyExisting(context, data, signal);
    },
    async verifyUndone(snapshot, signal) {
      const data = await dataOf(snapshot, signal);
      return data.variant === 'derived' ? verifyDerivedUndone(context, data, signal) : undefined;
    },
    async retire(snapshot, signal) {
      const data = await dataOf(snapshot, signal);
      return data.variant === 'derived' ? retireDerived(context, data, signal) : retireExisting(context, data, signal);
    },
    async undo(snapshot, signal) {
      const data = await dataToUndo(snapshot, signal);
      if (data.variant === 'derived') return undoDerived(context, data, signal);
      await undoExisting(context, data, signal);
      return { left: [], others: [] };
    },
  };
}

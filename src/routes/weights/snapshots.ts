import type * as z from 'zod';
import type { RouteSnapshot } from '../../canary/ports.ts';
import { isRecord, tryShape } from '../../core/json.ts';
import { type RecordPlace, recordRefusal } from '../../ledger/record-refusal.ts';

interface SnapshotOptions<Data extends object> {
  /** The record that a snapshot may come from. */
  readonly place: RecordPlace;
  readonly router: string;
  /** `VirtualService shop/checkout`: the route of the inputs. */
  readonly object: string;
  readonly shape: z.ZodType<Data>;
  /**
   * Takes from the record what the route itself confirms; takes the rest from the route.
   *
   * @throws SluiceError `unsupported` by `refuse` for what can't be confirmed
   */
  confirm(data: Data, signal: AbortSignal): Promise<Data>;
}

/**
 * The data of snapshots. Trusts snapshots that this process has made. One from a record is confirmed by the inputs and the
 * route before its first use, as anyone who may write a ConfigMap could have written it.
 */
export function createSnapshots<Data extends object>({ place, router, object, shape, confirm }: SnapshotOptions<Data>) {
  const made = new WeakSet<object>();
  const known = new WeakMap<RouteSnapshot, Data>();

  function refuseOther(snapshot: RouteSnapshot): void {
    if (snapshot.router !== router || snapshot.object !== object)
      throw recordRefusal(
        place,
        `is of a rollout on ${snapshot.object} (router ${snapshot.router}), and the inputs name ${object} (router ${router}).`,
      );
    // No rollout begins on a route that already sends requests to the canary.
    if (snapshot.weight !== 0)
      throw recordRefusal(
        place,
        `says that ${object} had a canary weight of ${snapshot.weight} % before the rollout, which begins at 0 % only.`,
      );
  }

  return {
    own(snapshot: RouteSnapshot): RouteSnapshot {
      if (isRecord(snapshot.data)) made.add(snapshot.data);
      return snapshot;
    },
    read,
    /** As `Router.verifyRecorded`. */
    async verify(snapshot: RouteSnapshot, signal: AbortSignal): Promise<void> {
      await read(snapshot, signal);
    },
  };

  /** @throws SluiceError `unsupported` for a record that the inputs and the route do not confirm */
  async function read(snapshot: RouteSnapshot, signal: AbortSignal): Promise<Data> {
    const before = known.get(snapshot);
    if (before !== undefined) return before;
    const said = tryShape(shape, snapshot.data);
    if (said === undefined)
      throw recordRefusal(place, `does not say of ${object} in a form that can be read what it was.`);
    const isOwn = isRecord(snapshot.data) && made.has(snapshot.data);
    if (!isOwn) refuseOther(snapshot);
    const data = isOwn ? said : await confirm(said, signal);
    known.set(snapshot, data);
    return data;
  }
}

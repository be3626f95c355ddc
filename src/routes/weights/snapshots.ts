import type * as z from 'zod';
import type { RouteSnapshot } from '../../canary/ports.ts';
import { tryShape } from '../../core/json.ts';
import { type RecordPlace, recordRefusal } from '../../ledger/record-refusal.ts';
import { createSnapshots } from '../../ledger/snapshots.ts';

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

/** The data of a route's snapshots, which the inputs and the route confirm. */
export function createRouteSnapshots<Data extends object>(options: SnapshotOptions<Data>) {
  const { place, router, object, shape, confirm } = options;

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

  const snapshots = createSnapshots<RouteSnapshot, Data>(
    ({ data }) => {
      const said = tryShape(shape, data);
      if (said !== undefined) return said;
      throw recordRefusal(place, `does not say of ${object} in a form that can be read what it was.`);
    },
    async (said, snapshot, signal) => {
      refuseOther(snapshot);
      return confirm(said, signal);
    },
  );

  return {
    ...snapshots,
    /** As `Router.verifyRecorded`. */
    async verify(snapshot: RouteSnapshot, signal: AbortSignal): Promise<void> {
      await snapshots.read(snapshot, signal);
    },
  };
}

import type { Counted, World } from '../../canary/world.ts';
import type { ObserveShare } from '../../routes/weights/share.ts';

/** Keeps the latest counts, so that a router can compare the share of requests with the weight. */
export function observedShare(): Pick<World, 'counted'> & { readonly observe: ObserveShare } {
  let last: Counted | undefined;
  return {
    counted(total) {
      last = total;
    },
    /** Undefined where nothing is counted, as when only the rest of an earlier rollout is undone. */
    observe: async () =>
      last && {
        canary: last.canary.requests,
        total: last.canary.requests + last.stable.requests,
        canaryUnmeasured: last.canaryUnmeasured,
      },
  };
}

import type { Emit, Tallies } from '../canary/events.ts';
import type { ObserveShare } from '../routers/share.ts';

const nothing: Tallies = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } };

/**
 * Keeps what the last evaluation has counted, so that a router can compare the share of requests with the weight. Only a
 * step is compared: while a promotion or an undo moves the route back, its last count would be waited on in vain.
 */
export function observedShare(emit: Emit): { readonly emit: Emit; readonly observe: ObserveShare } {
  let last: Tallies | undefined;
  return {
    emit(event) {
      if (event.type === 'step-entered') last ??= nothing;
      // The judge goes on counting until the promotion is made.
      if (event.type === 'interval' && last) last = event.total;
      if (event.type === 'restoring' || event.type === 'promoting') last = undefined;
      emit(event);
    },
    async observe() {
      if (!last) return undefined;
      return { canary: last.canary.requests, total: last.canary.requests + last.stable.requests };
    },
  };
}

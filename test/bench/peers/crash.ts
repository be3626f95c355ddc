import { setTimeout as sleep } from 'node:timers/promises';
import type { Shop } from './shop.ts';

/** Milliseconds from the first request to the canary until its pods crash. */
const AFTER = 5_000;
/** Milliseconds between two rounds: a container that comes back ends again, and the kubelet sees a crash loop. */
const AGAIN = 300;

/** What has answered with the new version so far. */
export interface Canary {
  readonly pods: Set<string>;
  firstAt: number | undefined;
}

/** Ends the processes of the canary's pods once it has served for a while, and again whenever they are back. */
export function crashLater({ api, namespace }: Shop, canary: Canary) {
  const stopped = new AbortController();
  let crashedAt: number | undefined;

  async function crash(): Promise<void> {
    while (!stopped.signal.aborted) {
      await sleep(crashedAt === undefined ? 20 : AGAIN, undefined, { signal: stopped.signal }).catch(() => undefined);
      if (canary.firstAt === undefined || Date.now() - canary.firstAt < AFTER) continue;
      crashedAt ??= Date.now();
      // A pod that is down gives no answer, and none that is up gives a good one.
      await Promise.allSettled(
        [...canary.pods].map((pod) =>
          api.post(`/api/v1/namespaces/${namespace}/pods/${pod}:8080/proxy/knobs?crash=true`),
        ),
      );
    }
  }

  const running = crash();
  return {
    /** When it began. */
    at: () => crashedAt,
    async stop() {
      stopped.abort();
      await running;
    },
  };
}

import * as z from 'zod';
import type { Api } from '../../../lab/cluster/kubernetes.ts';

/** The canary's weight in per cent that a VirtualService got, and when that was seen. */
export interface Shift {
  readonly at: number;
  readonly weight: number;
}

const event = z.looseObject({
  object: z.looseObject({
    metadata: z.looseObject({ namespace: z.string().default('') }).prefault({}),
    spec: z
      .looseObject({
        http: z
          .array(
            z.looseObject({
              route: z
                .array(
                  z.looseObject({
                    destination: z.looseObject({ host: z.string(), subset: z.string().optional() }),
                    weight: z.number().default(0),
                  }),
                )
                .default([]),
            }),
          )
          .default([]),
      })
      .prefault({}),
  }),
});

/** Follows the weights of all VirtualServices until the signal aborts: no tool's own word for it is needed. */
export function watchRoutes(api: Api, signal: AbortSignal) {
  const shifts = new Map<string, Shift[]>();

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      for await (const line of api.watch('/apis/networking.istio.io/v1/virtualservices', signal)) {
        const { metadata, spec } = event.parse(line).object;
        const routes = spec.http.flatMap(({ route }) => route);
        const canary = routes.find(
          ({ destination: { host, subset } }) => host.startsWith('checkout-canary') || subset === 'canary',
        );
        const known = shifts.get(metadata.namespace) ?? [];
        shifts.set(metadata.namespace, known);
        const weight = canary?.weight ?? 0;
        if (known.at(-1)?.weight !== weight) known.push({ at: Date.now(), weight });
      }
    }
  }

  return {
    ended: follow().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    }),
    of: (namespace: string): readonly Shift[] => shifts.get(namespace) ?? [],
  };
}

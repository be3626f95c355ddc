import type { Meter } from '../canary/ports.ts';
import type { KubernetesClient } from '../cluster/client.ts';
import type { Clock } from '../core/clock.ts';
import { createNoMeter } from './none.ts';
import { createPodsMeter, type PodsOptions } from './pods/meter.ts';
import { createPrometheusMeter, type PrometheusOptions } from './prometheus/meter.ts';

export type { Meter } from '../canary/ports.ts';

/** Where the requests of both arms are counted, and with which metrics. */
export type MeterOptions = PrometheusOptions | PodsOptions | { readonly kind: 'none' };

/** What a meter needs from the process. */
export interface MeterWorld {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends background work: the watch for pods. */
  readonly signal: AbortSignal;
}

/** @throws SluiceError `invalid-input` for options that contradict each other, before the first request. */
export function createMeter(options: MeterOptions, world: MeterWorld): Meter {
  if (options.kind === 'none') return createNoMeter();
  return options.kind === 'prometheus' ? createPrometheusMeter(options, world) : createPodsMeter(options, world);
}

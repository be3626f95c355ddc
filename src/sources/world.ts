import type { Clock } from '../core/clock.ts';
import type { RemoteWorld } from '../remote/connection.ts';

/** What sources need from the process. */
export interface SourceWorld extends RemoteWorld {
  readonly clock: Clock;
}

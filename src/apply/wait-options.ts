import type { KubernetesClient } from '../cluster/client.ts';
import type { ObjectReference } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { WaitEvent } from './events.ts';

export interface WaitOptions {
  readonly client: KubernetesClient;
  readonly references: readonly ObjectReference[];
  readonly clock: Clock;
  /** When to give up, in milliseconds since the Unix epoch. */
  readonly deadline: number;
  readonly emit: (event: WaitEvent) => void;
  /** Restarts of a container before its crash loop counts; by default that of the policy. */
  readonly maxRestarts?: number;
  /** Objects as they were just written: a Job may be deleted before the first look. */
  readonly written?: readonly KubernetesObject[];
}

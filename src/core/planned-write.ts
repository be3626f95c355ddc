import type { Json } from './json.ts';

/** An object as a dry run shows it: what is there and what would be. */
export interface PlannedWrite {
  /** `VirtualService shop/checkout` */
  readonly object: string;
  readonly action: 'create' | 'update' | 'delete';
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

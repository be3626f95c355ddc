import type { Json } from './json.ts';

/** An object in a dry run, before and after the write. */
export interface PlannedWrite {
  /** `VirtualService shop/checkout` */
  readonly object: string;
  readonly action: 'create' | 'update' | 'delete';
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

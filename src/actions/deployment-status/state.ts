import * as z from 'zod';
import type { SavedState } from '../../runner/define.ts';

const begun = z.object({
  /** Absent while the deployment is being created. */
  deployment: z.number().optional(),
  /** The status that `main` set: while it is the latest one, the end was not reported. */
  status: z.number().optional(),
});
export type Begun = z.infer<typeof begun>;

/** What `main` leaves for `post`. */
export const begunState: SavedState<Begun> = { name: 'sluice-deployment', schema: begun };

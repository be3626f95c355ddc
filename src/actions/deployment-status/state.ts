import * as z from 'zod';
import type { SavedState } from '../../runner/define.ts';

const begun = z.object({
  /** Absent while the deployment is being made. */
  deployment: z.number().optional(),
  /** The status that `main` told: while it is the last one, nobody has told how it ended. */
  status: z.number().optional(),
});
export type Begun = z.infer<typeof begun>;

/** What `main` leaves for `post`. */
export const begunState: SavedState<Begun> = { name: 'sluice-deployment', schema: begun };

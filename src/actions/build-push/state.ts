import * as z from 'zod';
import type { SavedState } from '../../runner/define.ts';

/** What `main` leaves for `post` to remove. It contains no secret. */
const schema = z.object({
  /** Folder with the login and the secrets of the run. */
  scratch: z.string(),
  /** A builder that was created for the run. */
  builder: z.string().optional(),
});
export type BuildState = Readonly<z.infer<typeof schema>>;

export const buildState: SavedState<BuildState> = { name: 'sluice-build', schema };

import * as z from 'zod';

/** What `main` leaves for `post` to clear up. It holds no secret. */
const buildState = z.object({
  /** Folder with login and secrets of the run. */
  scratch: z.string(),
  /** A builder that was made for the run. */
  builder: z.string().optional(),
});
export type BuildState = Readonly<z.infer<typeof buildState>>;

const NAME = 'sluice-build';

export function saveBuildState(saveState: (name: string, value: string) => void, state: BuildState): void {
  saveState(NAME, JSON.stringify(state));
}

/** Undefined where `main` did not get as far as to save one: then there is nothing to clear up. */
export function loadBuildState(getState: (name: string) => string): BuildState | undefined {
  const saved = getState(NAME);
  return saved === '' ? undefined : buildState.parse(JSON.parse(saved));
}

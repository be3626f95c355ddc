/**
 * Whether `main` has left something to `post`. The runner starts `post` after every `main`, and most of those came to their end:
 * for them nothing of what concludes a release has to be loaded.
 *
 * @param env the runner gives back as `STATE_sluice` what `saveRunState` has saved last
 */
export function isUnfinished({ STATE_sluice: saved = '' }: Readonly<Record<string, string | undefined>>): boolean {
  if (saved === '') return false;
  try {
    const state: { readonly over?: unknown } = JSON.parse(saved);
    return state.over !== true;
  } catch {
    // Post tells what is wrong with it.
    return true;
  }
}

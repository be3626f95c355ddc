/**
 * Whether `main` has left something to `post`. The runner starts `post` after every `main`, and most runs are over by then:
 * for them, no code that concludes a release has to be loaded.
 *
 * @param env holds what was saved last, as `STATE_sluice` or `STATE_sluice-build`
 */
export function isUnfinished(env: Readonly<Record<string, string | undefined>>): boolean {
  return Object.entries(env).some(([name, saved = '']) => name.startsWith('STATE_sluice') && saysUnfinished(saved));
}

function saysUnfinished(saved: string): boolean {
  if (saved === '') return false;
  try {
    const state: { readonly over?: unknown } = JSON.parse(saved);
    return state.over !== true;
  } catch {
    // `post` reports what is wrong with the state.
    return true;
  }
}

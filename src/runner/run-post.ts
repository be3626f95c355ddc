import type { Action, Environment } from './define.ts';
import { isUnfinished } from './unfinished.ts';

/** Runs `post` of an action; loads the action only if its `main` has left something to do. */
export async function runPost<Inputs, Output extends string, Event, Report, State>(
  env: Environment,
  load: () => Promise<{ readonly action: Action<Inputs, Output, Event, Report, State> }>,
): Promise<void> {
  if (!isUnfinished(env)) return;
  const [{ action }, { run }] = await Promise.all([load(), import('./run.ts')]);
  await run(action, 'post', env);
}

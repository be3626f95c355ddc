import { listenForCancellation } from './cancellation.ts';
import type { Action, Environment, Step } from './define.ts';
import { runPlain } from './run-plain.ts';
import { runReported } from './run-reported.ts';

/** Runs a step of an action, from its inputs to the exit status of the process. */
export async function run<Inputs, Output extends string, Event, Report, State>(
  action: Action<Inputs, Output, Event, Report, State>,
  step: Step,
  env: Environment,
): Promise<void> {
  // Only `main` is cancelled: nothing undoes after `post`, so `post` goes on until it is killed.
  using cancellation = step === 'main' ? listenForCancellation(process) : undefined;
  const launch = { step, env, signal: cancellation?.cancelled ?? new AbortController().signal };
  await ('report' in action ? runReported(action, launch) : runPlain(action, launch));
}

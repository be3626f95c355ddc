import { getState, saveState } from '@actions/core';
import { messageOf } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import type { PlainAction } from './define.ts';
import { type Launch, openRun } from './open-run.ts';

/** Runs a step of an action that sets its outputs itself. */
export async function runPlain<Inputs, Output extends string, State>(
  action: PlainAction<Inputs, Output, State>,
  launch: Launch,
): Promise<void> {
  const { state, main, post } = action;
  const saved = launch.step === 'post' && state ? getState(state.name) : '';
  if (launch.step === 'post' && saved === '') return;
  const opened = await openRun(action, launch);
  if (!opened) return;
  const run = {
    ...opened,
    save: (value: State) => {
      if (state) saveState(state.name, JSON.stringify(value));
    },
  };
  try {
    if (launch.step === 'main') await main(run);
    else if (state && post) await post(run, state.schema.parse(parseJson(saved)));
  } catch (error) {
    run.fail(messageOf(error));
  }
}

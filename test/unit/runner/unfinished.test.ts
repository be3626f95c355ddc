import { expect, it } from 'vitest';
import { saveRunState } from '../../../src/runner/state.ts';
import { isUnfinished } from '../../../src/runner/unfinished.ts';

/** The environment of `post` after `main` has saved a state, as the runner makes it. */
function afterMain(over: boolean): Record<string, string> {
  const env: Record<string, string> = {};
  const saveState = (name: string, value: string) => {
    env[`STATE_${name}`] = value;
  };
  saveRunState({ saveState }, { id: '1-release', over, report: '/tmp/"over": true.json' }, (text) => text);
  return env;
}

it('post has something to do after a main that was stopped, and nothing after one that ended or never began', () => {
  expect(isUnfinished(afterMain(false))).toBe(true);
  expect(isUnfinished(afterMain(true))).toBe(false);
  expect(isUnfinished({})).toBe(false);
  expect(isUnfinished({ STATE_sluice: 'not JSON' })).toBe(true);
});

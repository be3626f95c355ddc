import { describe, expect, it } from 'vitest';
import { childEnvironment, jobTokens } from '../../../src/core/child-environment.ts';

const job = {
  PATH: '/bin',
  AWS_SESSION_TOKEN: 'of the user',
  INPUT_PASSWORD: 'p',
  input_password: 'p',
  STATE_sluice: 's',
  ACTIONS_ID_TOKEN_REQUEST_URL: 'https://token.example',
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'identity',
  ACTIONS_RUNTIME_TOKEN: 'cache',
  GITHUB_TOKEN: 'github',
  GH_TOKEN: 'github',
  UNSET: undefined,
};
const forAll = {
  PATH: '/bin',
  AWS_SESSION_TOKEN: 'of the user',
  ACTIONS_ID_TOKEN_REQUEST_URL: 'https://token.example',
};

describe('the environment of a program', () => {
  it('has what the workflow has put there, and nothing of the action and of the job', () => {
    expect(childEnvironment(job, [])).toEqual(forAll);
  });

  it.each([
    ['identity', { ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'identity' }],
    ['cache', { ACTIONS_RUNTIME_TOKEN: 'cache' }],
    ['github', { GITHUB_TOKEN: 'github', GH_TOKEN: 'github' }],
  ] as const)('has the token that it needs: %s', (token, added) => {
    expect(childEnvironment(job, [token])).toEqual({ ...forAll, ...added });
  });

  it('holds tokens that are known as secrets', () => {
    expect(jobTokens(job)).toEqual(['identity', 'cache', 'github', 'github']);
  });

  it('has what is added to it, over what was there', () => {
    expect(childEnvironment(job, [], { PATH: '/usr/bin', INPUT_OWN: 'meant' })).toEqual({
      ...forAll,
      PATH: '/usr/bin',
      INPUT_OWN: 'meant',
    });
  });
});

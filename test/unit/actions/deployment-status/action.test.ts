import { expect, it } from 'vitest';
import { unsafeGitHub } from '../../../../src/actions/deployment-status/action.ts';

it('a token for GitHub that can be read on its way is warned of', () => {
  expect(unsafeGitHub('http://ghe.example/api/v3')).toBe(
    'The credentials of GitHub are sent to http://ghe.example without TLS: whoever is on the way can read and use them. Give "api-url" an https:// address.',
  );
  expect(unsafeGitHub('https://api.github.com')).toBeUndefined();
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Credentials } from '../../../src/cluster/credentials.ts';
import { sealOf } from '../../../src/ledger/seal.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-seal-'));
  await writeFile(join(folder, 'client.key'), 'k'.repeat(200));
});
afterAll(() => rm(folder, { recursive: true }));

/** The seal of a process with these credentials. */
function sealBy(user: object, env: Readonly<Record<string, string>> = {}) {
  const credentials = new Credentials({
    context: { name: 'x', namespace: undefined },
    cluster: { name: 'c', server: 'https://kubernetes.example', skipTLSVerify: false },
    user: { name: 'u', ...user },
  });
  return sealOf(credentials, env);
}

const long = (sign: string) => sign.repeat(40);

describe('a seal', () => {
  it.each([
    ['a key in the kubeconfig', () => ({ keyData: long('a') }), {}],
    ['the file of a key', () => ({ keyFile: join(folder, 'client.key') }), {}],
    ['a token', () => ({ token: long('t') }), {}],
    ['a password', () => ({ username: 'u', password: long('p') }), {}],
    ['the token of the job, where a plugin gives the credentials', () => ({}), { ACTIONS_RUNTIME_TOKEN: long('j') }],
  ])('is known to another process with %s', (_, user, env) => {
    expect(sealBy(user(), env).verify('text', sealBy(user(), env).sign('text'))).toBe(true);
    expect(sealBy(user(), env).verify('another', sealBy(user(), env).sign('text'))).toBe(false);
  });

  it.each([
    ['another token', { token: long('t') }, { token: long('o') }],
    ['a token that can be guessed', { token: 'short' }, { token: 'short' }],
    ['a key that can not be read', { keyFile: '/nowhere/client.key' }, { keyFile: '/nowhere/client.key' }],
  ])('is not known to a process with %s', (_, one, other) => {
    expect(sealBy(other).verify('text', sealBy(one).sign('text'))).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { Credentials } from '../../../src/cluster/credentials.ts';
import { unsafeCluster } from '../../../src/runner/cluster.ts';

describe('the credentials of a kubeconfig', () => {
  function configOf(cluster: { readonly server: string; readonly skipTLSVerify?: boolean }, user: object): Credentials {
    return new Credentials({
      context: { name: 'x', namespace: undefined },
      cluster: { name: 'c', skipTLSVerify: false, ...cluster },
      user: { name: 'u', ...user },
    });
  }

  it.each([
    ['without TLS', { server: 'http://kubernetes.example', skipTLSVerify: true }, /without TLS/],
    ['to whoever answers', { server: 'https://kubernetes.example', skipTLSVerify: true }, /not verified/],
  ])('are warned of: %s', (_, cluster, says) => {
    expect(unsafeCluster(configOf(cluster, { token: 't' }))).toMatch(says);
  });

  it('are nothing to warn of where there are none, and where they are safe', () => {
    expect(unsafeCluster(configOf({ server: 'http://kubernetes.example' }, {}))).toBeUndefined();
    expect(unsafeCluster(configOf({ server: 'https://kubernetes.example' }, { token: 't' }))).toBeUndefined();
  });
});

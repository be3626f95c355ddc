import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { unsafeCluster } from '../../../src/runner/cluster.ts';

describe('the credentials of a kubeconfig', () => {
  function configOf(cluster: object, user: object): KubeConfig {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'c', ...cluster }],
      users: [{ name: 'u', ...user }],
      contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
      currentContext: 'x',
    });
    return config;
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

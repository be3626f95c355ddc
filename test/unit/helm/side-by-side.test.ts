import { describe, expect, it } from 'vitest';
import { besideEachOther } from '../../../src/helm/side-by-side.ts';

function deployment(
  name: string,
  selector: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
) {
  const template = { metadata: { labels: { ...selector, ...more } } };
  const spec = { selector: { matchLabels: selector }, template };
  return JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec });
}

describe('besideEachOther', () => {
  it('names the workloads of both sides', () => {
    const stable = deployment('checkout', { app: 'checkout', instance: 'stable' });
    const canary = deployment('checkout-canary', { app: 'checkout', instance: 'canary' });
    expect(besideEachOther(stable, canary)).toEqual({
      stable: 'deployment/checkout',
      canary: 'deployment/checkout-canary',
    });
  });

  it.each([
    ['the same selector', { app: 'checkout' }, {}],
    ['a selector of the canary that fits the pods of both', { tier: 'web' }, { app: 'other' }],
    ['pods of the canary that fit the selector of the release', { instance: 'canary' }, { app: 'checkout' }],
  ])('refuses %s', (_, selector, more) => {
    const stable = deployment('checkout', { app: 'checkout' }, { tier: 'web' });
    expect(() => besideEachOther(stable, deployment('checkout-canary', selector, more))).toThrow('mixed up');
  });

  it('refuses a release without a workload', () => {
    const stable = deployment('checkout', { app: 'checkout' });
    expect(() => besideEachOther(stable, '')).toThrow('the canary release: has no Deployment');
  });
});

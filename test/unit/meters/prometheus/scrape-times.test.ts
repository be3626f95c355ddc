import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dueTimes, targetSelector } from '../../../../src/meters/prometheus/scrape-times.ts';
import { equal, like, NAME } from '../../../../src/meters/series/selector.ts';

describe('the times of the next scrapes', () => {
  test('go on from the newest measurement of each process', () => {
    const stable = [
      { instance: 'a', at: 1_000 },
      { instance: 'a', at: 6_000 },
      { instance: 'b', at: 8_000 },
    ];
    expect(dueTimes({ stable, canary: [] }, 5_000, 9_000)).toEqual({
      stable: [11_000, 13_000, 16_000, 18_000],
      canary: [],
    });
  });

  test('leave out scrapes that were missed', () => {
    const canary = [{ instance: 'a', at: 1_000 }];
    expect(dueTimes({ stable: [], canary }, 5_000, 21_000)).toMatchObject({ canary: [26_000, 31_000] });
  });

  test('keep the phase of the target and lie after now, not later than two intervals', () => {
    const whole = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(whole, whole, fc.integer({ min: 100, max: 60_000 }), (at, now, interval) => {
        const { canary } = dueTimes({ stable: [], canary: [{ instance: 'a', at }] }, interval, now);
        expect(canary).toHaveLength(2);
        for (const time of canary) {
          expect((time - at) % interval).toBe(0);
          expect(time).toBeGreaterThan(now);
          if (at <= now) expect(time).toBeLessThanOrEqual(now + 2 * interval);
        }
      }),
    );
  });
});

describe('the scrapes of the canary’s pods', () => {
  const rule = (selector: ReturnType<typeof equal>[]) =>
    ({ arm: 'canary', kind: 'requests', selector, perSecond: 1 }) as const;

  test('are asked for by the names of the pods', () => {
    const selector = [
      equal(NAME, 'http_requests_total'),
      equal('namespace', 'shop'),
      like('pod', 'checkout-canary-.*'),
    ];
    expect(targetSelector([rule([...selector, like('code', '5..')])])).toEqual([
      equal(NAME, 'up'),
      equal('namespace', 'shop'),
      like('pod', 'checkout-canary-.*'),
    ]);
  });

  test('are those of the gateway where that counts', () => {
    expect(targetSelector([rule([equal(NAME, 'istio_requests_total'), equal('namespace', 'shop')])])).toBeUndefined();
  });
});

import { describe, expect, test } from 'vitest';
import type { Clock } from '../../../../src/core/clock.ts';
import { SluiceError } from '../../../../src/core/errors.ts';
import { confirmWith } from '../../../../src/routes/weights/confirm.ts';
import { createShareMemory, type ObserveShare } from '../../../../src/routes/weights/share.ts';

/** A clock that passes at once what is slept. */
function virtualClock(onSleep: (now: number) => void = () => undefined): Clock {
  let now = 0;
  return {
    now: () => now,
    async sleep(milliseconds, signal) {
      signal.throwIfAborted();
      now += milliseconds;
      onSleep(now);
      signal.throwIfAborted();
    },
  };
}

const never = new AbortController().signal;
const readBack = async () => ({ followed: true as const, evidence: 'read back' });

/** A gateway that serves so many requests a second, whose canary share becomes `after` at `follows` milliseconds. */
function gateway(clock: Clock, perSecond: number, before: number, after: number, follows: number): ObserveShare {
  return async () => {
    const now = clock.now();
    const early = (Math.min(now, follows) / 1_000) * perSecond;
    const late = (Math.max(now - follows, 0) / 1_000) * perSecond;
    return { total: Math.round(early + late), canary: Math.round(early * before + late * after) };
  };
}

describe('confirming a shift', () => {
  test('waits for the report of the route', async () => {
    const clock = virtualClock();
    const look = async () =>
      clock.now() < 1_000 ? { awaits: 'the gateway' } : { followed: true as const, evidence: 'generation 7 observed' };
    const { evidence } = await confirmWith({ about: 'HTTPRoute shop/checkout', weight: 25, clock }, never, look);
    expect(evidence).toBe('generation 7 observed');
    expect(clock.now()).toBe(1_000);
  });

  test('then compares the share of requests with the weight', async () => {
    const clock = virtualClock();
    const observeShare = gateway(clock, 200, 0, 0.25, 0);
    const { evidence } = await confirmWith({ about: 'route', weight: 25, clock, observeShare }, never, readBack);
    expect(evidence).toMatch(/^read back; 25\.\d % of \d+ requests reached the canary$/);
  });

  test('asks for the route once before and once after the share fits', async () => {
    const clock = virtualClock();
    const observeShare = gateway(clock, 1_000, 0, 0.5, 4_000);
    const looks: number[] = [];
    const look = async () => {
      looks.push(clock.now());
      return { followed: true as const, evidence: 'read back' };
    };
    await confirmWith({ about: 'route', weight: 50, clock, observeShare }, never, look);
    expect(looks).toEqual([0, clock.now()]);
  });

  test('sees the share of arms that are measured at different moments', async () => {
    const clock = virtualClock();
    // Each arm is scraped every 5 s, the canary 2 s after stable: 250 requests each time.
    const scrapes = (offset: number) => Math.floor((clock.now() + offset) / 5_000);
    const observeShare: ObserveShare = async () => {
      const canary = 250 * scrapes(1_000);
      return { canary, total: canary + 250 * scrapes(3_000) };
    };
    const { evidence } = await confirmWith({ about: 'route', weight: 50, clock, observeShare }, never, readBack);
    expect(evidence).toBe('read back; 50.0 % of 500 requests reached the canary');
    expect(clock.now()).toBeLessThan(6_000);
  });

  test('notices a route that is changed while the share does not fit', async () => {
    const clock = virtualClock();
    const observeShare = gateway(clock, 1_000, 0, 0, 0);
    const look = async () => {
      if (clock.now() > 1_000) throw new SluiceError('foreign-edit', { about: 'route', problem: 'changed.', next: '' });
      return { followed: true as const, evidence: 'read back' };
    };
    const confirmed = confirmWith({ about: 'route', weight: 50, clock, observeShare }, never, look);
    await expect(confirmed).rejects.toMatchObject({ code: 'foreign-edit' });
    expect(clock.now()).toBeLessThanOrEqual(5_250);
  });

  test('leaves out the requests from before the data plane followed', async () => {
    const clock = virtualClock();
    const observeShare = gateway(clock, 1_000, 0, 0.5, 5_000);
    await confirmWith({ about: 'route', weight: 50, clock, observeShare }, never, readBack);
    expect(clock.now()).toBeGreaterThan(5_000);
    expect(clock.now()).toBeLessThan(6_500);
  });

  test.each([
    [0, 0],
    [100, 1],
    [1, 0.01],
    [99, 0.99],
  ])('sees a weight of %d %%', async (weight, share) => {
    const clock = virtualClock();
    const observeShare = gateway(clock, 2_000, share, share, 0);
    const { evidence } = await confirmWith({ about: 'route', weight, clock, observeShare }, never, readBack);
    expect(evidence).toContain('reached the canary');
  });

  test('goes on after a while with hardly any requests, and says so', async () => {
    const clock = virtualClock();
    const observeShare = gateway(clock, 1, 0, 0.25, 0);
    const { evidence } = await confirmWith({ about: 'route', weight: 25, clock, observeShare }, never, readBack);
    expect(evidence).toBe('read back; 10 requests were too few to compare shares');
  });

  test('does not wait where nobody counts requests', async () => {
    const clock = virtualClock();
    const observeShare = async () => undefined;
    const { evidence } = await confirmWith({ about: 'route', weight: 25, clock, observeShare }, never, readBack);
    expect(evidence).toBe('read back; nobody counts requests at present');
    expect(clock.now()).toBe(0);
  });

  test('leaves out what was counted before the first look', async () => {
    const clock = virtualClock();
    const counts = gateway(clock, 1_000, 0.5, 0.5, 0);
    const observeShare: ObserveShare = async (signal) => {
      const now = await counts(signal);
      return now && { total: now.total + 1_000_000, canary: now.canary };
    };
    await confirmWith({ about: 'route', weight: 50, clock, observeShare }, never, readBack);
    expect(clock.now()).toBeLessThan(1_000);
  });

  test.each([
    [1, 0],
    [5, 0],
    [25, 0.05],
    [50, 0.25],
    [100, 0.5],
    [0, 0.05],
  ])('does not take a weight of %d %% for reached while the canary gets %d of the requests', async (weight, share) => {
    const deadline = new AbortController();
    const clock = virtualClock((now) => {
      if (now > 8_000) deadline.abort(new DOMException('too late', 'TimeoutError'));
    });
    const observeShare = gateway(clock, 2_000, share, share, 0);
    const confirmed = confirmWith({ about: 'route', weight, clock, observeShare }, deadline.signal, readBack);
    await expect(confirmed).rejects.toHaveProperty('code', 'not-confirmed');
  });

  test('is refused at the deadline, with what was awaited', async () => {
    const deadline = new AbortController();
    const clock = virtualClock((now) => {
      if (now > 20_000) deadline.abort(new DOMException('too late', 'TimeoutError'));
    });
    const observeShare = gateway(clock, 1_000, 0, 0, 0);
    const confirmed = confirmWith(
      { about: 'VirtualService shop/checkout', weight: 25, clock, observeShare },
      deadline.signal,
      readBack,
    );
    await expect(confirmed).rejects.toMatchObject({
      code: 'not-confirmed',
      about: 'VirtualService shop/checkout',
      problem: expect.stringContaining('0.0 % of 250 requests reached the canary, where 25 % are expected'),
    });
  });

  test('says what was awaited also when the deadline is a named error already', async () => {
    const reason = new SluiceError('not-confirmed', { about: 'route', problem: 'too late.', next: '' });
    const confirmed = confirmWith(
      { about: 'route', weight: 25, clock: virtualClock() },
      AbortSignal.abort(reason),
      async () => ({
        awaits: 'Gateway infra/public to accept it',
      }),
    );
    await expect(confirmed).rejects.toThrow(/still awaits Gateway infra\/public to accept it/);
  });

  test('ends with the reason of a cancellation', async () => {
    const reason = new SluiceError('cancelled', { about: 'job', problem: 'was cancelled.', next: '' });
    const look = async () => ({ awaits: 'the gateway' });
    const confirmed = confirmWith(
      { about: 'route', weight: 25, clock: virtualClock() },
      AbortSignal.abort(reason),
      look,
    );
    await expect(confirmed).rejects.toBe(reason);
  });
});

describe('requests that do not come through the route', () => {
  /** Confirms one weight after the other, each within a time, while a part of all requests comes by the route. */
  async function confirmAll(
    weights: readonly number[],
    { perSecond, byRoute, within }: { perSecond: number; byRoute: (weight: number) => number; within: number },
  ) {
    let deadline = new AbortController();
    let end = Number.POSITIVE_INFINITY;
    const clock = virtualClock((now) => {
      if (now > end) deadline.abort(new DOMException('too late', 'TimeoutError'));
    });
    const served = { canary: 0, total: 0 };
    let weight = 0;
    let last = 0;
    const observeShare: ObserveShare = async () => {
      const requests = ((clock.now() - last) / 1_000) * perSecond;
      last = clock.now();
      served.total += requests;
      served.canary += requests * byRoute(weight) * (weight / 100);
      return { total: Math.round(served.total), canary: Math.round(served.canary) };
    };
    const shares = createShareMemory();
    const seen: { evidence: string; warning?: string }[] = [];
    for (const next of weights) {
      await observeShare(never);
      weight = next;
      deadline = new AbortController();
      end = clock.now() + within;
      const subject = { about: 'HTTPRoute shop/checkout', weight, clock, observeShare, shares };
      seen.push(await confirmWith(subject, deadline.signal, readBack));
    }
    return seen;
  }

  test.each([
    ['as many as by the route', 120, 0.5],
    ['four times as many', 400, 0.2],
    ['a few health checks', 60, 0.9],
    ['nearly all of them', 2_000, 0.05],
  ])('are no contradiction: %s', async (_, perSecond, part) => {
    const seen = await confirmAll([5, 25, 50, 100, 0], { perSecond, byRoute: () => part, within: 20_000 });
    expect(seen).toHaveLength(5);
    const share = Number(/([\d.]+) % of/.exec(seen[3]?.evidence ?? '')?.[1]);
    expect(share).toBeCloseTo(part * 100, 0);
  });

  test('are told once', async () => {
    const seen = await confirmAll([5, 25, 50, 100], { perSecond: 400, byRoute: () => 0.2, within: 20_000 });
    const told = seen.flatMap(({ warning }) => warning ?? []);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^1\.0 % of [\d,]+ requests reached the canary, where the route sends 5 %\..*calls inside/);
  });

  test('may become more or fewer meanwhile', async () => {
    const parts = new Map([
      [5, 0.5],
      [25, 0.8],
      [50, 0.6],
      [100, 0.7],
    ]);
    const byRoute = (weight: number) => parts.get(weight) ?? 1;
    expect(await confirmAll([5, 25, 50, 100], { perSecond: 200, byRoute, within: 20_000 })).toHaveLength(4);
  });

  test.each([
    ['does not get any', [5], (weight: number) => (weight >= 5 ? 0 : 1)],
    ['stays where it was', [5, 25], (weight: number) => (weight === 25 ? 0.2 : 1)],
    ['stays where it was, below the weight', [5, 25, 50], (weight: number) => (weight === 50 ? 0.25 : 0.5)],
    ['falls', [5, 25, 50], (weight: number) => (weight === 50 ? 0.2 : 1)],
  ])('explain nothing where the canary %s', async (_, weights, byRoute) => {
    const confirmed = confirmAll(weights, { perSecond: 400, byRoute, within: 20_000 });
    await expect(confirmed).rejects.toMatchObject({ code: 'not-confirmed', about: 'HTTPRoute shop/checkout' });
  });

  test('to the canary itself are one, and are named', async () => {
    const confirmed = confirmAll([5], { perSecond: 400, byRoute: () => 6, within: 20_000 });
    await expect(confirmed).rejects.toMatchObject({
      code: 'not-confirmed',
      problem: expect.stringContaining('30.0 % of 700 requests reached the canary, where 5 % are expected: something'),
    });
  });

  test('do not make up for a data plane that is only on its way, until there is no more time', async () => {
    const deadline = new AbortController();
    const clock = virtualClock((now) => {
      if (now > 10_000) deadline.abort(new DOMException('too late', 'TimeoutError'));
    });
    // One proxy after the other follows.
    const observeShare: ObserveShare = async () => {
      const seconds = clock.now() / 1_000;
      return { total: Math.round(seconds * 1_000), canary: Math.round(seconds ** 2 * 12) };
    };
    const shares = createShareMemory();
    const subject = { about: 'route', weight: 50, clock, observeShare, shares };
    const { evidence } = await confirmWith(subject, deadline.signal, readBack);
    expect(evidence).toContain('reached the canary');
    expect(clock.now()).toBeGreaterThan(500);
  });

  test('tell nothing of a canary that is not measured at all, which has other causes than the gateway', async () => {
    const deadline = new AbortController();
    const clock = virtualClock((now) => {
      if (now > 20_000) deadline.abort(new DOMException('too late', 'TimeoutError'));
    });
    const counts = gateway(clock, 1_000, 0, 0, 0);
    const observeShare: ObserveShare = async (signal) => {
      const now = await counts(signal);
      return now && { ...now, canaryUnmeasured: true };
    };
    const confirmed = confirmWith({ about: 'route', weight: 25, clock, observeShare }, deadline.signal, readBack);
    await expect(confirmed).rejects.toMatchObject({
      code: 'not-confirmed',
      about: 'the canary',
      problem: expect.stringMatching(/nothing of it was ever measured, while [\d,]+ requests of the stable version/),
      next: expect.stringMatching(/scraped .*policy/),
    });
  });
});

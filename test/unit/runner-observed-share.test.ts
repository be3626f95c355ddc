import { describe, expect, it } from 'vitest';
import type { RolloutEvent } from '../../src/canary/events.ts';
import { observedShare } from '../../src/runner/observed-share.ts';

const signal = new AbortController().signal;
const step = { weight: 10, least: 0, most: 1_000, early: false, hold: false };
const entered: RolloutEvent = { type: 'step-entered', at: 0, index: 0, step };
const promoting: RolloutEvent = { type: 'promoting', at: 0 };
const restoring: RolloutEvent = { type: 'restoring', at: 0, from: 10, to: 0, reason: 'a breach' };

function counted(stable: number, canary: number): RolloutEvent {
  const total = { stable: { requests: stable, errors: 0 }, canary: { requests: canary, errors: 0 } };
  return { type: 'interval', at: 0, weight: 10, interval: total, total, opinions: [], timeLeft: 0 };
}

/** What a router is told after these events. */
function observedAfter(...events: readonly RolloutEvent[]) {
  const share = observedShare(() => undefined);
  for (const event of events) share.emit(event);
  return share.observe(signal);
}

describe('The share of requests that reaches the canary', () => {
  it('is what the last evaluation of a step has counted', async () => {
    expect(await observedAfter(entered)).toEqual({ canary: 0, total: 0 });
    expect(await observedAfter(entered, counted(90, 10), counted(180, 20))).toEqual({ canary: 20, total: 200 });
  });

  it('is not compared while the route goes back, although the judge goes on until the promotion is made', async () => {
    expect(await observedAfter(entered, counted(90, 10), promoting, counted(90, 60))).toBeUndefined();
    expect(await observedAfter(entered, counted(90, 10), restoring, counted(90, 60))).toBeUndefined();
  });

  it('is not compared by a run that only finishes what another one began', async () => {
    expect(await observedAfter()).toBeUndefined();
  });

  it('is compared again in the rollout that follows an undo', async () => {
    expect(await observedAfter(restoring, entered, counted(9, 1))).toEqual({ canary: 1, total: 10 });
  });
});

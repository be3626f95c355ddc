import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStopCondition, parseStopRule, type StopRule } from '../../../../src/drills/measure/stop-condition.ts';
import type { Tally } from '../../../../src/drills/ports.ts';

const start = 1_700_000_000_000;

function ruleOf(text: string): StopRule {
  const rule = parseStopRule(text);
  if (rule === undefined) throw new Error('never');
  return rule;
}

const usual = ruleOf('success below 90% for 10s');

/** When a drill was stopped, in milliseconds from the start: asked at each tally and ten times a second. */
function stoppedAt(tallies: readonly Tally[], rule = usual, kind: 'own' | 'counted' = 'own'): number | undefined {
  const condition = createStopCondition(rule, kind);
  const told = tallies.toSorted((a, b) => a.to - b.to);
  const end = (told.at(-1)?.to ?? start) + 30_000;
  let next = 0;
  for (let now = start; now <= end; now += 100) {
    for (; next < told.length; next += 1) {
      const tally = told[next];
      if (tally === undefined || tally.to > now) break;
      condition.tally(tally);
      if (condition.decide(tally.to) !== undefined) return tally.to - start;
    }
    if (condition.decide(now) !== undefined) return now - start;
  }
  return undefined;
}

/** `rate` requests a second for a time; `good` says which are. */
function send(rate: number, seconds: number, good: (at: number, index: number) => boolean): Tally[] {
  return Array.from({ length: rate * seconds }, (_, index) => {
    const at = Math.round((index * 1_000) / rate);
    return own(at, good(at, index));
  });
}

function own(at: number, good: boolean): Tally {
  return { from: start + at - 5, to: start + at, good: good ? 1 : 0, bad: good ? 0 : 1 };
}

describe('the rule', () => {
  it('is a share, a time and a least number of requests', () => {
    expect(usual).toEqual({ text: 'success below 90% for 10s', below: 0.9, lasts: 10_000, least: 10 });
    expect(ruleOf(' success  below 99.5% for 1m over 50 requests ')).toMatchObject({
      below: 0.995,
      lasts: 60_000,
      least: 50,
    });
    expect(parseStopRule('never')).toBeUndefined();
  });

  it.each([
    '',
    'success below 90',
    'success under 90% for 10s',
    'success below 0% for 10s',
    'success below 90% for 10',
    'success below 90% for 0s',
    'success below 90% for 2h',
    'success below 90% for 10s over 0 requests',
    'x'.repeat(9_999),
  ])('%j is refused', (text) => {
    expect(() => parseStopRule(text)).toThrow('Write for example "success below 90% for 10s"');
  });
});

describe('a drill', () => {
  it('is stopped within its time and a second after the breaching request', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_000 }), fc.constantFrom(10, 20, 100), (breach, rate) => {
        const tallies = send(rate, 60, (at) => at < breach);
        const first = tallies.find(({ bad }) => bad > 0);
        // A second in which it breaches may still be good enough as a whole.
        const second = Math.ceil((breach + 1_000) / 1_000) * 1_000;
        const at = stoppedAt(tallies) ?? Number.POSITIVE_INFINITY;
        expect(at).toBeGreaterThanOrEqual((first?.to ?? 0) - start + usual.lasts);
        expect(at).toBeLessThanOrEqual(second + usual.lasts + 1_000);
        if (breach % 1_000 === 0) expect(at).toBeLessThanOrEqual((first?.to ?? 0) - start + usual.lasts + 1_000);
      }),
    );
  });

  it('is stopped exactly if the definition says so', () => {
    const seconds = fc.array(fc.record({ good: fc.nat(40), bad: fc.nat(8) }), { minLength: 5, maxLength: 60 });
    const rule = ruleOf('success below 90% for 4s over 1 requests');
    fc.assert(
      fc.property(seconds, fc.nat(999), (all, offset) => {
        const tallies = all.flatMap(({ good, bad }, second) => [
          ...Array.from({ length: good }, () => own(second * 1_000 + offset, true)),
          ...Array.from({ length: bad }, () => own(second * 1_000 + offset, false)),
        ]);
        expect(stoppedAt(tallies, rule)).toBe(expected(all, offset, rule));
      }),
      { numRuns: 300 },
    );
  });

  it('goes on where a second in between was good', () => {
    const outage = (at: number) => at < 10_000 || (at >= 19_000 && at < 20_000) || at >= 29_000;
    expect(stoppedAt(send(20, 40, outage))).toBeUndefined();
  });

  it('is stopped also where no request was answered in between, which counts neither as good nor as an end', () => {
    const tallies = send(20, 40, (at) => at < 10_000).filter(({ to }) => to - start < 12_000 || to - start >= 17_000);
    expect(stoppedAt(tallies)).toBe(20_000);
  });

  it('is not stopped before the first request', () => {
    expect(stoppedAt([])).toBeUndefined();
  });

  it('is not stopped by single requests that fail at a low rate', () => {
    expect(stoppedAt(send(1, 600, (_, index) => index % 12 !== 0))).toBeUndefined();
    expect(stoppedAt([own(0, false)])).toBeUndefined();
    expect(stoppedAt(send(1, 60, () => false))).toBeLessThanOrEqual(9_000 + 11_000);
  });

  it('says why, and stays with it', () => {
    const condition = createStopCondition(usual, 'own');
    for (const tally of send(20, 11, (_, index) => index % 2 === 0)) condition.tally(tally);
    const first = condition.decide(start + 11_000);
    expect(first?.reason).toBe('110 of 220 requests failed in 11s: success was 50 %, below 90 %');
    for (const tally of send(20, 60, () => true)) condition.tally(tally);
    expect(condition.decide(start + 99_000)).toBe(first);
  });
});

describe('counts', () => {
  const window = (from: number, bad: number): Tally => ({
    from: start + from * 1_000,
    to: start + (from + 5) * 1_000,
    good: 100 - bad,
    bad,
  });

  it('stop a drill by their windows', () => {
    expect(stoppedAt([window(0, 0), window(5, 50), window(10, 50), window(15, 50)], usual, 'counted')).toBe(15_000);
    expect(stoppedAt([window(0, 0), window(5, 50), window(10, 0), window(15, 50)], usual, 'counted')).toBeUndefined();
  });

  it('say nothing of the time after the last one', () => {
    expect(stoppedAt([window(0, 50)], usual, 'counted')).toBeUndefined();
  });
});

it('keeps no more than the time that it needs', () => {
  const condition = createStopCondition(ruleOf('success below 90% for 1s'), 'own');
  for (const tally of send(20, 3_000, () => true)) {
    condition.tally(tally);
    condition.decide(tally.to);
  }
  expect(condition.decide(start + 3_000_000)).toBeUndefined();
});

/** The definition with at least one request a share: from the first bad one of the first low second, `lasts` without a good second. */
function expected(all: readonly { good: number; bad: number }[], offset: number, rule: StopRule): number | undefined {
  let since: number | undefined;
  for (let second = 0; second < all.length + 60; second += 1) {
    const { good, bad } = all[second] ?? { good: 0, bad: 0 };
    if (good + bad > 0 && good / (good + bad) >= rule.below) since = undefined;
    else if (good + bad > 0) since ??= second * 1_000 + offset;
    if (since !== undefined && (second + 1) * 1_000 - since >= rule.lasts) {
      const at = (second + 1) * 1_000;
      const end = all.findLastIndex((one) => one.good + one.bad > 0) * 1_000 + offset + 30_000;
      return at <= end ? at : undefined;
    }
  }
  return undefined;
}

import { describe, expect, test } from 'vitest';
import { feltByRequests } from '../../../../src/drills/measure/felt-by-requests.ts';
import type { Tally } from '../../../../src/drills/ports.ts';
import { seeded } from '../../../../src/judge/random.ts';

const good = (count: number): Tally[] =>
  Array.from({ length: count }, () => ({ from: 0, to: 5, good: 1, bad: 0, took: 5 }));
const bad = (count: number, fault?: string): Tally[] =>
  Array.from({ length: count }, () => ({ from: 0, to: 5, good: 0, bad: 1, ...(fault !== undefined && { fault }) }));
const slow = (count: number, took: number): Tally[] => good(count).map((tally) => ({ ...tally, took }));

const abort = { kind: 'abort', fault: 'HTTP 503', share: 20 } as const;
const delay = { kind: 'delay', milliseconds: 500, share: 50 } as const;

describe('an abort of 20 %', () => {
  test.each<[string, Tally[], Tally[], string]>([
    ['as injected', good(100), [...good(80), ...bad(20, 'HTTP 503')], 'felt'],
    ['none failed', good(100), good(100), 'not-felt'],
    ['others failed', good(100), [...good(80), ...bad(20, 'HTTP 500')], 'not-felt'],
    ['as many as before', [...good(95), ...bad(5, 'HTTP 503')], [...good(95), ...bad(5, 'HTTP 503')], 'not-felt'],
    ['a part of it', good(1_000), [...good(950), ...bad(50, 'HTTP 503')], 'unknown'],
    ['too few', good(100), good(10), 'unknown'],
    ['none before', [], [...good(80), ...bad(20, 'HTTP 503')], 'unknown'],
    ['none during', good(100), [], 'unknown'],
    ['for unknown reasons', good(100), [...good(80), ...bad(20)], 'unknown'],
  ])('is told: %s', (_, before, during, felt) => {
    expect(feltByRequests(before, during, abort).felt).toBe(felt);
  });

  test('says what was counted', () => {
    expect(feltByRequests(good(100), good(10), abort).evidence).toBe(
      '0 of 10 requests failed with HTTP 503 (0 %), 0 of 100 before; injected into 20 %; too few to tell, which takes some 31 requests',
    );
  });

  test('of counted windows is told as well', () => {
    const window = (goodOnes: number, badOnes: number): Tally => ({
      from: 0,
      to: 1,
      good: goodOnes,
      bad: badOnes,
      fault: 'HTTP 503',
    });
    expect(feltByRequests([window(100, 0)], [window(80, 20)], abort).felt).toBe('felt');
  });
});

describe('a delay of 500 ms', () => {
  test.each<[string, Tally[], Tally[], string]>([
    ['as injected', good(40), [...good(20), ...slow(20, 505)], 'felt'],
    ['all are as fast', good(40), good(40), 'not-felt'],
    ['no answer', good(40), [...good(20), ...bad(20).map((tally) => ({ ...tally, to: 2_000 }))], 'felt'],
    ['slower, but by little', good(40), slow(40, 100), 'not-felt'],
    ['not timed before', [{ from: 0, to: 1, good: 100, bad: 0 }], slow(40, 505), 'unknown'],
    ['not timed during', good(40), [{ from: 0, to: 1, good: 100, bad: 0 }], 'unknown'],
  ])('is told: %s', (_, before, during, felt) => {
    expect(feltByRequests(before, during, delay).felt).toBe(felt);
  });
});

test('luck is hardly ever taken for a fault, or a fault for luck', () => {
  const random = seeded(7);
  const tallies = (requests: number, rate: number) =>
    Array.from({ length: requests }, () => random() < rate).flatMap((fails) => (fails ? bad(1, 'HTTP 503') : good(1)));
  let [felt, notFelt] = [0, 0];
  for (let drill = 0; drill < 300; drill += 1) {
    if (feltByRequests(tallies(50, 0.05), tallies(50, 0.05), abort).felt === 'felt') felt += 1;
    if (feltByRequests(tallies(50, 0.05), tallies(50, 0.24), abort).felt === 'not-felt') notFelt += 1;
  }
  expect([felt, notFelt]).toEqual([0, 0]);
});

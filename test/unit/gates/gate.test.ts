import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/core/errors.ts';
import type { GateCheck } from '../../../src/gates/check-watch.ts';
import type { GateEvent } from '../../../src/gates/events.ts';
import { type GateOptions, gate } from '../../../src/gates/gate.ts';
import type { Source } from '../../../src/gates/ports.ts';
import type { Look, Window } from '../../../src/judge/looks/look.ts';
import { numberRule, valueRule } from '../../../src/judge/looks/value-rules.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const start = Date.UTC(2026, 0, 1);
const options: GateOptions = { requirement: { kind: 'all' }, watch: 0, interval: 10_000, noDataPatience: 60_000 };
const value = (number: number): Look => ({ kind: 'values', values: [{ of: '', value: number, at: 0 }] });
const unreachable = () =>
  new SluiceError('unreachable', { about: 'Loki', problem: 'did not answer.', next: 'Check the address.' });

type Answer = (time: number, window: Window) => Look | Error;

/** A source that answers as told, by the seconds since the start. */
function sourceOf(
  answer: Answer,
  preflight: (time: number) => Error | undefined = () => undefined,
  clock = createVirtualClock(start),
) {
  const windows: Window[] = [];
  const source: Source = {
    kind: 'memory',
    asked: 'a question',
    permissions: [],
    lag: 0,
    async preflight() {
      const error = preflight((clock.now() - start) / 1_000);
      if (error) throw error;
      return { evidence: 'it means something' };
    },
    async look(window) {
      windows.push(window);
      const answered = answer((clock.now() - start) / 1_000, window);
      if (answered instanceof Error) throw answered;
      return answered;
    },
  };
  return { source, windows, clock };
}

function checkOf(name: string, source: Source, rest: Partial<GateCheck> = {}): GateCheck {
  const rule = valueRule({ above: 5 });
  return { name, source, rule, window: 300_000, onBreach: 'fail', key: false, weight: 1, ...rest };
}

async function run(
  checks: GateCheck[],
  clock: ReturnType<typeof createVirtualClock>,
  given: Partial<GateOptions> = {},
) {
  const events: GateEvent[] = [];
  const signal = new AbortController().signal;
  const outcome = await clock.run(
    gate({ checks, clock, emit: (event) => events.push(event) }, { ...options, ...given }, signal),
  );
  return { outcome, events, seconds: (clock.now() - start) / 1_000 };
}

describe('a look that takes its time', () => {
  it('begins an interval after the one before, as the time that it takes is a part of the interval', async () => {
    const { source, clock, windows } = sourceOf(() => value(1));
    const sending: Source = {
      ...source,
      kind: 'load',
      async look(window, signal) {
        await clock.sleep(6_000, signal);
        return await source.look(window, signal);
      },
    };
    const { outcome, seconds } = await run([checkOf('a', sending)], clock, { watch: 30_000 });
    expect(windows.map(({ to }) => (to - start) / 1_000)).toEqual([0, 10, 20, 30]);
    expect(seconds).toBe(36);
    expect(outcome.reason).toBe('1 of 1 checks passed; judged by own requests alone');
  });

  it('is told apart from users in the reason only where nothing else was judged', async () => {
    const { source, clock } = sourceOf(() => value(1));
    const { outcome } = await run([checkOf('a', { ...source, kind: 'load' }), checkOf('b', source)], clock);
    expect(outcome.reason).toBe('2 of 2 checks passed');
  });
});

describe('one look', () => {
  it('is over when each check has been answered', async () => {
    const { source, clock, windows } = sourceOf(() => value(1));
    const { outcome, seconds } = await run([checkOf('a', source)], clock);
    expect(outcome).toMatchObject({ verdict: 'passed', reason: '1 of 1 checks passed' });
    expect([seconds, windows]).toEqual([0, [{ from: start - 300_000, to: start }]]);
  });

  it('asks again where data are missing, and passes with them', async () => {
    const { source, clock } = sourceOf((time) => (time < 25 ? unreachable() : value(1)));
    const { outcome, seconds } = await run([checkOf('a', source)], clock);
    expect([outcome.verdict, seconds]).toEqual(['passed', 30]);
  });

  it.each<[string, Answer]>([
    ['an outage', unreachable],
    ['no data', () => ({ kind: 'missing', reason: 'the answer is empty' })],
    ['an answer of another kind', () => ({ kind: 'sightings', sightings: [] })],
    ['not a number', () => value(Number.NaN)],
  ])('%s is undecided, never passed', async (_, answer) => {
    const { source, clock } = sourceOf(answer);
    const { outcome, events } = await run([checkOf('a', source)], clock);
    expect(outcome).toMatchObject({ verdict: 'undecided', lacks: 'data' });
    expect(events.at(-1)).toMatchObject({ type: 'ended' });
  });

  it('a question that means nothing is asked again until the patience is over', async () => {
    const { source, clock, windows } = sourceOf(() => value(1), unreachable);
    const { outcome, seconds } = await run([checkOf('a', source)], clock);
    expect(outcome).toMatchObject({ verdict: 'undecided', lacks: 'data' });
    expect(outcome.reason).toBe('a: Loki: did not answer; without data for 1m');
    expect([seconds, windows]).toEqual([60, []]);
  });

  it('credentials that are not accepted are told at once', async () => {
    const forbidden = new SluiceError('forbidden', { about: 'Loki', problem: 'refuses.', next: 'Give a token.' });
    const { source, clock } = sourceOf(
      () => value(1),
      () => forbidden,
    );
    const { outcome, seconds } = await run([checkOf('a', source)], clock);
    expect([outcome.verdict, outcome.reason, seconds]).toEqual(['undecided', 'a: Loki: refuses.', 0]);
  });
});

describe('a watch', () => {
  it('looks until its time is over, at windows that do not overlap', async () => {
    const { source, clock, windows } = sourceOf(() => ({ kind: 'counts', total: 1, bad: 0 }));
    const check = checkOf('a', source, { rule: numberRule({ most: 0, words: 'lines' }) });
    const { outcome, seconds } = await run([check], clock, { watch: 25_000 });
    expect([outcome.verdict, seconds]).toEqual(['passed', 25]);
    expect(windows.map(({ from, to }) => [(from - start) / 1_000, (to - start) / 1_000])).toEqual([
      [-300, 0],
      [0, 10],
      [10, 20],
      [20, 25],
    ]);
  });

  it('counts what an outage has hidden with the next answer', async () => {
    const { source, clock, windows } = sourceOf((time) =>
      time === 10 ? unreachable() : { kind: 'counts', total: 1, bad: 0 },
    );
    const check = checkOf('a', source, { rule: numberRule({ most: 0, words: 'lines' }) });
    expect((await run([check], clock, { watch: 20_000 })).outcome.verdict).toBe('passed');
    expect(windows.at(-1)).toEqual({ from: start, to: start + 20_000 });
  });

  it('fails in the look that shows it, and asks nobody after that', async () => {
    const clock = createVirtualClock(start);
    const bad = sourceOf((time) => value(time < 30 ? 1 : 9), undefined, clock);
    const good = sourceOf(() => value(1), undefined, clock);
    const { outcome, seconds } = await run([checkOf('a', bad.source), checkOf('b', good.source)], clock, {
      watch: 600_000,
    });
    expect(outcome).toMatchObject({ verdict: 'failed', reason: 'a: 9, breach above 5' });
    expect([seconds, good.windows.length]).toEqual([30, 3]);
  });

  it('a check that only warns does not fail it, and is told', async () => {
    const clock = createVirtualClock(start);
    const bad = sourceOf(() => value(9), undefined, clock);
    const good = sourceOf(() => value(1), undefined, clock);
    const checks = [checkOf('a', bad.source, { onBreach: 'warn' }), checkOf('b', good.source)];
    const { outcome } = await run(checks, clock, { watch: 20_000 });
    expect(outcome).toMatchObject({
      verdict: 'passed',
      checks: [
        { check: 'a', state: 'failed' },
        { check: 'b', state: 'passed' },
      ],
    });
  });

  it('with "any" one check is enough', async () => {
    const clock = createVirtualClock(start);
    const bad = sourceOf(() => value(9), undefined, clock);
    const good = sourceOf(() => value(1), undefined, clock);
    const checks = [checkOf('a', bad.source), checkOf('b', good.source)];
    const { outcome } = await run(checks, clock, { watch: 20_000, requirement: { kind: 'any' } });
    expect(outcome).toMatchObject({ verdict: 'passed', reason: '1 of 2 checks passed' });
  });

  it('ends early where it can not pass any more', async () => {
    const clock = createVirtualClock(start);
    const away = sourceOf(unreachable, undefined, clock);
    const good = sourceOf(() => value(1), undefined, clock);
    const { outcome, seconds } = await run([checkOf('a', away.source), checkOf('b', good.source)], clock, {
      watch: 3_600_000,
    });
    expect([outcome.verdict, outcome.lacks, seconds]).toEqual(['undecided', 'data', 60]);
  });

  it('counts an answer that says nothing as missing data', async () => {
    const { source, clock } = sourceOf(() => value(Number.NaN));
    const { outcome, seconds } = await run([checkOf('a', source)], clock, { watch: 3_600_000 });
    expect([outcome.verdict, outcome.lacks, seconds]).toEqual(['undecided', 'data', 60]);
  });

  it('is undecided where data were missing at the end', async () => {
    const { source, clock } = sourceOf((time) => (time > 15 ? unreachable() : value(1)));
    const { outcome } = await run([checkOf('a', source)], clock, { watch: 30_000 });
    expect(outcome).toMatchObject({ verdict: 'undecided', lacks: 'data' });
  });

  it('compares with the same source at an earlier time', async () => {
    const { source, clock, windows } = sourceOf((_, { to }) => value(to < start - 3_600_000 ? 1 : 9));
    const check = checkOf('a', source, {
      reference: { before: 86_400_000 },
      rule: valueRule({ above: 2, reference: 'the day before' }),
    });
    const { outcome } = await run([check], clock);
    expect(outcome.reason).toBe('a: 9, the day before 1, breach above 2 (2 times the day before)');
    expect(windows.map(({ to }) => to - start)).toEqual([0, -86_400_000]);
  });

  it('ends with the reason of a signal', async () => {
    const { source, clock } = sourceOf(() => value(1));
    const stop = new AbortController();
    clock.at(start + 15_000, () => stop.abort(new Error('cancelled')));
    const world = { checks: [checkOf('a', source)], clock, emit: () => undefined };
    await expect(clock.run(gate(world, { ...options, watch: 60_000 }, stop.signal))).rejects.toThrow('cancelled');
  });
});

import { describe, expect, it } from 'vitest';
import { carryOut } from '../../../src/change/carry-out.ts';
import { conclude } from '../../../src/change/conclude.ts';
import { SluiceError } from '../../../src/core/errors.ts';
import {
  broken,
  cancelled,
  Killed,
  type Memory,
  type MemoryOptions,
  memoryProcess,
  type Step,
  takenOver,
} from '../../support/memory-change.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const old = (): Memory => ({ value: 'old', leftover: true, record: undefined });
const asFound: Memory = { value: 'old', leftover: true, record: undefined };
const asWanted: Memory = { value: 'new', leftover: false, record: undefined };

/** Carries out a change of this memory, in a process of its own. */
function start(memory: Memory, options: MemoryOptions = {}) {
  const process = memoryProcess(memory, options);
  return { ...process, result: carryOut(process.change, process.cancelled) };
}

function post(memory: Memory, options: MemoryOptions = {}) {
  const process = memoryProcess(memory, options);
  return { ...process, result: conclude(process.change, process.cancelled) };
}

/** What happens when a step is reached, once. */
function when(wanted: Step, act: NonNullable<MemoryOptions['at']>): NonNullable<MemoryOptions['at']> {
  let isOver = false;
  return (step, process, signal) => {
    if (step !== wanted || isOver) return;
    isOver = true;
    return act(step, process, signal);
  };
}

const fail = (error: Error) => () => {
  throw error;
};

describe('a change', () => {
  it('is applied: recorded before the first write, and finished once it is seen to work', async () => {
    const memory = old();
    const { result, steps, told, endings } = start(memory);
    expect(await result).toBe('applied');
    expect(memory).toEqual(asWanted);
    expect(steps.filter((step) => !step.endsWith('ed'))).toEqual([
      ...['claim', 'look', 'plan', 'refuse', 'record', 'apply', 'verify', 'finish', 'end'],
    ]);
    expect(told).toEqual(['planned', 'released']);
    expect(endings).toMatchObject([{ verdict: 'applied', plan: { isNeeded: true }, mark: { before: 'old' } }]);
  });

  it('of nothing writes nothing, and sees that what is there works', async () => {
    const { result, steps } = start(old(), { wanted: 'old' });
    expect(await result).toBe('unchanged');
    expect(steps).toEqual(['claim', 'look', 'plan', 'refuse', 'verify', 'end']);
  });

  it('of nothing fails where what is there does not work; there is nothing to undo', async () => {
    const { result, steps, endings } = start(old(), { wanted: 'old', at: when('verify', fail(broken)) });
    expect(await result).toBe('failed: not-verified');
    expect(endings).toMatchObject([{ error: broken }]);
    expect(steps).not.toContain('undo');
  });

  it('that is only rehearsed takes no Lease and writes nothing', async () => {
    const memory = old();
    const { result, steps, told } = start(memory, { dryRun: true });
    expect(await result).toBe('planned');
    expect(steps).toEqual(['look', 'plan', 'refuse', 'end']);
    expect(told).toEqual(['planned']);
    expect(memory).toEqual(asFound);
  });

  it.each<[Step, boolean]>([
    ['plan', false],
    ['refuse', false],
    ['plan', true],
    ['refuse', true],
  ])('that is refused (%s, dry run: %s) is not told as planned, and nothing is written', async (step, dryRun) => {
    const memory = old();
    const { result, told, endings } = start(memory, { dryRun, at: when(step, fail(broken)) });
    await expect(result).rejects.toBe(broken);
    expect(memory).toEqual(asFound);
    expect(endings).toEqual([]);
    expect(told).not.toContain('planned');
  });

  it('whose record can not be written is not begun', async () => {
    const memory = old();
    const { result, steps } = start(memory, { at: when('record', fail(broken)) });
    await expect(result).rejects.toBe(broken);
    expect(memory).toEqual(asFound);
    expect(steps).not.toContain('apply');
  });

  it.each<[Step, string]>([
    ['apply', 'failed: untouched'],
    ['applied', 'undone'],
    ['verify', 'undone'],
  ])('that fails (%s) is undone', async (step, verdict) => {
    const memory = old();
    const { result, endings, told } = start(memory, { at: when(step, fail(broken)) });
    expect(await result).toBe(verdict);
    expect(memory).toEqual(asFound);
    expect(endings).toMatchObject([
      { cause: { kind: 'failed', error: broken }, undone: { state: 'It is as it was.' } },
    ]);
    expect(told).toContain('released');
  });

  it('that fails and can not be undone says both, and keeps its record', async () => {
    const stuck = new SluiceError('not-ready', { about: 'the old value', problem: 'does not work either.', next: '' });
    const memory = old();
    const { result, endings } = start(memory, {
      at: (step) => {
        if (step === 'verify') throw broken;
        if (step === 'undo') throw stuck;
      },
    });
    expect(await result).toBe('failed: not-undone');
    expect(endings).toMatchObject([{ cause: { kind: 'failed', error: broken }, error: stuck }]);
    expect(memory).toMatchObject({ value: 'new', record: { id: '1', before: 'old' } });
  });

  it('that fails while nothing can be seen ends without a verdict, and is left to the next process', async () => {
    const away = new SluiceError('unreachable', { about: 'the API server', problem: 'is away.', next: 'Wait.' });
    const memory = old();
    const { result, endings } = start(memory, {
      at: (step) => {
        if (step === 'verify') throw broken;
        if (step === 'undo') throw away;
      },
    });
    await expect(result).rejects.toMatchObject({
      code: 'unreachable',
      message:
        'the API server: is away. What was changed is not undone yet (the value: does not work.). Wait. The post step undoes it, or else the next run.',
    });
    expect(endings).toEqual([]);
    expect(await post(memory).result).toBe('undone');
    expect(memory).toEqual(asFound);
  });

  it('is not undone where somebody else is at work on the same', async () => {
    const memory = old();
    const { result, steps } = start(memory, { at: when('applied', fail(takenOver)) });
    await expect(result).rejects.toBe(takenOver);
    expect(memory).toMatchObject({ value: 'new', record: { id: '1' } });
    expect(steps).not.toContain('undo');
  });
});

describe('a change that is canceled', () => {
  const cancelAt = (step: Step) => when(step, (_, { cancel }) => cancel());

  it.each<Step>(['claim', 'look', 'plan', 'refuse', 'record'])(
    'while it has not begun (%s) writes nothing',
    async (step) => {
      const memory = old();
      const { result, endings } = start(memory, { at: cancelAt(step) });
      await expect(result).rejects.toBe(cancelled);
      expect(memory).toEqual(asFound);
      expect(endings).toEqual([]);
    },
  );

  it.each<[Step, string]>([
    ['recorded', 'failed: untouched'],
    ['apply', 'failed: untouched'],
    ['applied', 'undone'],
    ['verify', 'undone'],
  ])('under way (%s) is undone', async (step, verdict) => {
    const memory = old();
    const { result, endings } = start(memory, { at: cancelAt(step) });
    expect(await result).toBe(verdict);
    expect(memory).toEqual(asFound);
    expect(endings).toMatchObject([{ cause: { kind: 'cancelled', error: cancelled } }]);
  });

  it.each<Step>(['finish', 'finished', 'end'])('when it was seen to work (%s) comes to its end', async (step) => {
    const memory = old();
    expect(await start(memory, { at: cancelAt(step) }).result).toBe('applied');
    expect(memory).toEqual(asWanted);
  });

  it.each<Step>(['undo', 'undone'])('on its way back (%s) goes all the way', async (step) => {
    const memory = old();
    const cancels = cancelAt(step);
    const { result, endings } = start(memory, {
      at(reached, ...rest) {
        if (reached === 'verify') throw broken;
        return cancels(reached, ...rest);
      },
    });
    expect(await result).toBe('undone');
    expect(memory).toEqual(asFound);
    expect(endings).toMatchObject([{ cause: { kind: 'cancelled', error: broken } }]);
  });

  it('while it looks at what is there already ends without a verdict', async () => {
    const { result, endings } = start(old(), { wanted: 'old', at: cancelAt('verify') });
    await expect(result).rejects.toBe(cancelled);
    expect(endings).toEqual([]);
  });
});

describe('a change whose Lease is lost', () => {
  const loseAt = (step: Step) => when(step, (_, { lose }) => lose());

  it.each<Step>(['look', 'plan', 'refuse', 'record'])('before it has begun (%s) writes nothing', async (step) => {
    const memory = old();
    await expect(start(memory, { at: loseAt(step) }).result).rejects.toBe(takenOver);
    expect(memory).toEqual(asFound);
  });

  it.each<[Step, string]>([
    ['recorded', 'old'],
    ['apply', 'old'],
    ['applied', 'new'],
    ['verify', 'new'],
    ['finish', 'new'],
    ['finished', 'new'],
  ])('later (%s) leaves all, and its record, to who has taken over', async (step, value) => {
    const memory = old();
    const { result, endings, steps } = start(memory, { at: loseAt(step) });
    await expect(result).rejects.toBe(takenOver);
    expect(memory).toMatchObject({ value, record: { id: '1', before: 'old' } });
    expect(steps).not.toContain('undo');
    expect(endings).toEqual([]);
  });

  it.each<Step>(['undo', 'undone'])('on its way back (%s) stops there', async (step) => {
    const memory = old();
    const loses = loseAt(step);
    const { result, endings } = start(memory, {
      at(reached, ...rest) {
        if (reached === 'verify') throw broken;
        return loses(reached, ...rest);
      },
    });
    await expect(result).rejects.toBe(takenOver);
    expect(memory.record).toBeDefined();
    expect(endings).toEqual([]);
  });
});

describe('the way back', () => {
  const hangs: NonNullable<MemoryOptions['at']> = (step, _, signal) => {
    if (step === 'verify') throw broken;
    if (step !== 'undo') return;
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };

  it('ends at its deadline, and is begun again by post', async () => {
    const memory = old();
    const clock = createVirtualClock();
    const { result, endings } = start(memory, { undoTime: 6_000, clock, at: hangs });
    expect(await clock.run(result)).toBe('failed: not-undone');
    expect(endings).toMatchObject([
      {
        cause: { error: broken },
        error: { code: 'timed-out', about: 'the way back', problem: 'was not over after 6 s.' },
      },
    ]);
    expect(memory).toMatchObject({ value: 'new', record: { before: 'old' } });
    expect(await post(memory).result).toBe('undone');
    expect(memory).toEqual(asFound);
  });

  it('of a cancelled run has a deadline of its own', async () => {
    const clock = createVirtualClock();
    const process = memoryProcess(old(), {
      clock,
      at: (step, self, signal) => (step === 'verify' ? self.cancel() : hangs(step, self, signal)),
    });
    const change = { ...process.change, undoTime: { failed: undefined, cancelled: 6_000, stopped: undefined } };
    expect(await clock.run(carryOut(change, process.cancelled))).toBe('failed: not-undone');
    expect(process.endings).toMatchObject([{ cause: { kind: 'cancelled' }, error: { code: 'timed-out' } }]);
  });
});

/** The steps of a change that comes to its end, and of one that is undone. */
async function stepsOf(options: MemoryOptions): Promise<Step[]> {
  const { result, steps } = start(old(), options);
  await result;
  return steps;
}

const fails: MemoryOptions['at'] = (step) => {
  if (step === 'verify') throw broken;
};
const lives: readonly [string, MemoryOptions['at']][] = [
  ['that works', undefined],
  ['that fails', fails],
];

describe.each(lives)('a run %s and is killed before any of its steps', (_, at) => {
  /** A memory for each step at which a process was killed. */
  async function atEachStep(check: (memory: Memory, killed: Step) => Promise<void>): Promise<void> {
    const steps = await stepsOf({ ...(at && { at }) });
    expect(steps.length).toBeGreaterThan(10);
    for (const [index, killed] of steps.entries()) {
      const memory = old();
      let reached = -1;
      const { result } = start(memory, {
        at(step, process, signal) {
          reached += 1;
          if (reached === index) process.kill();
          else return at?.(step, process, signal);
        },
      });
      await expect(result).rejects.toBeInstanceOf(Killed);
      await check(memory, killed);
    }
  }

  it('is brought to its end by post, once', async () => {
    await atEachStep(async (memory, killed) => {
      const wasBegun = memory.record !== undefined;
      const wasApplied = memory.record?.isApplied === true;
      const { result, told } = post(memory);
      const verdict = await result;
      expect([killed, verdict === undefined]).toEqual([killed, !wasBegun]);
      expect([killed, memory]).toEqual([killed, wasApplied ? asWanted : asFound]);
      if (wasBegun) expect(told).toContain('left');
      expect(await post(memory).result).toBeUndefined();
    });
  });

  it.each(['concluded', 'taken over'] as const)('is %s by the next run, which ends as asked', async (leftover) => {
    await atEachStep(async (memory, killed) => {
      const { result, told } = start(memory, { id: '2', leftover });
      const wasBegun = memory.record !== undefined;
      // Nothing is left to do for who comes after one that was finished.
      const verdict = memory.record?.isApplied && leftover === 'concluded' ? 'unchanged' : 'applied';
      expect([killed, await result]).toEqual([killed, verdict]);
      expect([killed, memory]).toEqual([killed, asWanted]);
      expect(told.filter((what) => what === 'left')).toHaveLength(wasBegun ? 1 : 0);
    });
  });

  it('is undone to how it was before all of them where the next run fails', async () => {
    await atEachStep(async (memory, killed) => {
      // What was finished is the state to go back to.
      const before = memory.record?.isApplied === true ? 'new' : 'old';
      const { result } = start(memory, { id: '2', wanted: 'newer', leftover: 'concluded', at: fails });
      expect([killed, await result]).toEqual([killed, 'undone']);
      expect([killed, memory.value, memory.record]).toEqual([killed, before, undefined]);
    });
  });
});

describe('what a run has left', () => {
  const half = (): Memory => ({
    value: 'half',
    leftover: true,
    record: { id: '1', before: 'old', isApplied: false },
  });

  it('is not begun anew by a run that can not bring it to its end', async () => {
    const memory = half();
    const { result, steps } = start(memory, { id: '2', at: when('undo', fail(broken)) });
    expect(await result).toBe('failed: not-undone');
    expect(steps).not.toContain('record');
    expect(memory).toEqual(half());
  });

  it('is told in a dry run, and left', async () => {
    const memory = half();
    const { result, told } = start(memory, { id: '2', dryRun: true });
    expect(await result).toBe('planned');
    expect(told).toEqual(['left', 'planned']);
    expect(memory).toEqual(half());
  });

  it('is no matter of the post step of another run', async () => {
    const memory = half();
    const { result, steps } = post(memory, { id: '2' });
    expect(await result).toBeUndefined();
    expect(steps).toEqual(['look']);
    expect(memory).toEqual(half());
  });

  it('is left to a run that has taken it over before post had the Lease', async () => {
    const memory = half();
    const { result, endings, told } = post(memory, {
      at: when('claim', () => {
        memory.record = { id: '2', before: 'old', isApplied: false };
      }),
    });
    expect(await result).toBeUndefined();
    expect(memory.record?.id).toBe('2');
    expect(endings).toEqual([]);
    expect(told).toEqual(['released']);
  });

  it('stays as it is while another run holds the Lease', async () => {
    const memory = half();
    await expect(post(memory, { at: when('claim', fail(takenOver)) }).result).rejects.toBe(takenOver);
    expect(memory).toEqual(half());
  });
});

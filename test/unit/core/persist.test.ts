import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/core/errors.ts';
import { persist } from '../../../src/core/persist.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const away = new SluiceError('unreachable', { about: 'the API server', problem: 'is away.', next: '' });
const refused = new SluiceError('forbidden', { about: 'it', problem: 'is refused.', next: '' });
const over = new Error('the time is over');

describe('what is persisted in', () => {
  it('is done again while the API server is away, and not sooner than the clock says', async () => {
    const clock = createVirtualClock(0);
    const at: number[] = [];
    const result = persist({ clock }, new AbortController().signal, async () => {
      at.push(clock.now());
      if (at.length < 20) throw away;
      return 'done';
    });
    expect(await clock.run(result)).toBe('done');
    expect(at).toEqual(Array.from({ length: 20 }, (_, index) => index * 1_000));
  });

  it.each([refused, new TypeError('a mistake')])('ends with any other error: %s', async (error) => {
    let tries = 0;
    const result = persist({ clock: createVirtualClock() }, new AbortController().signal, async () => {
      tries += 1;
      throw error;
    });
    await expect(result).rejects.toBe(error);
    expect(tries).toBe(1);
  });

  it.each([
    ['in the act', (end: AbortController) => end.abort(over)],
    ['in the pause', (end: AbortController) => setImmediate(() => end.abort(over))],
  ])('ends at its deadline, with the reason of it: %s', async (_, stop) => {
    const end = new AbortController();
    const result = persist({ clock: createVirtualClock() }, end.signal, async () => {
      stop(end);
      throw away;
    });
    await expect(result).rejects.toBe(over);
  });

  it('counts when it has succeeded, whatever the time', async () => {
    const end = new AbortController();
    end.abort(over);
    expect(await persist({ clock: createVirtualClock() }, end.signal, async () => 'done')).toBe('done');
  });
});

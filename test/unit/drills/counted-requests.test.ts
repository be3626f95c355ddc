import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/core/errors.ts';
import { countedRequests } from '../../../src/drills/counted-requests.ts';
import type { Source } from '../../../src/gates/ports.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const failure = (code: 'unreachable' | 'forbidden') =>
  new SluiceError(code, { about: 'Prometheus', problem: 'does not answer.', next: 'Look at it.' });

/** Follows as long as the source has answers; then the signal aborts. */
async function follow(answers: readonly (Awaited<ReturnType<Source['look']>> | Error)[], lag = 2_000) {
  const clock = createVirtualClock(100_000);
  const stop = new AbortController();
  const told: unknown[] = [];
  const windows: unknown[] = [];
  const left = [...answers];
  const source: Source = {
    kind: 'ratio',
    asked: 'requests of checkout',
    permissions: [],
    lag,
    preflight: async () => ({ evidence: 'it counts', warnings: ['slow'] }),
    async look(window) {
      windows.push(window);
      const answer = left.shift();
      if (left.length === 0) stop.abort();
      if (answer instanceof Error) throw answer;
      if (!answer) throw new Error('no more answers');
      return answer;
    },
  };
  const requests = countedRequests(source, 5_000, clock);
  const tell = {
    tally: (tally: object) => told.push(tally),
    gap: (from: number, to: number, reason: string) => told.push({ from, to, reason }),
  };
  const ended = await clock.run(requests.follow(tell, stop.signal)).then(
    () => 'ended',
    (error: Error) => error.message,
  );
  return { requests, told, windows, ended };
}

describe('requests of users', () => {
  it('are counted one window after the other, without a hole between them', async () => {
    const { told, windows, requests, ended } = await follow([
      { kind: 'counts', total: 10, bad: 3 },
      { kind: 'counts', total: 0, bad: 0 },
      { kind: 'counts', total: 4, bad: 0 },
    ]);
    expect(ended).toBe('ended');
    expect(windows).toEqual([
      { from: 98_000, to: 103_000 },
      { from: 103_000, to: 108_000 },
      { from: 108_000, to: 113_000 },
    ]);
    expect(told.slice(0, 2)).toEqual([
      { from: 98_000, to: 103_000, good: 7, bad: 3 },
      { from: 103_000, to: 108_000, good: 0, bad: 0 },
    ]);
    expect(requests).toMatchObject({ kind: 'counted', resolution: 5_000, asked: 'requests of checkout' });
    expect(await requests.preflight(new AbortController().signal)).toEqual({
      evidence: 'it counts',
      warnings: ['slow', 'requests are counted every 5s, so that times of recovery are no more exact than that'],
    });
  });

  it('are a gap where nothing is known', async () => {
    const { told } = await follow([
      { kind: 'missing', reason: 'no series' },
      { kind: 'values', values: [] },
      failure('unreachable'),
      { kind: 'counts', total: 1, bad: 0 },
      { kind: 'counts', total: 1, bad: 0 },
    ]);
    expect(told.slice(0, 3)).toEqual([
      { from: 98_000, to: 103_000, reason: 'no series' },
      { from: 103_000, to: 108_000, reason: 'it was no count' },
      { from: 108_000, to: 113_000, reason: expect.stringContaining('does not answer') },
    ]);
  });

  it('end the drill where nobody may ask for them', async () => {
    const { ended } = await follow([failure('forbidden'), { kind: 'missing', reason: '' }]);
    expect(ended).toContain('does not answer');
  });
});

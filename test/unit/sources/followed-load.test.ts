import { describe, expect, it } from 'vitest';
import { followedLoad } from '../../../src/sources/followed-load.ts';
import type { Reply } from '../../../src/traffic/target.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const query = {
  requests: [{ method: 'GET', path: '/', headers: {}, status: undefined }],
  rate: 10,
  duration: 1_000,
  timeout: 2_000,
  slowerThan: 500,
  answersWith: {},
  mark: '7',
  forecast: '',
  warnings: [],
} as const;

/** Replies in their order, each after so many milliseconds. */
async function follow(replies: readonly (readonly [Reply, number])[], isThroughApiServer = false) {
  const clock = createVirtualClock(0);
  const stop = new AbortController();
  const told: object[] = [];
  let sent = 0;
  const target = {
    name: 'the service',
    isThroughApiServer,
    permissions: () => [],
    async send(_: object, __: number, signal: AbortSignal): Promise<Reply> {
      const [reply, takes] = replies[sent++] ?? [{ kind: 'answer', status: 200, headers: {} }, 0];
      await clock.sleep(takes, signal);
      return reply;
    },
  };
  const requests = followedLoad(query, { target, control: undefined }, { clock });
  clock.at(5_000, () => stop.abort());
  await clock.run(
    requests.follow(
      {
        tally: (tally) => told.push(tally),
        gap: (from, to, reason) => told.push({ from, to, reason }),
      },
      stop.signal,
    ),
  );
  return { requests, told };
}

const answer = (status: number): Reply => ({ kind: 'answer', status, headers: {} });

describe('own requests of a drill', () => {
  it('are told one by one as soon as each is answered, until the drill is over', async () => {
    const { told, requests } = await follow([
      [answer(200), 10],
      [answer(503), 20],
      [answer(200), 700],
      [{ kind: 'late' }, 2_000],
      [{ kind: 'unreached', reason: `connection refused${'x'.repeat(500)}` }, 5],
      [{ kind: 'unsent', reason: 'the API server is away' }, 5],
    ]);
    const found = (part: object) => expect(told).toContainEqual(expect.objectContaining(part));
    found({ from: 0, to: 10, good: 1, bad: 0, took: 10 });
    found({ good: 0, bad: 1, took: 20, fault: 'HTTP 503' });
    found({ good: 0, bad: 1, took: 700, fault: 'slower than 500ms' });
    found({ good: 0, bad: 1, fault: 'no answer within 2s' });
    found({ good: 0, bad: 1, fault: expect.stringMatching(/^not reached: connection refusedx+…$/) });
    found({ reason: 'the API server is away' });
    expect(told.length).toBeGreaterThan(45);
    expect(told.length).toBeLessThan(55);
    expect(requests).toMatchObject({
      kind: 'own',
      resolution: 2_000,
      asked: '10 requests a second to the service: GET /',
    });
  });

  it('say what they are, and that the API server is between', async () => {
    const signal = new AbortController().signal;
    const direct = await (await follow([])).requests.preflight(signal);
    expect(direct).toEqual({ evidence: '600 requests a minute of its own, marked x-sluice-load: 7', warnings: [] });
    const { warnings } = await (await follow([], true)).requests.preflight(signal);
    expect(warnings).toEqual([expect.stringContaining('go through the API server')]);
  });
});

import { describe, expect, it } from 'vitest';
import { createPace } from '../../../src/traffic/pace.ts';
import { sendLoad } from '../../../src/traffic/sender.ts';
import type { LoadRequest, LoadTarget, Reply } from '../../../src/traffic/target.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const get = (path: string): LoadRequest => ({ method: 'GET', path, headers: { 'x-sluice-load': 'forged' } });
const fine: Reply = { kind: 'answer', status: 200, headers: {} };

interface Served {
  readonly takes: number;
  readonly rate?: number;
  readonly isThroughApiServer?: boolean;
  readonly signal?: AbortSignal;
  readonly fails?: Error;
}

/** Sends for 10 s to a target whose answers take so many milliseconds. */
async function send({
  takes,
  rate = 10,
  isThroughApiServer = false,
  signal = new AbortController().signal,
  fails,
}: Served) {
  const clock = createVirtualClock();
  const begun = clock.now();
  const asked: { readonly path: string; readonly headers: LoadRequest['headers']; readonly at: number }[] = [];
  let [now, most] = [0, 0];
  const target: LoadTarget = {
    name: 'the service',
    isThroughApiServer,
    permissions: () => [],
    async send({ path, headers }, _, during) {
      asked.push({ path, headers, at: clock.now() - begun });
      now += 1;
      most = Math.max(most, now);
      try {
        if (fails) throw fails;
        await clock.sleep(takes, during);
        return fine;
      } finally {
        now -= 1;
      }
    },
  };
  const options = {
    requests: [get('/a'), get('/b')],
    pace: createPace(rate, clock),
    duration: 10_000,
    timeout: 5_000,
    mark: '7',
  };
  const sending = sendLoad(target, options, clock, signal);
  return {
    asked,
    sent: () => clock.run(sending),
    inFlight: () => now,
    most: () => most,
    clock,
    seconds: () => (clock.now() - begun) / 1_000,
  };
}

describe('the sender', () => {
  it('sends the list in turn, marks each request, and waits for the last answer', async () => {
    const { asked, sent, seconds } = await send({ takes: 400 });
    const { exchanges, leftOut } = await sent();
    expect([exchanges.length, leftOut, seconds()]).toEqual([100, 0, 10.3]);
    expect(asked.slice(0, 3).map(({ path }) => path)).toEqual(['/a', '/b', '/a']);
    expect(
      asked.every(({ headers }) => headers['x-sluice-load'] === '7' && headers['user-agent'] === 'sluice-load'),
    ).toBe(true);
    expect(new Set(exchanges.map(({ took }) => took))).toEqual(new Set([400]));
  });

  it('does not wait for a slow answer before the next request', async () => {
    const { asked, sent } = await send({ takes: 4_900 });
    await sent();
    expect(asked.map(({ at }) => at)).toEqual(Array.from({ length: 100 }, (_, index) => index * 100));
  });

  it.each([
    ['by a URL', false, 256],
    ['through the API server', true, 64],
  ])('bounds what waits for answers %s, and counts what it leaves out', async (_, isThroughApiServer, bound) => {
    const { asked, sent, most } = await send({ takes: 20_000, rate: 100, isThroughApiServer });
    const { leftOut } = await sent();
    expect([most(), asked.length, asked.length + leftOut]).toEqual([bound, bound, 1_000]);
  });

  it('ends all requests when it is aborted', async () => {
    const stop = new AbortController();
    const { asked, sent, inFlight, clock } = await send({ takes: 2_000, signal: stop.signal });
    clock.at(clock.now() + 1_050, () => stop.abort(new Error('enough')));
    await expect(sent()).rejects.toThrow('enough');
    expect([asked.length, inFlight()]).toEqual([11, 0]);
  });

  it('ends with what a target throws, such as a missing right', async () => {
    const { asked, sent } = await send({ takes: 0, fails: new Error('forbidden') });
    await expect(sent()).rejects.toThrow('forbidden');
    expect(asked).toHaveLength(1);
  });
});

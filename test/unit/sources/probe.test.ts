import { afterEach, describe, expect, it } from 'vitest';
import type { Look } from '../../../src/judge/looks/look.ts';
import { reach } from '../../../src/remote/connection.ts';
import { checkAssertions, type ProbeQuery, probeSource } from '../../../src/sources/probe.ts';
import { type Answer, startAnswering } from '../../support/answering-server.ts';

const signal = new AbortController().signal;
const healthy = {
  status: 'healthy',
  service: 'user-service',
  checks: [
    { name: 'db', ms: 12 },
    { name: 'mq', ms: 30 },
  ],
};
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** A probe of a server that answers as told; each question takes so many milliseconds of its clock. */
async function probeOf(answers: Answer[], query: Partial<ProbeQuery> = {}, takes = 20) {
  let time = 0;
  const { address, asked, stop } = await startAnswering(() => {
    time += takes;
    return answers.shift() ?? { body: healthy };
  });
  closing.push(stop);
  const clock = { now: () => time, sleep: async () => undefined };
  const given = { path: '/health?full=1', status: undefined, within: undefined, json: [], ...query };
  const world = { env: {}, clock };
  const source = probeSource(given, reach('the service at', { address }, world), world);
  return { source, asked, stop, look: (): Promise<Look> => source.look({ from: 0, to: 0 }, signal) };
}

const seen = (look: Look) => (look.kind === 'sightings' ? look.sightings.map(({ text }) => text) : look.kind);

describe('a probe', () => {
  it('asks once, and sees nothing where all is as it has to be', async () => {
    const json = [
      { path: '$.status', equals: 'healthy' },
      { path: '$.checks[*].ms', below: 50 },
      { path: '$.service', matches: '^user' },
    ];
    const { look, asked } = await probeOf([], { json, within: 100 });
    expect(seen(await look())).toEqual([]);
    expect(asked.map(({ path, parameters }) => [path, parameters.get('full')])).toEqual([['/health', '1']]);
  });

  it.each<[string, Answer, Partial<ProbeQuery>, string]>([
    ['another status', { status: 503, body: 'starting' }, {}, 'HTTP 503, accepted 200 to 299: starting'],
    ['a status that is not named', { status: 200, body: '' }, { status: [204] }, 'HTTP 200, accepted 204'],
    ['a late answer', { body: healthy }, { within: 10 }, 'it took 20ms, longer than 10ms'],
    ['no JSON', { body: '<html>' }, { json: [{ path: '$.a', equals: 1 }] }, 'the answer is no JSON'],
    [
      'an answer that is nested too deeply to be searched',
      { body: `${'['.repeat(180)}1${']'.repeat(180)}` },
      { json: [{ path: '$..ms', below: 5 }] },
      'the answer is nested too deeply for $..ms',
    ],
    [
      'a value that is not there',
      { body: {} },
      { json: [{ path: '$.status', equals: 'up' }] },
      '$.status is not there',
    ],
    [
      'another value',
      { body: { status: 'down' } },
      { json: [{ path: '$.status', equals: 'up' }] },
      '$.status is "down", and has to be "up"',
    ],
    [
      'one of several',
      { body: healthy },
      { json: [{ path: '$.checks[*].ms', below: 20 }] },
      '$.checks[*].ms is 30, and has to be below 20',
    ],
    [
      'a text that does not match',
      { body: { v: '2.1' } },
      { json: [{ path: '$.v', matches: '^1' }] },
      '$.v is "2.1", and has to match ^1',
    ],
    [
      'a value that it must not have',
      { body: { state: 'down' } },
      { json: [{ path: '$.state', 'not-equals': 'down' }] },
      '$.state is "down", and must not be that',
    ],
    [
      'a number below the least',
      { body: { n: 9 } },
      { json: [{ path: '$.n', 'at-least': 9.5, 'at-most': 20 }] },
      '$.n is 9, and has to be at least 9.5',
    ],
    [
      'a number above the most',
      { body: { n: 21 } },
      { json: [{ path: '$.n', 'at-least': 9.5, 'at-most': 20 }] },
      '$.n is 21, and has to be at most 20',
    ],
    [
      'a text for a number',
      { body: { n: '9' } },
      { json: [{ path: '$.n', above: 1 }] },
      '$.n is "9", and has to be above 1',
    ],
  ])('sees %s', async (_, answer, query, text) => {
    const { look, asked } = await probeOf([answer], query);
    expect(seen(await look())).toEqual([text]);
    expect(asked).toHaveLength(1);
  });

  it('accepts the limits of numbers that have to be at least or at most so', async () => {
    const json = [{ path: '$.n', 'at-least': 5, 'at-most': 5, 'not-equals': '5' }];
    const { look } = await probeOf([{ body: { n: 5 } }], { json });
    expect(seen(await look())).toEqual([]);
  });

  it('compares what JSON calls equal, also numbers of 64 bits', async () => {
    const json = [{ path: '$.id', equals: Number('12345678901234567890') }];
    const { look } = await probeOf([{ body: '{"id": 12345678901234567890}' }], { json });
    expect(seen(await look())).toEqual([]);
  });

  it('knows nothing of a URL that never answered, and sees harm where it has', async () => {
    const never = await probeOf([]);
    await never.stop();
    await expect(never.look()).rejects.toThrow('did not answer');
    const once = await probeOf([]);
    await once.source.preflight(signal);
    await once.stop();
    expect(seen(await once.look())).toEqual([expect.stringContaining('did not answer GET /health')]);
  });
});

describe('assertions', () => {
  it.each<[string, string | undefined, string]>([
    ['$.[', undefined, 'is no JSONPath'],
    ['$[?match(@.a, "(a+)+b")]', undefined, 'match() or search()'],
    [`$${'.a'.repeat(300)}`, undefined, 'is too long'],
    ['$.a', '(', 'RE2'],
  ])('%s with %s is refused before anything is asked', async (path, matches, problem) => {
    await expect(checkAssertions([{ path, matches }])).rejects.toThrow(problem);
  });
});

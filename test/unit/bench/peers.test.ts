import { describe, expect, it } from 'vitest';
import type { Sent } from '../../../lab/cluster/load.ts';
import { seen } from '../../bench/peers/client.ts';
import type { Job } from '../../bench/peers/measure.ts';
import type { Result } from '../../bench/peers/results.ts';
import { jobsOf, whole } from '../../bench/peers/schedule.ts';
import { table } from '../../bench/peers/table.ts';

const answer = (at: number, version: string, status = 200): Sent => ({
  at,
  milliseconds: 2,
  status,
  version,
  pod: 'p',
});

describe('what the client of a release saw', () => {
  const sent = [
    answer(0, 'v1'),
    answer(1_000, 'v2'),
    answer(2_000, 'v2', 500),
    answer(3_000, '-', 503),
    answer(4_000, 'other side closed', 0),
    answer(5_000, 'v1', 500),
  ];

  it('counts what the new version answered, what of it was bad, and what nobody answered', () => {
    expect(seen(sent, undefined)).toMatchObject({ canary: 2, bad: 1, lost: 2, seconds: 1 });
  });

  it('takes lost requests for the canary’s once its pods crash', () => {
    expect(seen(sent, 1_500)).toMatchObject({ canary: 2, seconds: 2.5 });
  });
});

const nameOf = ({ tool, config, fault }: Job) => `${tool} ${config} ${fault}`;

describe('the schedule', () => {
  it('has five releases of the plans that are compared, mixed, after one of each sample', () => {
    const counts = Map.groupBy(jobsOf(whole, []), nameOf);
    expect(counts.get('sluice-pods hold 100%')).toHaveLength(5);
    expect(counts.get('flagger ramp crash')).toHaveLength(5);
    expect(counts.get('argo sample 100%')).toHaveLength(1);
    expect([...counts.keys()]).not.toContain('flagger hold 100%');
  });

  it('leaves out what was measured before', () => {
    const [first, ...others] = jobsOf(whole, []);
    if (!first) throw new Error('nothing to measure');
    expect(jobsOf(whole, [first]).map(nameOf)).toEqual(others.map(nameOf));
    expect(jobsOf(whole, [...jobsOf(whole, []), first])).toEqual([]);
  });
});

describe('the table', () => {
  const one: Result = {
    id: 'a',
    tool: 'argo',
    config: 'ramp',
    fault: '100%',
    at: '2026-11-26T09:00:00.000Z',
    verdict: 'rolled-back',
    reason: '',
    duration: 9,
    requests: 3_000,
    canary: 20,
    bad: 20,
    seconds: 4,
    lost: 0,
    p99: 5,
  };

  it('gives medians with ranges, and counts of promoted releases nothing but their time', () => {
    const promoted: Result = { ...one, verdict: 'promoted', canary: 9_000, duration: 130 };
    const row = table([one, { ...one, canary: 30, bad: 30, seconds: 6, lost: 2 }, promoted])
      .split('\n')
      .at(-1);
    expect(row).toBe(
      '| 100 % errors | argo | ramp | 2 of 3 | 5 (4 to 6) | 25 (20 to 30), mean 25 | 25 (20 to 30) | 2 in 1 of 3 runs | 1 promoted, after 130 s |',
    );
  });
});

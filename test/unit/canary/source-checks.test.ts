import { describe, expect, it } from 'vitest';
import { rollout } from '../../../src/canary/rollout.ts';
import type { SourceCheck } from '../../../src/canary/world.ts';
import { SluiceError } from '../../../src/core/errors.ts';
import type { Source } from '../../../src/gates/ports.ts';
import type { Look, Window } from '../../../src/judge/looks/look.ts';
import { numberRule } from '../../../src/judge/looks/value-rules.ts';
import { type Cluster, createCluster, createOptions, createWorld } from '../../support/domain-world.ts';

const running = () => new AbortController().signal;
const second = 1_000;
const step = (weight: number, time: number) => ({ weight, least: time, most: time, early: false, hold: false });
const plan = { steps: [step(10, 60 * second), step(50, 60 * second), step(100, 0)] };

interface Asked {
  readonly lag?: number;
  readonly onBreach?: SourceCheck['onBreach'];
  readonly preflight?: Source['preflight'];
  readonly uncounted?: boolean;
}

/** A world with one check, whose looks are answered by a function. */
function worldWith(
  cluster: Cluster,
  answer: (window: Window) => Look,
  {
    lag = 0,
    onBreach = 'rollback',
    preflight = async () => ({ evidence: 'the log is there' }),
    uncounted = false,
  }: Asked = {},
) {
  const windows: Window[] = [];
  const source: Source = {
    kind: 'pod-logs',
    asked: 'lines',
    permissions: [],
    lag,
    preflight,
    async look(window) {
      windows.push(window);
      return answer(window);
    },
  };
  const rule = numberRule({ most: 0, words: 'lines match' });
  const check: SourceCheck = { name: 'panics', source, rule, window: Number.POSITIVE_INFINITY, onBreach };
  const world = createWorld(cluster, { uncounted });
  return { world: { ...world, judge: { ...world.judge, checks: [check] } }, windows };
}

const counts = (bad: number): Look => ({ kind: 'counts', total: bad, bad });
const run = (cluster: Cluster, world: ReturnType<typeof worldWith>['world']) =>
  cluster.clock.run(rollout(world, createOptions({ plan }), running()));

describe('a check that asks something else than the meter', () => {
  it('lets a canary through that nothing speaks against, and counts since its first request without a gap', async () => {
    const cluster = createCluster();
    const { world, windows } = worldWith(cluster, () => counts(0));
    expect(await run(cluster, world)).toMatchObject({ verdict: 'promoted' });
    const shifted = world.events.find(({ type }) => type === 'shifted')?.at ?? Number.NaN;
    expect(windows[0]?.from).toBeLessThanOrEqual(shifted);
    expect(shifted - (windows[0]?.from ?? 0)).toBeLessThan(second);
    for (const [index, { from }] of windows.entries()) if (index > 0) expect(from).toBe(windows[index - 1]?.to);
  });

  it('rolls back in the look that proves a breach', async () => {
    const cluster = createCluster();
    let begun: number | undefined;
    const { world } = worldWith(cluster, ({ to }) => {
      begun ??= to;
      return counts(to - begun > 30 * second ? 1 : 0);
    });
    const outcome = await run(cluster, world);
    expect(outcome).toMatchObject({ verdict: 'rolled-back', reason: 'panics: 1 lines match, accepted 0' });
    const breach = world.events.find(({ type }) => type === 'breach')?.at ?? Number.NaN;
    expect(breach - (begun ?? 0)).toBeLessThanOrEqual(33 * second);
    expect(cluster.weight).toBe(0);
  });

  it('only warns where it is asked to', async () => {
    const cluster = createCluster();
    const { world } = worldWith(cluster, () => counts(3), { onBreach: 'warn' });
    expect(await run(cluster, world)).toMatchObject({ verdict: 'promoted' });
    expect(world.events).toContainEqual(
      expect.objectContaining({
        type: 'looked',
        opinion: expect.objectContaining({ check: 'panics', state: 'breach' }),
      }),
    );
  });

  it('without data keeps the first step from ending well, and at last ends as no data do', async () => {
    const cluster = createCluster();
    const { world } = worldWith(cluster, () => ({ kind: 'missing', reason: 'Loki is away' }));
    const outcome = await run(cluster, world);
    expect(outcome).toMatchObject({ verdict: 'rolled-back' });
    expect(world.events.at(-1)).toMatchObject({ type: 'ended', reached: 10 });
    expect(outcome.reason).toContain('panics has no data: Loki is away');
  });

  it('has to look at each step: one with a lag keeps a step until it has seen a time in it', async () => {
    const cluster = createCluster();
    const lag = 90 * second;
    const { world, windows } = worldWith(cluster, () => counts(0), { lag });
    expect(await run(cluster, world)).toMatchObject({ verdict: 'promoted' });
    const entered = world.events.flatMap((event) => (event.type === 'shifted' ? [event.at] : []));
    // The second step begins only after the check has seen the first one, and so on.
    for (const [index, at] of entered.slice(1, 3).entries()) {
      expect(at - (entered[index] ?? 0)).toBeGreaterThanOrEqual(lag);
    }
    expect(windows.every(({ from, to }) => from < to)).toBe(true);
  });

  it('is enough to judge a service whose requests are not counted', async () => {
    const cluster = createCluster();
    const { world } = worldWith(cluster, () => counts(1), { uncounted: true });
    expect(await run(cluster, world)).toMatchObject({ verdict: 'rolled-back' });
    const healthy = createCluster();
    const { world: good } = worldWith(healthy, () => counts(0), { uncounted: true });
    expect(await run(healthy, good)).toMatchObject({ verdict: 'promoted' });
  });

  it('is not asked any more once the new version is the stable one', async () => {
    const cluster = createCluster();
    const { world, windows } = worldWith(cluster, () => counts(0));
    await run(cluster, world);
    const promoted = world.events.findLast(({ type }) => type === 'shifted')?.at ?? Number.NaN;
    expect(windows.at(-1)?.to).toBeLessThanOrEqual(promoted + 5 * second);
  });
});

describe('before the first write', () => {
  const failing = (code: 'forbidden' | 'not-found') => async (): Promise<never> => {
    throw new SluiceError(code, { about: 'Loki', problem: 'says no.', next: 'Ask again.' });
  };

  it('a check that can not be asked is refused, and nothing is changed', async () => {
    const cluster = createCluster();
    const { world } = worldWith(cluster, () => counts(0), { preflight: failing('forbidden') });
    await expect(run(cluster, world)).rejects.toMatchObject({ code: 'forbidden', about: 'Loki' });
    expect(cluster).toMatchObject({ weight: 0, record: undefined });
  });

  it('what comes with the canary is waited for', async () => {
    const cluster = createCluster();
    let isThere = false;
    cluster.after = (name) => {
      isThere ||= name.startsWith('router.shift');
    };
    const preflight: Source['preflight'] = async () => (isThere ? { evidence: 'it is there' } : failing('not-found')());
    const { world } = worldWith(cluster, () => counts(0), { preflight });
    expect(await run(cluster, world)).toMatchObject({ verdict: 'promoted' });
    expect(world.events).toContainEqual(
      expect.objectContaining({ type: 'warning', message: expect.stringContaining('panics has no data yet: ') }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dryRun } from '../../../src/canary/dry-run.ts';
import { fitPlan } from '../../../src/canary/fit-plan.ts';
import { rollout } from '../../../src/canary/rollout.ts';
import { longestTime } from '../../../src/judge/plan.ts';
import { parsePlan, printPlan } from '../../../src/judge/plan-syntax.ts';
import { attainableBy } from '../../../src/routes/weights/replicas-plan.ts';
import { type Cluster, createCluster, createOptions, createWorld } from '../../support/domain-world.ts';

const running = () => new AbortController().signal;
const by = (pods: number) => (weight: number) => attainableBy(pods, weight);

describe('a plan by pods', () => {
  it.each([
    [2, '5 for 2m, 25 for 5m, 50 for 5m, 100', '50 for 12m, 100'],
    [4, '5 for 2m, 25 for 5m, 50 for 5m, 100', '25 for 7m, 50 for 5m, 100'],
    [20, '5 for 2m, 25 for 5m, 50 for 5m, 100', '5 for 2m, 25 for 5m, 50 for 5m, 100'],
    [3, '33 for 2m, 100', '33 for 2m, 100'],
    [2, '10 for 2m to 10m, 20 for 5m then hold, 100 for 5m', '50 for 7m to 15m then hold, 100 for 5m'],
    [1, '5 for 2m, 100', '50 for 2m, 100'],
  ])('of %d: %s', (pods, asked, given) => {
    expect(printPlan(fitPlan(parsePlan(asked), by(pods)).plan)).toBe(given);
  });

  it('says why each weight can not be given', () => {
    expect(fitPlan(parsePlan('5 for 2m, 25 for 5m, 50 for 5m, 100'), by(2)).why).toEqual([
      '5 % needs 20 pods, and there are 2: 50 %',
      '25 % needs 4 pods, and there are 2: 50 %',
    ]);
  });

  it('is a plan to copy, which takes as long as the one that was asked for', () => {
    const weights = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 40 }), (picked, pods) => {
        const rising = picked.toSorted((a, b) => a - b);
        const asked = parsePlan([...rising.map((weight) => `${weight} for 2m`), '100'].join(', '));
        const { plan } = fitPlan(asked, by(pods));
        expect(parsePlan(printPlan(plan))).toEqual(plan);
        expect(longestTime(plan)).toBe(longestTime(asked));
        expect(fitPlan(plan, by(pods))).toEqual({ plan, why: [] });
      }),
      { examples: [[[12, 10], 16]] },
    );
  });
});

describe('a rollout whose weights are pods', () => {
  const worldOf = (cluster: Cluster, owner = 'run-1') => {
    const world = createWorld(cluster, { owner });
    const plans: string[] = [];
    return {
      ...world,
      plans,
      forecast: (...[, plan]: Parameters<typeof world.forecast>) => {
        plans.push(printPlan(plan));
        return world.forecast({ traffic: true, requestsPerSecond: 1, evidence: '' }, plan);
      },
      router: { ...world.router, attainable: (_: unknown, weight: number) => attainableBy(2, weight) },
    };
  };
  const options = (change = {}) => createOptions({ plan: parsePlan('5 for 1m, 25 for 1m, 100'), ...change });

  it('says before it starts what the pods can give, with a plan to copy, and does just that', async () => {
    const cluster = createCluster();
    const world = worldOf(cluster);
    const outcome = await cluster.clock.run(rollout(world, options(), running()));
    expect(outcome.verdict).toBe('promoted');
    const [started, warning] = world.events;
    expect(started).toMatchObject({ type: 'started', plan: { steps: [{ weight: 50 }, { weight: 100 }] } });
    expect(warning).toMatchObject({
      type: 'warning',
      message: expect.stringMatching(/5 % needs 20 pods, and there are 2: 50 %; 25 % .* steps: "50 for 2m, 100"$/),
    });
    expect(world.plans).toEqual(['50 for 2m, 100']);
    expect(world.events.flatMap((event) => (event.type === 'shifted' ? event.to : []))).toEqual([50, 100]);
  });

  it('shows the same in a dry run', async () => {
    const cluster = createCluster();
    const world = worldOf(cluster);
    await cluster.clock.run(dryRun(world, options(), running()));
    expect(world.events.map(({ type }) => type).slice(0, 2)).toEqual(['started', 'warning']);
    expect(world.plans).toEqual(['50 for 2m, 100']);
  });

  it('goes on where it was, by the pods that were there before it', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 20_000, () => {
      cluster.commands.push({ verb: 'freeze', by: 'bob', why: '' });
    });
    const frozen = await cluster.clock.run(rollout(worldOf(cluster), options(), running()));
    expect(frozen).toMatchObject({ verdict: 'frozen', weight: 50 });
    const next = worldOf(cluster, 'run-2');
    const outcome = await cluster.clock.run(rollout(next, options({ id: 'run-2' }), running()));
    expect(outcome.verdict).toBe('promoted');
    expect(next.events.flatMap((event) => (event.type === 'shifted' ? event.to : []))).toEqual([50, 100]);
  });

  it('is refused for what it would be refused for anyway', async () => {
    const cluster = createCluster();
    cluster.before = (name) => {
      if (name === 'router.inspect') throw new Error('refused');
    };
    await expect(cluster.clock.run(rollout(worldOf(cluster), options(), running()))).rejects.toThrow('refused');
  });
});

import { expect, it } from 'vitest';
import { rollout } from '../../../src/canary/rollout.ts';
import { createCluster, createOptions, createWorld } from '../../support/domain-world.ts';

const running = () => new AbortController().signal;
const minute = 60_000;

it.each([
  ['a later step', { step: 3 }],
  ['a step that the plan does not have', { step: 99 }],
  ['the weight of a later step', { step: 3, weight: { from: 25, to: 100 } }],
  ['a promotion', { phase: 'promoting' as const, step: 3 }],
])(
  'a rollout that is taken up takes every step that the route has not got to, though its record says %s',
  async (_, said) => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 1.5 * minute, () => {
      cluster.commands.push({ verb: 'freeze', by: 'bob', why: '' });
    });
    await cluster.clock.run(rollout(createWorld(cluster), createOptions(), running()));
    expect(cluster).toMatchObject({ weight: 25, record: { phase: 'paused', step: 1 } });
    if (!cluster.record) throw new Error('it was recorded');
    cluster.record = { ...cluster.record, ...said };
    const world = createWorld(cluster, { owner: 'run-2' });
    const outcome = await cluster.clock.run(rollout(world, createOptions({ id: 'run-2' }), running()));
    expect(outcome.verdict).toBe('promoted');
    const weights = world.events.flatMap((event) => (event.type === 'shifted' ? [event.to] : []));
    expect(weights).toEqual(expect.arrayContaining([50, 100]));
  },
);

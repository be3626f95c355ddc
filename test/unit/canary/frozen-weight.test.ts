import { describe, expect, it } from 'vitest';
import { outputsOf } from '../../../src/actions/canary/outputs.ts';
import { recover } from '../../../src/canary/recover.ts';
import { rollout } from '../../../src/canary/rollout.ts';
import { undoUnfinishedRollout } from '../../../src/canary/unfinished.ts';
import { withEvent } from '../../../src/report/canary-report.ts';
import { renderSummary } from '../../../src/report/canary-summary.ts';
import { emptyReport } from '../../../src/report/empty-report.ts';
import { type Cluster, createCluster, createOptions, createWorld } from '../../support/domain-world.ts';

const running = () => new AbortController().signal;

function edit(cluster: Cluster, after: number): void {
  cluster.clock.at(cluster.clock.now() + after, () => {
    cluster.weight = 40;
  });
}

async function released(cluster: Cluster) {
  const world = createWorld(cluster);
  await cluster.clock.run(rollout(world, createOptions(), running()));
  return world;
}

/** The rollout's process ends without a way back, and leaves 5 % at the canary. */
async function killed(cluster: Cluster): Promise<void> {
  let dead = false;
  cluster.before = () => {
    if (dead) throw new Error('killed');
  };
  cluster.clock.at(cluster.clock.now() + 30_000, () => {
    dead = true;
  });
  const main = rollout(createWorld(cluster), createOptions({ undoTimeout: 1_000 }), running());
  await expect(cluster.clock.run(main)).rejects.toThrow('killed');
  cluster.before = () => undefined;
}

/** Everything that is told of how it ended. */
function told({ events }: { readonly events: readonly Parameters<typeof withEvent>[1][] }) {
  const report = events.reduce(withEvent, emptyReport);
  const [heading] = renderSummary(report).split('\n');
  return { verdict: report.outcome?.verdict, output: outputsOf(report, 'r.json').weight, heading };
}

/** Somebody sets 40 %, which is in no plan. */
const one = { verdict: 'frozen', output: '40', heading: expect.stringMatching(/^## 🧊 Frozen at 40 %/) };

describe('the weight that is told of a rollout that is frozen since somebody else edited the route', () => {
  it('is what the route shows, where the next shift meets it', async () => {
    const cluster = createCluster();
    edit(cluster, 30_000);
    expect(told(await released(cluster))).toEqual(one);
  });

  it('is what the route shows, where the way back meets it', async () => {
    const cluster = createCluster();
    cluster.errorRate.canary = () => 0.05;
    edit(cluster, 2_000);
    expect(told(await released(cluster))).toEqual(one);
  });

  it('is what the route shows, where nobody has met it: it was frozen by a command', async () => {
    const cluster = createCluster();
    edit(cluster, 20_000);
    cluster.clock.at(cluster.clock.now() + 21_000, () => {
      cluster.commands.push({ verb: 'freeze', by: 'bob', why: '' });
    });
    expect(told(await released(cluster))).toEqual(one);
  });

  it('is what the route shows, where the post step meets it', async () => {
    const cluster = createCluster();
    await killed(cluster);
    cluster.weight = 40;
    const world = createWorld(cluster);
    await cluster.clock.run(recover(world, createOptions(), running()));
    expect(told(world)).toEqual(one);
  });

  it('is what the route shows, where the post step tells an end that was recorded', async () => {
    const cluster = createCluster();
    edit(cluster, 30_000);
    await released(cluster);
    const world = createWorld(cluster);
    await cluster.clock.run(recover(world, createOptions(), running()));
    expect(told(world)).toEqual(one);
  });

  it('is what the route shows, where a later run is to undo it', async () => {
    const cluster = createCluster();
    await killed(cluster);
    cluster.lease = undefined;
    cluster.weight = 40;
    const world = createWorld(cluster, { owner: 'run-2' });
    await cluster.clock.run(undoUnfinishedRollout(world, createOptions({ id: 'run-2' }), running()));
    expect(told(world)).toEqual(one);
  });

  it('is the last one that was written where the route can not be read', async () => {
    const cluster = createCluster();
    cluster.clock.at(cluster.clock.now() + 20_000, () => {
      cluster.commands.push({ verb: 'freeze', by: 'bob', why: '' });
    });
    const frozen = await released(cluster);
    expect(told(frozen)).toEqual({ verdict: 'frozen', output: '5', heading: expect.stringContaining('Frozen at 5 %') });
  });
});

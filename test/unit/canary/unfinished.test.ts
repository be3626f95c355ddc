import { describe, expect, it } from 'vitest';
import { outputsOf } from '../../../src/actions/canary/outputs.ts';
import { recover } from '../../../src/canary/recover.ts';
import { rollout } from '../../../src/canary/rollout.ts';
import { undoUnfinishedRollout } from '../../../src/canary/unfinished.ts';
import { SluiceError } from '../../../src/core/errors.ts';
import { withEvent } from '../../../src/report/canary-report.ts';
import { renderSummary } from '../../../src/report/canary-summary.ts';
import { emptyReport } from '../../../src/report/empty-report.ts';
import { sentenceOf } from '../../../src/report/sentences.ts';
import { type Cluster, createCluster, createOptions, createWorld } from '../../support/domain-world.ts';

const running = () => new AbortController().signal;
const left = [{ object: 'Deployment shop/checkout', shows: 'container app has shop:2' }];

/** A bad canary whose undo leaves the stable workload on the new version. */
async function undoneInPart(cluster: Cluster) {
  cluster.errorRate.canary = () => 0.3;
  cluster.left = left;
  const world = createWorld(cluster);
  const outcome = await cluster.clock.run(rollout(world, createOptions(), running()));
  return { world, outcome };
}

function reportOf({ events }: { readonly events: Parameters<typeof withEvent>[1][] }) {
  return events.reduce(withEvent, emptyReport);
}

describe('an undo that can not take everything back', () => {
  it('is held, names what is left, and does not say that the route is as found', async () => {
    const cluster = createCluster();
    const { world, outcome } = await undoneInPart(cluster);
    expect(outcome).toMatchObject({ verdict: 'held', passed: false, left, routeRestored: false });
    expect(outcome.reason).toMatch(/^error-rate: .*Deployment shop\/checkout \(container app has shop:2\)$/);
    const told = world.events.flatMap((event) =>
      event.type === 'interval' || event.type === 'looked' || event.type === 'planned' || event.type === 'pod-details'
        ? []
        : [sentenceOf(event).text],
    );
    expect(told.filter((text) => text.includes('as it was found'))).toEqual([]);
    expect(told.at(-1)).toMatch(/^Held at 0 %: /);
    expect(outputsOf(reportOf(world), 'report.json')).toMatchObject({
      verdict: 'held',
      left: 'Deployment shop/checkout',
    });
    expect(renderSummary(reportOf(world))).toContain('`Deployment shop/checkout` is still of the new version');
  });

  it('is gone on with by the next run', async () => {
    const cluster = createCluster();
    await undoneInPart(cluster);
    expect(cluster).toMatchObject({ weight: 0, record: { phase: 'undoing', verdict: 'held', left } });
    cluster.left = [];
    const next = createOptions({ id: 'run-2' });
    const undone = await cluster.clock.run(
      undoUnfinishedRollout(createWorld(cluster, { owner: 'run-2' }), next, running()),
    );
    expect(undone).toMatchObject({ verdict: 'rolled-back' });
    expect(undone?.left).toBeUndefined();
    expect(cluster.record).toMatchObject({ phase: 'ended', verdict: 'rolled-back' });
    expect(cluster.record?.left).toBeUndefined();
  });

  it('does not keep another release from being made', async () => {
    const cluster = createCluster();
    await undoneInPart(cluster);
    cluster.errorRate.canary = () => 0.005;
    const world = createWorld(cluster, { owner: 'run-2' });
    const mended = createOptions({ id: 'run-2', fingerprint: 'plan-b' });
    expect((await cluster.clock.run(rollout(world, mended, running()))).verdict).toBe('promoted');
  });

  it('is told by the post step where the main process was killed before it could', async () => {
    const cluster = createCluster();
    cluster.before = (name) => {
      if (name === 'ledger.release') throw new Error('killed');
    };
    await expect(undoneInPart(cluster)).rejects.toThrow('killed');
    cluster.before = () => undefined;
    const told = await recover(createWorld(cluster), createOptions(), running());
    expect(told).toMatchObject({ verdict: 'held', left, reason: expect.stringContaining('still of the new version') });
  });
});

it('a whole undo says that the route is as found once the arms were seen to be', async () => {
  const cluster = createCluster();
  cluster.errorRate.canary = () => 0.3;
  const world = createWorld(cluster);
  await cluster.clock.run(rollout(world, createOptions(), running()));
  const types = world.events.map(({ type }) => type);
  expect(types.indexOf('undone')).toBeGreaterThan(types.indexOf('restored'));
});

it('a promotion that is not proven after the route went back is held at the weight that the route has', async () => {
  const cluster = createCluster();
  cluster.before = (name) => {
    if (name === 'arms.verify') {
      throw new SluiceError('not-ready', { about: 'Deployment shop/checkout', problem: 'runs shop:1.', next: 'Look.' });
    }
  };
  const world = createWorld(cluster);
  const outcome = await cluster.clock.run(rollout(world, createOptions(), running()));
  expect(outcome.verdict).toBe('held');
  expect(cluster.weight).toBe(0);
  expect(cluster.record?.weight.to).toBe(0);
  const ended = world.events.findLast((event) => event.type === 'ended');
  expect(ended && sentenceOf(ended).text).toMatch(/^Held at 0 %: the promotion could not be finished/);
});

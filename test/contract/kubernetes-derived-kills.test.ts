import { describe, expect, test } from 'vitest';
import type { Arms } from '../../src/canary/ports.ts';
import { Crash, dyingClient } from '../support/embedded-cluster.ts';
import { putAutoscaler } from '../support/shop.ts';
import { armsOf, cluster, contents, learn, newConfig, openConfiguredShop, signal } from './derived-arms-cluster.ts';

describe('killed at any request and run again', () => {
  interface Story {
    readonly title: string;
    /** What has happened before. */
    readonly before: readonly Act[];
    readonly act: Act;
  }
  type Act = (arms: Arms, snapshot: Awaited<ReturnType<Arms['inspect']>>) => Promise<unknown>;
  const prepare: Act = (arms, snapshot) => arms.prepare(snapshot, 100, signal);
  const promote: Act = (arms, snapshot) => arms.promote(snapshot, learn, signal);
  const retire: Act = (arms, snapshot) => arms.retire(snapshot, signal);
  const undo: Act = (arms, snapshot) => arms.undo(snapshot, signal);
  const stories: Story[] = [
    { title: 'prepare', before: [], act: prepare },
    { title: 'promote', before: [prepare], act: promote },
    { title: 'retire', before: [prepare, promote], act: retire },
    { title: 'undo of a canary', before: [prepare], act: undo },
    { title: 'undo of a promotion', before: [prepare, promote], act: undo },
  ];

  async function play({ before, act }: Story, death: number) {
    const namespace = await openConfiguredShop(2);
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 6 });
    const release = { config: newConfig(namespace) };
    const end = new AbortController();
    const lifetime = AbortSignal.any([end.signal, cluster.lifetime]);
    const healthy = armsOf(namespace, release, { lifetime });
    const snapshot = await healthy.inspect(signal);
    for (const step of before) await step(healthy, snapshot);
    let died = false;
    try {
      await act(armsOf(namespace, release, { lifetime, client: dyingClient(cluster.client, death) }), snapshot);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      died = true;
    }
    await act(armsOf(namespace, release, { lifetime }), snapshot);
    end.abort();
    return {
      died,
      contents: (await contents(namespace)).map((text) => text.replace(/sluice\.dev\/config-checksum":"\w+/, '')),
    };
  }

  test.each(stories)('$title ends in the same state', { timeout: 120_000 }, async (story) => {
    const { contents: expected } = await play(story, Number.POSITIVE_INFINITY);
    let survived = false;
    for (let death = 1; !survived; death += 8) {
      const runs = await Promise.all(Array.from({ length: 8 }, (_, offset) => play(story, death + offset)));
      for (const run of runs) expect(run.contents).toEqual(expected);
      survived = runs.some(({ died }) => !died);
    }
  });
});

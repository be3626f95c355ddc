import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/core/errors.ts';
import { concludeLeft } from '../../../src/drills/conclude.ts';
import { drill } from '../../../src/drills/drill.ts';
import type { DrillRecord } from '../../../src/drills/record.ts';
import { away, createDrillBench, drillOptions, failed, passed } from '../../support/drill-world.ts';

const never = new AbortController().signal;
const FAULT = 'pod-kill on app=checkout one';
const LONG = { below: 0.9, lasts: 10_000, least: 10, text: 'success below 90% for 10s' };

describe('A drill', () => {
  it('finds a service resilient whose users feel nothing of a fault that was felt', async () => {
    const bench = createDrillBench();
    const outcome = await bench.clock.run(drill(bench.world, drillOptions(), never));
    expect(outcome).toMatchObject({ verdict: 'resilient', left: [], faults: [{ effect: { felt: 'felt' } }] });
    expect(outcome.faults[0]?.measured).toMatchObject({ lost: 0, recovery: { fromInjection: 0, fromRemoval: 0 } });
    expect(bench.acts).toEqual(['save 0', 'save 1', `inject ${FAULT}`, `remove ${FAULT}`, 'save 0', 'close']);
    expect(bench.record).toBeUndefined();
  });

  it('finds one not resilient whose users lose more than they may, and says until when', async () => {
    const bench = createDrillBench({ goodWhile: (injected) => (injected.size > 0 ? 0.5 : 1) });
    const outcome = await bench.clock.run(drill(bench.world, drillOptions(), never));
    expect(outcome.verdict).toBe('not-resilient');
    const [fault] = outcome.faults;
    expect(fault?.measured?.lost).toBeGreaterThan(190);
    expect(fault?.measured?.recovery?.fromInjection).toBeGreaterThan(19_000);
    expect(fault?.measured?.recovery?.fromRemoval).toBeLessThan(100);
    expect(fault?.targets.map(({ state }) => state)).toEqual(['failed', 'passed']);
  });

  it('saves what it is about to inject before it does', async () => {
    const bench = createDrillBench({ faults: [{ text: 'one' }, { text: 'two' }] });
    await bench.clock.run(drill(bench.world, drillOptions({ pauses: [0, 30_000] }), never));
    expect(bench.acts).toEqual([
      ...['save 0', 'save 1', 'inject one', 'remove one', 'save 0'],
      ...['save 1', 'inject two', 'remove two', 'save 0', 'close'],
    ]);
    const at = (type: string, index: number) =>
      bench.events.find((event) => event.type === type && 'index' in event && event.index === index)?.at ?? 0;
    expect(at('injecting', 1) - at('measured', 0)).toBeGreaterThanOrEqual(30_000);
  });

  it('writes nothing in a dry run, and shows what would be hit', async () => {
    const bench = createDrillBench();
    const outcome = await bench.clock.run(drill(bench.world, drillOptions({ dryRun: true }), never));
    expect(outcome.verdict).toBeUndefined();
    expect(bench.acts).toEqual([]);
    expect(bench.events).toContainEqual(
      expect.objectContaining({
        type: 'aimed',
        aim: expect.objectContaining({ writes: ['delete Pod shop/checkout-1'] }),
      }),
    );
  });

  it('injects nothing where the steady state is not proven', async () => {
    const bench = createDrillBench({ steady: async () => failed });
    const outcome = await bench.clock.run(drill(bench.world, drillOptions(), never));
    expect(outcome).toMatchObject({
      verdict: 'aborted',
      reason: expect.stringMatching(/errors: 5 %.*Nothing was injected/),
    });
    expect(bench.acts).toEqual([]);
  });

  it('refuses a fault that would hit more than it may', async () => {
    const bench = createDrillBench();
    const limits = { maxPods: 1, maxShare: 0.3, namespaces: ['shop'] };
    await expect(bench.clock.run(drill(bench.world, drillOptions({ limits }), never))).rejects.toThrow(/1 of 3 pods/);
    const elsewhere = { maxPods: 1, maxShare: 1, namespaces: ['other'] };
    const other = createDrillBench();
    await expect(other.clock.run(drill(other.world, drillOptions({ limits: elsewhere }), never))).rejects.toThrow(
      /hit pods in shop/,
    );
    expect([...bench.acts, ...other.acts]).toEqual([]);
  });

  it('is not resilient where the steady state is not back', async () => {
    const bench = createDrillBench({ steady: async (when) => (when === 'before' ? passed : failed) });
    const outcome = await bench.clock.run(drill(bench.world, drillOptions(), never));
    expect(outcome).toMatchObject({ verdict: 'not-resilient', reason: expect.stringContaining('errors: 5 %') });
  });

  it('never scores a fault that was not felt', async () => {
    const bench = createDrillBench({
      faults: [{ effect: async () => ({ felt: 'not-felt', evidence: 'AllInjected is False' }) }],
    });
    const outcome = await bench.clock.run(drill(bench.world, drillOptions(), never));
    expect(outcome).toMatchObject({ verdict: 'incomplete', reason: expect.stringContaining('AllInjected is False') });
    expect(outcome.score).toBeUndefined();
  });

  it('takes it from the requests where the cluster can not tell', async () => {
    const bench = createDrillBench({
      faults: [{ effect: async () => ({ felt: 'unknown', evidence: 'nobody tells' }) }],
      goodWhile: (injected) => (injected.size > 0 ? 0.5 : 1),
    });
    const outcome = await bench.clock.run(drill(bench.world, drillOptions(), never));
    expect(outcome).toMatchObject({ verdict: 'not-resilient', faults: [{ effect: { felt: 'felt' } }] });
  });
});

describe('A drill with a control arm', () => {
  const asks = 'lost <= 1000';

  it('ends its fault as soon as it is proven that the faulted requests fail more', async () => {
    const bench = createDrillBench({
      hasControl: true,
      faults: [{ lasts: 600_000 }],
      goodWhile: (injected) => (injected.size > 0 ? 0.5 : 1),
    });
    const outcome = await bench.clock.run(drill(bench.world, drillOptions({ asks }), never));
    expect(outcome.verdict).toBe('not-resilient');
    const [fault] = outcome.faults;
    expect(fault?.targets.at(-1)).toMatchObject({
      target: 'no more failures than in the control arm',
      state: 'failed',
    });
    expect((fault?.removedAt ?? 0) - (fault?.injectedAt ?? 0)).toBeLessThan(60_000);
    // Only requests with the header count as those that users would have sent.
    expect(fault?.measured?.requests).toBeLessThan(300);
  });

  it('passes where the faulted requests fail no more', async () => {
    const bench = createDrillBench({ hasControl: true, faults: [{ lasts: 600_000 }] });
    const outcome = await bench.clock.run(drill(bench.world, drillOptions({ asks }), never));
    expect(outcome).toMatchObject({ verdict: 'resilient' });
    expect(outcome.faults[0]?.targets.at(-1)?.state).toBe('passed');
  });
});

describe('A drill that has to stop', () => {
  it('removes the fault as soon as the stop condition is met, and injects no other', async () => {
    const bench = createDrillBench({
      faults: [{ text: 'one', lasts: 600_000 }, { text: 'two' }],
      goodWhile: (injected) => (injected.size > 0 ? 0 : 1),
    });
    const outcome = await bench.clock.run(drill(bench.world, drillOptions({ stopWhen: LONG }), never));
    expect(outcome.verdict).toBe('aborted');
    expect(outcome.reason).toMatch(/success.*90 %/);
    const [fault] = outcome.faults;
    // From the first request that failed to the fault gone: no more than the rule's time and two seconds.
    expect((fault?.removedAt ?? 0) - (fault?.injectedAt ?? 0)).toBeLessThanOrEqual(12_000);
    expect(bench.acts).not.toContain('inject two');
    expect(bench.injected.size).toBe(0);
  });

  it('removes the fault when it is cancelled', async () => {
    const cancel = new AbortController();
    const bench = createDrillBench({ faults: [{ lasts: 600_000 }] });
    bench.clock.at(bench.clock.now() + 20_000, () => cancel.abort(new Error('cancelled')));
    const outcome = await bench.clock.run(drill(bench.world, drillOptions(), cancel.signal));
    expect(outcome).toMatchObject({ verdict: 'aborted', left: [], reason: expect.stringContaining('cancelled') });
    expect(bench.injected.size).toBe(0);
    expect(bench.record).toBeUndefined();
  });

  it('removes a fault whose injection fails half way, and is incomplete', async () => {
    const bench = createDrillBench({
      faults: [
        {
          async inject() {
            throw new SluiceError('failed', { about: 'Pod shop/a', problem: 'was not deleted.', next: 'Look at it.' });
          },
        },
      ],
    });
    const outcome = await bench.clock.run(drill(bench.world, drillOptions(), never));
    expect(outcome).toMatchObject({ verdict: 'incomplete', reason: expect.stringContaining('was not deleted') });
    expect(bench.acts).toContain(`remove ${FAULT}`);
  });

  it('stops where requests can not be followed any more', async () => {
    const bench = createDrillBench({
      faults: [{ lasts: 600_000 }],
      requests: {
        async follow(tell, signal) {
          await bench.clock.sleep(15_000, signal);
          tell.gap(0, 1, 'it is over');
          throw new SluiceError('forbidden', { about: 'Service shop/a', problem: 'may not be asked.', next: 'Ask.' });
        },
      },
    });
    const outcome = await bench.clock.run(drill(bench.world, drillOptions(), never));
    expect(outcome).toMatchObject({ verdict: 'aborted', reason: expect.stringContaining('may not be asked') });
    expect(bench.injected.size).toBe(0);
  });

  it('goes on trying to remove while the API server is away', async () => {
    let tries = 0;
    const bench = createDrillBench({
      async remove() {
        tries += 1;
        if (tries < 5) throw away();
      },
    });
    const outcome = await bench.clock.run(drill(bench.world, drillOptions(), never));
    expect(outcome.verdict).toBe('resilient');
    expect(tries).toBe(5);
  });

  it('says what it could not remove, and keeps it in the record', async () => {
    const bench = createDrillBench({
      async remove() {
        throw new SluiceError('conflict', { about: 'Node n1', problem: 'is of others.', next: 'Uncordon it by hand.' });
      },
    });
    const outcome = await bench.clock.run(drill(bench.world, drillOptions(), never));
    expect(outcome).toMatchObject({ verdict: 'incomplete', left: [expect.stringContaining('Uncordon it by hand')] });
    expect(bench.record).toMatchObject({ faults: [{ text: FAULT }] });
  });
});

describe('What a drill has left that was stopped', () => {
  const record: DrillRecord = {
    schema: 1,
    id: 'run-0',
    startedBy: 'bob',
    startedAt: 0,
    faults: [
      { kind: 'pod-kill', text: 'one', mark: 'one' },
      { kind: 'pod-kill', text: 'two', mark: 'two' },
    ],
  };

  it('is removed by its own post step, the last fault first', async () => {
    const bench = createDrillBench({ record });
    const outcome = await bench.clock.run(concludeLeft(bench.world, drillOptions({ id: 'run-0' }), 'own', never));
    expect(outcome).toMatchObject({ verdict: 'aborted', left: [] });
    expect(bench.acts).toEqual(['remove two', 'save 1', 'remove one', 'save 0', 'close']);
  });

  it('is left to its own run by the post step of another', async () => {
    const bench = createDrillBench({ record });
    expect(await bench.clock.run(concludeLeft(bench.world, drillOptions(), 'own', never))).toBeUndefined();
    expect(bench.acts).toEqual([]);
  });

  it('is removed by a clean-up of any run, and by the next drill before it begins', async () => {
    const cleaned = createDrillBench({ record });
    await cleaned.clock.run(concludeLeft(cleaned.world, drillOptions(), 'any', never));
    expect(cleaned.record).toBeUndefined();
    const next = createDrillBench({ record });
    const outcome = await next.clock.run(drill(next.world, drillOptions(), never));
    expect(next.acts.slice(0, 5)).toEqual(['remove two', 'save 1', 'remove one', 'save 0', 'close']);
    expect(outcome.verdict).toBe('resilient');
  });
});

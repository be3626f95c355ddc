import { expect, it } from 'vitest';
import { createPatience } from '../../../src/apply/patience.ts';
import { creationProblem } from '../../../src/apply/progress.ts';
import type { Sight } from '../../../src/apply/sight.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const signal = new AbortController().signal;
const full = creationProblem('FailedCreate', 'pods "web-1" is forbidden: exceeded quota: small');

/** A Deployment whose pods find no room; pods of its former version may be ending. */
const sight = (isPassing: boolean): Sight => ({
  reference: { type: resources.deployment, namespace: 'shop', name: 'web' },
  progress: { state: 'waiting', text: '', problem: { ...full, isPassing } },
  pods: [],
  warnings: [],
  warningsOf: () => [],
});

it('counts the time of a full quota from when no pod of the workload is ending any more', async () => {
  const clock = createVirtualClock();
  const patience = createPatience(clock);
  const after = async (seconds: number, isPassing: boolean) => {
    await clock.run(clock.sleep(seconds * 1_000, signal));
    return patience.hopeless([sight(isPassing)]).map(({ text }) => text);
  };
  expect(await after(0, true)).toEqual([]);
  expect(await after(60, true)).toEqual([]);
  expect(await after(19, false)).toEqual([]);
  expect(patience.end()).toBe(clock.now() + 1_000);
  expect(await after(1, false)).toEqual([
    'can\'t make its pods (FailedCreate): pods "web-1" is forbidden: exceeded quota: small',
  ]);
});

import { expect, test } from 'vitest';
import { effectOf } from '../../../../../src/drills/faults/chaos-mesh/effect.ts';

/** A fault with these records; the conditions follow from them as in Chaos Mesh. */
function fault(records: readonly object[] | undefined, conditions: Readonly<Record<string, boolean>>) {
  const all = {
    Selected: records !== undefined,
    AllInjected: false,
    AllRecovered: false,
    Paused: false,
    ...conditions,
  };
  return {
    apiVersion: 'chaos-mesh.org/v1alpha1',
    kind: 'NetworkChaos',
    metadata: { name: 'a', namespace: 'shop' },
    status: {
      conditions: Object.entries(all).map(([type, holds]) => ({ type, status: holds ? 'True' : 'False', reason: '' })),
      experiment: { desiredPhase: 'Run', ...(records && { containerRecords: records }) },
    },
  };
}

const applied = { type: 'Succeeded', operation: 'Apply' };
const failed = (message: string) => ({ type: 'Failed', operation: 'Apply', message });
const record = (id: string, phase: string, injectedCount: number, events: readonly object[] = []) => ({
  id,
  selectorKey: '.',
  phase,
  injectedCount,
  recoveredCount: 0,
  events,
});
const pods = ['shop/web-1', 'shop/web-2'];
const both = [record('shop/web-1', 'Injected', 1, [applied]), record('shop/web-2/app', 'Injected', 1, [applied])];

test.each<[string, object, string, string]>([
  [
    'no status yet',
    { apiVersion: 'a/v1', kind: 'NetworkChaos', metadata: { name: 'a' } },
    'unknown',
    'has not said anything',
  ],
  ['nothing selected', fault(undefined, {}), 'unknown', 'has not selected a pod'],
  [
    'nothing selected, and yet all injected',
    fault(undefined, { AllInjected: true }),
    'unknown',
    'has not selected a pod',
  ],
  [
    'selected',
    fault([record('shop/web-1', 'Not Injected', 0)], { AllRecovered: true }),
    'unknown',
    'no pod had the fault so far',
  ],
  ['one of two', fault([both[0] ?? {}, record('shop/web-2', 'Not Injected/Wait', 0)], {}), 'unknown', '1 of 2 pods'],
  ['both', fault(both, { AllInjected: true }), 'felt', 'AllInjected is True: 2 of 2 pods have the fault'],
  ['all of fewer than were chosen', fault(both.slice(0, 1), { AllInjected: true }), 'unknown', '1 of 2 pods'],
  [
    'ending',
    fault(
      both.map((one) => ({ ...one, phase: 'Injected/Wait' })),
      {},
    ),
    'felt',
    'which is ending',
  ],
  [
    'ended',
    fault(
      both.map((one) => ({ ...one, phase: 'Not Injected', recoveredCount: 1 })),
      { AllRecovered: true },
    ),
    'felt',
    'had the fault and have recovered',
  ],
  [
    'ended, of a version that does not count',
    fault(
      both.map(({ injectedCount: _, ...one }) => ({ ...one, phase: 'Not Injected' })),
      { AllRecovered: true },
    ),
    'felt',
    'have recovered',
  ],
  ['paused', fault(both, { AllInjected: true, Paused: true }), 'not-felt', 'paused'],
  [
    'a kernel that can not',
    fault(
      [
        both[0] ?? {},
        record('shop/web-2', 'Not Injected/Wait', 0, [failed('unable to set tcs\u001b[31m\nfor pod web-2')]),
      ],
      {},
    ),
    'not-felt',
    'AllInjected is False: pod shop/web-2: unable to set tcs for pod web-2',
  ],
  [
    'a failure that passed',
    fault([record('shop/web-1', 'Injected', 1, [failed('once'), applied]), both[1] ?? {}], { AllInjected: true }),
    'felt',
    '2 of 2',
  ],
  [
    'a target that failed',
    fault([...both, { ...record('shop/db-0', 'Not Injected', 0, [failed('no daemon')]), selectorKey: '.Target' }], {}),
    'not-felt',
    'pod shop/db-0: no daemon',
  ],
  [
    'a form that nobody knows',
    { ...fault(both, {}), status: { conditions: 'yes' } },
    'unknown',
    'has not said anything',
  ],
])('%s', (_, object, felt, evidence) => {
  const whole = { apiVersion: '', kind: '', metadata: { name: '' }, ...object };
  const effect = effectOf(whole, pods);
  expect(effect.felt).toBe(felt);
  expect(effect.evidence).toContain(evidence);
});

test('messages of others are cut', () => {
  const said = effectOf(fault([record('shop/web-1', 'Not Injected', 0, [failed('x'.repeat(9_000))])], {}), pods);
  expect(said.evidence.length).toBeLessThan(400);
});

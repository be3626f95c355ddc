import { afterAll, describe, expect, test } from 'vitest';
import { type NodeDrain, nodeDrainFault } from '../../src/drills/faults/node-drain.ts';
import { create, eventually, mergePatch, pods, target } from './api-server-target.ts';
import { clear, namespace, protect, serve, signal, untilFelt, world } from './drill-faults-target.ts';

function drain(name: string, settings: Partial<NodeDrain> = {}) {
  const limits = { deleteEmptyDirData: false, unmanaged: false, acceptPending: true };
  const selected = { namespace, selector: `app=${name}` };
  return nodeDrainFault({ text: '', lasts: 5_000, target: selected, grace: 0, ...limits, ...settings }, world);
}

/** The real cluster has pods of others on its one node, which a drain would evict: there, only what refuses is run. */
const alone = process.env.SLUICE_CONTRACT_KUBECONFIG === undefined;
const node = 'embedded-node';
const nodePath = `/api/v1/nodes/${node}`;
const cordoned = (by: object = {}) =>
  target.object('PATCH', nodePath, { body: { spec: { unschedulable: true }, ...by }, contentType: mergePatch });
const uncordoned = () =>
  target.object('PATCH', nodePath, { body: { spec: { unschedulable: null } }, contentType: mergePatch });

afterAll(async () => {
  if (alone) await uncordoned();
});

describe.skipIf(!alone)('node-drain', () => {
  test('evicts the pods of a node, and uncordons it', async () => {
    await serve('drained', 2);
    await expect(drain('drained', { acceptPending: false }).aim(signal)).rejects.toMatchObject({
      about: `Node ${node}`,
    });
    const fault = drain('drained');
    const { mark, pods: hit, writes } = await fault.aim(signal);
    expect(writes).toEqual([`cordon Node ${node}`, ...hit.map(({ name }) => `evict Pod ${namespace}/${name}`)]);
    await fault.inject(mark, signal);
    await fault.inject(mark, signal);
    await untilFelt(fault, mark);
    expect(await target.object('GET', nodePath)).toMatchObject({
      spec: { unschedulable: true },
      metadata: { annotations: { 'sluice.dev/drill': 'nightly', 'sluice.dev/run': 'owner/repo#1' } },
    });
    await fault.remove(mark, signal);
    await fault.remove(mark, signal);
    const after = await target.object('GET', nodePath);
    expect(after).not.toHaveProperty('spec.unschedulable');
    expect(JSON.stringify(after)).not.toContain('nightly');
    await eventually(`/apis/apps/v1/namespaces/${namespace}/deployments/drained`, (_, body) =>
      JSON.stringify(body).includes('"availableReplicas":2'),
    );
    await clear('drained');
  });

  test('leaves a node cordoned that others have cordoned, whatever a mark says', async () => {
    await serve('theirs', 1);
    const { mark } = await drain('theirs').aim(signal);
    await cordoned();
    await expect(drain('theirs').remove(mark, signal)).rejects.toMatchObject({
      code: 'conflict',
      about: `Node ${node}`,
    });
    await cordoned({ metadata: { annotations: { 'sluice.dev/drill': 'nightly', 'sluice.dev/run': 'another' } } });
    await expect(drain('theirs').remove(mark, signal)).rejects.toMatchObject({
      problem: expect.stringContaining('cordoned by drill nightly, run another'),
    });
    expect(await target.object('GET', nodePath)).toMatchObject({ spec: { unschedulable: true } });
    const again = await drain('theirs').aim(signal);
    expect(again.warnings).toContain(`Node ${node} is cordoned already, and stays so afterwards`);
    await drain('theirs').inject(again.mark, signal);
    await drain('theirs').remove(again.mark, signal);
    expect(await target.object('GET', nodePath)).toMatchObject({ spec: { unschedulable: true } });
    const body = {
      spec: { unschedulable: null },
      metadata: { annotations: { 'sluice.dev/drill': null, 'sluice.dev/run': null } },
    };
    await target.object('PATCH', nodePath, { body, contentType: mergePatch });
    await clear('theirs');
  });

  test('a mark of other nodes and pods evicts nothing', async () => {
    await serve('hostile', 1);
    const { mark, pods: hit } = await drain('hostile').aim(signal);
    if (typeof mark !== 'object' || mark === null || !('node' in mark)) throw new Error('no mark');
    await expect(drain('none').inject(mark, signal)).rejects.toMatchObject({ code: 'conflict' });
    await expect(drain('hostile', { target: { node: 'n1' } }).inject(mark, signal)).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(drain('hostile').inject({ ...mark, node: 'a,b=c' }, signal)).rejects.toMatchObject({
      code: 'unsupported',
    });
    const path = pods(hit[0]?.name);
    expect(await target.object('GET', path)).not.toHaveProperty('metadata.deletionTimestamp');
    expect(await target.object('GET', nodePath)).not.toHaveProperty('spec.unschedulable');
    await clear('hostile');
  });

  test('refuses pods whose loss nobody makes good, and budgets that let no pod go', async () => {
    await serve('holding', 1, { volumes: [{ name: 'data', emptyDir: {} }] });
    await expect(drain('holding').aim(signal)).rejects.toMatchObject({ problem: expect.stringContaining('emptyDir') });
    const holding = { deleteEmptyDirData: true };
    await protect('holding', { maxUnavailable: 0 });
    await expect(drain('holding', holding).aim(signal)).rejects.toMatchObject({
      about: `PodDisruptionBudget ${namespace}/holding`,
      problem: expect.stringContaining('lets no pod go'),
    });
    await clear('holding');
    await create(pods(), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'alone', labels: { app: 'alone' } },
      spec: { containers: [{ name: 'app', image: target.has.image }] },
    });
    await eventually(pods('alone'), (_, body) => JSON.stringify(body).includes('"nodeName"'));
    await expect(drain('alone').aim(signal)).rejects.toMatchObject({ about: `Pod ${namespace}/alone` });
    await target.call('DELETE', pods('alone'), { body: { gracePeriodSeconds: 0 } });
  });

  test('tries again while a budget keeps a pod, and says in the end which', async () => {
    await serve('slow', 2);
    await protect('slow', { maxUnavailable: 1 });
    const fault = drain('slow', { lasts: 2_500 });
    const { mark, warnings } = await fault.aim(signal);
    expect(warnings).toEqual([expect.stringContaining('lets 1 pods go now, and 2 are to be evicted')]);
    await expect(fault.inject(mark, signal)).rejects.toMatchObject({
      code: 'timed-out',
      problem: expect.stringContaining('The disruption budget slow needs 1 healthy pods and has 1 currently'),
    });
    await fault.remove(mark, signal);
    await clear('slow');
  });

  test('a node that does not exist is told with those that do', async () => {
    await expect(drain('', { target: { node: 'n1' } }).aim(signal)).rejects.toMatchObject({
      code: 'not-found',
      next: expect.stringContaining(node),
    });
  });
});

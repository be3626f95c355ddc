import { describe, expect, test } from 'vitest';
import { type ScaleToZero, scaleToZeroFault } from '../../src/drills/faults/scale-to-zero.ts';
import { create, deployments, mergePatch, target } from './api-server-target.ts';
import { clear, namespace, serve, signal, untilFelt, world } from './drill-faults-target.ts';

function scale(name: string, settings: Partial<ScaleToZero> = {}) {
  const workload = { kind: 'Deployment', name } as const;
  const given = { text: '', lasts: 30_000, namespace, workload, to: 0, gitops: 'refuse' as const, ...settings };
  return scaleToZeroFault(given, world);
}

const patch = (name: string, body: object) =>
  target.object('PATCH', deployments(name), { body, contentType: mergePatch });

describe.skipIf(!target.has.controllers)('scale-to-zero', () => {
  test('takes all pods away, and gives the workload back as it was', async () => {
    await serve('down', 2);
    const before = await target.object('GET', deployments('down'));
    const fault = scale('down');
    const { mark, pods, writes } = await fault.aim(signal);
    expect(pods).toHaveLength(2);
    expect(writes).toEqual([`scale Deployment ${namespace}/down from 2 to 0`]);
    await fault.inject(mark, signal);
    await fault.inject(mark, signal);
    await untilFelt(fault, mark);
    await expect(scale('down').aim(signal)).rejects.toMatchObject({
      problem: expect.stringContaining('still scaled down by drill nightly, run owner/repo#1'),
    });
    await fault.remove(mark, signal);
    await fault.remove(mark, signal);
    const after = await target.object('GET', deployments('down'));
    expect(after).toMatchObject({ spec: { replicas: 2 } });
    expect(JSON.stringify(after)).not.toContain('sluice');
    expect(Object.keys(after)).toEqual(Object.keys(before));
    await clear('down');
  });

  test('keeps what somebody else has scaled meanwhile, and says so once', async () => {
    await serve('moved', 1);
    const fault = scale('moved');
    const { mark } = await fault.aim(signal);
    await fault.inject(mark, signal);
    await patch('moved', { spec: { replicas: 3 } });
    await expect(fault.remove(mark, signal)).rejects.toMatchObject({
      code: 'foreign-edit',
      problem: expect.stringContaining('scaled to 3 by somebody else'),
    });
    await fault.remove(mark, signal);
    expect(await target.object('GET', deployments('moved'))).toMatchObject({ spec: { replicas: 3 } });
    await clear('moved');
  });

  test('a mark alone scales nothing', async () => {
    await serve('foreign', 1);
    const { mark } = await scale('foreign').aim(signal);
    await expect(scale('another').inject(mark, signal)).rejects.toMatchObject({ code: 'conflict' });
    await patch('foreign', { spec: { replicas: 0 } });
    const before = await target.object('GET', deployments('foreign'));
    await expect(scale('another').remove(mark, signal)).rejects.toMatchObject({
      code: 'conflict',
      about: `Deployment ${namespace}/foreign`,
    });
    expect((await target.object('GET', deployments('foreign'))).metadata.generation).toBe(before.metadata.generation);
    await patch('foreign', { spec: { replicas: 1 } });
    await scale('foreign').inject(mark, signal);
    if (typeof mark !== 'object' || mark === null || !('from' in mark)) throw new Error('no mark');
    await expect(scale('foreign').remove({ ...mark, from: 500 }, signal)).rejects.toMatchObject({ code: 'conflict' });
    await expect(scale('foreign').remove({ ...mark, run: 'other' }, signal)).rejects.toMatchObject({
      code: 'conflict',
    });
    await scale('foreign').remove(mark, signal);
    await clear('foreign');
  });

  test('refuses what would not last', async () => {
    await serve('scaled', 2);
    await expect(scale('sclaed').aim(signal)).rejects.toMatchObject({
      code: 'not-found',
      next: 'Perhaps scaled is meant.',
    });
    await expect(scale('scaled', { to: 2 }).aim(signal)).rejects.toMatchObject({ code: 'unsupported' });
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'scaled' };
    await create(`/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`, {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'scaled' },
      spec: { scaleTargetRef, minReplicas: 2, maxReplicas: 4 },
    });
    await expect(scale('scaled', { to: 1 }).aim(signal)).rejects.toMatchObject({
      about: `HorizontalPodAutoscaler ${namespace}/scaled`,
    });
    expect((await scale('scaled').aim(signal)).warnings).toEqual([expect.stringContaining('is disabled while')]);
    const applied = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'scaled' }, spec: { replicas: 2 } };
    const path = `${deployments('scaled')}?fieldManager=argocd-controller&force=true`;
    await target.object('PATCH', path, { body: applied, contentType: 'application/apply-patch+yaml' });
    await expect(scale('scaled').aim(signal)).rejects.toMatchObject({ problem: expect.stringContaining('Argo CD') });
    expect((await scale('scaled', { gitops: 'ignore-rule-present' }).aim(signal)).pods).toHaveLength(2);
    await clear('scaled');
  });
});

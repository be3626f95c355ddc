import { describe, expect, test } from 'vitest';
import { type PodKill, podKillFault } from '../../src/drills/faults/pod-kill.ts';
import { mergePatch, pods, target } from './api-server-target.ts';
import { clear, client, namespace, protect, serve, signal, untilFelt, world } from './drill-faults-target.ts';

function kill(
  name: string,
  settings: Partial<Omit<PodKill, 'text'>> & { readonly mode?: PodKill['target']['mode'] } = {},
) {
  const { mode = { kind: 'one' }, ...others } = settings;
  const selected = { namespace, selector: `app=${name}`, mode };
  return podKillFault({ text: 'pod-kill', target: selected, grace: 0, ...others }, world);
}

describe.skipIf(!target.has.controllers)('pod-kill', () => {
  test('deletes the pods that it has named, and tells when others are ready', async () => {
    await serve('killed', 3);
    const fault = kill('killed', { mode: { kind: 'share', percent: 34 } });
    const { mark, pods: hit, candidates, writes } = await fault.aim(signal);
    expect(hit).toHaveLength(2);
    expect(candidates).toBe(3);
    expect(writes).toEqual(hit.map(({ name }) => `delete Pod ${namespace}/${name}`));
    await expect(fault.effect(mark, signal)).resolves.toMatchObject({ felt: 'not-felt' });
    await fault.inject(mark, signal);
    await fault.inject(mark, signal);
    await untilFelt(fault, mark);
    await expect
      .poll(async () => (await fault.effect(mark, signal)).evidence, { timeout: 60_000 })
      .toMatch(/^2 of 2 pods are gone; 2 of 2 new pods are ready, the last since \d\d:\d\d:\d\dZ$/);
    await fault.remove(mark, signal);
    await clear('killed');
  });

  test('takes no more than the budgets allow, and says which', async () => {
    await serve('guarded', 2);
    await protect('guarded', { minAvailable: 1 });
    const all = { mode: { kind: 'all' } } as const;
    await expect(kill('guarded', all).aim(signal)).rejects.toMatchObject({
      code: 'unsupported',
      about: `PodDisruptionBudget ${namespace}/guarded`,
      problem: expect.stringContaining(
        'allows 1 of its pods to go (2 are healthy, 1 have to be), and the fault takes 2',
      ),
    });
    expect((await kill('guarded').aim(signal)).pods).toHaveLength(1);
    expect((await kill('guarded', { ...all, ignoreBudgets: true }).aim(signal)).pods).toHaveLength(2);
    await clear('guarded');
  });

  test('a pod that no selector of the fault matches is never killed because of a mark', async () => {
    await serve('mine', 1);
    await serve('others', 1);
    const { mark } = await kill('others').aim(signal);
    const [victim] = (await kill('others').aim(signal)).pods;
    await expect(kill('mine').inject(mark, signal)).rejects.toMatchObject({
      code: 'conflict',
      about: `Pod ${namespace}/${victim?.name}`,
    });
    await expect(kill('mine').inject({ kind: 'pod-kill', pods: 'all' }, signal)).rejects.toMatchObject({
      code: 'unsupported',
    });
    await expect(kill('mine').remove({ kind: 'other' }, signal)).rejects.toMatchObject({ code: 'unsupported' });
    const kept = await target.object('GET', pods(victim?.name));
    expect(kept.metadata.uid).toBe(victim?.uid);
    expect(kept).not.toHaveProperty('metadata.deletionTimestamp');
    await Promise.all([clear('mine'), clear('others')]);
  });

  test('no pod that matches, and none that can be hit, is told with what there is', async () => {
    await serve('near-by', 1);
    await expect(kill('nearby').aim(signal)).rejects.toMatchObject({
      code: 'not-found',
      next: expect.stringContaining('Perhaps app=near-by is meant.'),
    });
    await expect(kill('near-by', { mode: { kind: 'count', count: 2 } }).aim(signal)).rejects.toMatchObject({
      code: 'not-found',
    });
    const [pod] = (await kill('near-by').aim(signal)).pods;
    const body = { metadata: { annotations: { 'sluice.dev/run': 'other' } } };
    await target.object('PATCH', pods(pod?.name), { body, contentType: mergePatch });
    await expect(kill('near-by').aim(signal)).rejects.toMatchObject({
      problem: expect.stringContaining("1 of a drill's own"),
    });
    await clear('near-by');
  });

  test.each([
    ['kube-system', 'app=dns'],
    [namespace, ' '],
    [namespace, 'app=a=b=c'],
  ])('pods of %s by "%s" are refused', async (where, selector) => {
    const fault = podKillFault({ text: '', target: { namespace: where, selector, mode: { kind: 'all' } } }, world);
    await expect(fault.aim(signal)).rejects.toMatchObject({ code: 'invalid-input' });
  });
});

describe.skipIf(!target.has.controllers)('the Eviction API', () => {
  test('keeps pods that a budget protects, and says what it needs', async () => {
    await serve('kept', 1);
    await protect('kept', { minAvailable: 1 });
    const [pod] = (await kill('kept', { ignoreBudgets: true }).aim(signal)).pods;
    const path = `${pods(pod?.name)}/eviction`;
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod?.name, namespace } };
    expect(await target.call('POST', path, { body: eviction })).toMatchObject({
      status: 429,
      body: {
        reason: 'TooManyRequests',
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        details: {
          causes: [
            {
              reason: 'DisruptionBudget',
              message: 'The disruption budget kept needs 1 healthy pods and has 1 currently',
            },
          ],
        },
      },
    });
    const body = { ...eviction, deleteOptions: { preconditions: { uid: 'other' } } };
    expect(await target.call('POST', path, { body })).toMatchObject({ status: 429 });
    expect(
      await target.call('POST', `${pods('absent')}/eviction`, {
        body: { ...eviction, metadata: { name: 'absent', namespace } },
      }),
    ).toMatchObject({ status: 404 });
    const reference = { type: { apiVersion: 'v1', kind: 'Pod', plural: 'pods' }, namespace, name: pod?.name ?? '' };
    await expect(client.evict(reference, { uid: pod?.uid ?? '' }, signal)).resolves.toBe(
      'The disruption budget kept needs 1 healthy pods and has 1 currently',
    );
    await target.call('DELETE', `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/kept`);
    await expect.poll(async () => (await target.call('POST', path, { body })).status, { timeout: 20_000 }).toBe(409);
    await clear('kept');
  });
});

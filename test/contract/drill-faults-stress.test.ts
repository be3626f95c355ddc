import { describe, expect, test } from 'vitest';
import { type CpuStress, cpuStressFault } from '../../src/drills/faults/cpu-stress.ts';
import { mergePatch, pods, target } from './api-server-target.ts';
import { clear, namespace, serve, signal, untilFelt, world } from './drill-faults-target.ts';

/** An image with a shell on the real cluster; the embedded one runs any. */
const shell = process.env.SLUICE_CONTRACT_SHELL_IMAGE;
const embedded = process.env.SLUICE_CONTRACT_KUBECONFIG === undefined;

function stress(name: string, settings: Partial<CpuStress> = {}) {
  const selected = { namespace, selector: `app=${name}`, mode: { kind: 'one' } as const };
  const image = shell ?? target.has.image ?? '';
  return cpuStressFault({ text: '', lasts: 30_000, target: selected, workers: 2, image, ...settings }, world);
}

const stressOf = (writes: readonly string[]) => /Pod [^/]+\/(\S+)/.exec(writes[0] ?? '')?.[1] ?? '';

/** What a container says where nothing runs. */
async function say(pod: string, log: string): Promise<void> {
  const lines = log.split('\n').map((line) => `2026-01-01T00:00:00Z ${line}\n`);
  const annotations = { 'embedded-lab/logs': JSON.stringify({ stress: lines.join('') }) };
  await target.object('PATCH', pods(pod), { body: { metadata: { annotations } }, contentType: mergePatch });
}

describe.skipIf(!embedded && shell === undefined)('cpu-stress', () => {
  test('burns CPU on the node of the pod until it is removed', async () => {
    await serve('stressed', 1);
    const fault = stress('stressed');
    const { mark, pods: hit, writes } = await fault.aim(signal);
    const name = stressOf(writes);
    await expect(fault.effect(mark, signal)).resolves.toMatchObject({ felt: 'not-felt' });
    await fault.inject(mark, signal);
    await fault.inject(mark, signal);
    expect(await target.object('GET', pods(name))).toMatchObject({
      metadata: { labels: { 'sluice.dev/rollout': 'nightly' }, annotations: { 'sluice.dev/run': 'owner/repo#1' } },
      spec: { nodeName: hit[0]?.node, activeDeadlineSeconds: 60, automountServiceAccountToken: false },
    });
    if (embedded) {
      await expect.poll(async () => (await fault.effect(mark, signal)).felt, { timeout: 10_000 }).toBe('unknown');
      await say(name, 'burnt 1 20\nburnt 2 10\nburnt 1 x\nsomething else');
      expect(await fault.effect(mark, signal)).toMatchObject({
        felt: 'unknown',
        evidence: expect.stringContaining('0.3 s'),
      });
      await say(name, 'burnt 1 20\nburnt 2 110\nburnt 1 90');
    }
    expect((await untilFelt(fault, mark)).evidence).toMatch(/^1 of 1 stress pods run, and each has burnt \d+\.\d s/);
    await fault.remove(mark, signal);
    await fault.remove(mark, signal);
    expect(await target.call('GET', pods(name))).toMatchObject({ status: 404 });
    await clear('stressed');
  });

  test('deletes no pod that this run has not made', async () => {
    await serve('bystander', 1);
    const fault = stress('bystander');
    const { mark, pods: hit, writes } = await fault.aim(signal);
    await fault.inject(mark, signal);
    if (typeof mark !== 'object' || mark === null || !('pods' in mark)) throw new Error('no mark');
    const [victim] = hit;
    const forged = { ...mark, pods: [{ name: '', uid: '', node: '', stress: victim?.name ?? '' }] };
    await expect(fault.remove(forged, signal)).rejects.toMatchObject({
      code: 'conflict',
      about: `Pod ${namespace}/${victim?.name}`,
    });
    await expect(fault.remove({ ...mark, run: 'other' }, signal)).rejects.toMatchObject({ code: 'conflict' });
    expect(await target.object('GET', pods(victim?.name))).not.toHaveProperty('metadata.deletionTimestamp');
    expect(await target.object('GET', pods(stressOf(writes)))).not.toHaveProperty('metadata.deletionTimestamp');
    await fault.remove(mark, signal);
    await clear('bystander');
  });

  test('an image that can not be pulled is not felt, and says why', async () => {
    await serve('unpulled', 1);
    const fault = stress('unpulled', { image: 'registry.invalid/none:1' });
    const { mark } = await fault.aim(signal);
    await fault.inject(mark, signal);
    await expect
      .poll(() => fault.effect(mark, signal), { timeout: 60_000 })
      .toMatchObject({
        felt: 'not-felt',
        evidence: expect.stringMatching(/0 of 1 stress pods run: .*(ImagePullBackOff|ErrImagePull)/),
      });
    await fault.remove(mark, signal);
    await clear('unpulled');
  });
});

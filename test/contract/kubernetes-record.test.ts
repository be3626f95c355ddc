import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { Command, RolloutRecord } from '../../src/canary/ports.ts';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';
import { resources } from '../../src/cluster/resources.ts';
import { SluiceError } from '../../src/core/errors.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { createQuickClock } from '../support/embedded-cluster.ts';
import { openTarget } from './target.ts';

const target = await openTarget();
const { namespace } = target;
const client = createClient(target.connection);
afterAll(() => target.close());

const signal = new AbortController().signal;
const clock = createQuickClock(1);

let count = 0;
function fresh(): string {
  count += 1;
  return `route-${count}`;
}

function ledgerOf(rollout: string, through: KubernetesClient = client, version = '1.0.0') {
  const holder = { identity: 'run', description: 'run' };
  return createLedger({ client: through, namespace, rollout, holder, clock, version, nonce: () => 'nonce' });
}

function recordOf(change: Partial<RolloutRecord> = {}): RolloutRecord {
  return {
    schema: 1,
    id: 'run-1',
    fingerprint: 'f',
    phase: 'preparing',
    step: 0,
    weight: { from: 0, to: 5 },
    route: { router: 'istio', object: 'VirtualService shop/checkout', weight: 0, data: { http: [{ weight: 100 }] } },
    arms: { stable: 'Deployment shop/checkout', canary: 'Deployment shop/canary', revision: 'sha256:1', data: null },
    startedAt: 1_000,
    startedBy: 'alice',
    ...change,
  };
}

const configMap = (rollout: string) => ({ type: resources.configMap, namespace, name: `sluice-${rollout}` });

function annotate(rollout: string, annotations: Record<string, string>) {
  return client.patchMerge(configMap(rollout), { metadata: { annotations } }, signal);
}

async function read(rollout: string) {
  const { metadata, data } = await client.get(configMap(rollout), signal);
  return { metadata, data: z.record(z.string(), z.string()).parse(data) };
}

describe('the record', () => {
  test('is what was saved', async () => {
    const rollout = fresh();
    const ledger = ledgerOf(rollout);
    expect(await ledger.load(signal)).toBeUndefined();
    await ledger.save(recordOf(), signal);
    const next = recordOf({ phase: 'shifting', step: 1, weight: { from: 5, to: 25 } });
    await ledger.save(next, signal);
    expect(await ledgerOf(rollout).load(signal)).toEqual(next);
    expect((await read(rollout)).metadata.labels).toMatchObject({
      'app.kubernetes.io/managed-by': 'sluice',
      'sluice.dev/rollout': rollout,
    });
  });

  test('can not be overwritten by a process that has not seen the last state', async () => {
    const rollout = fresh();
    const stale = ledgerOf(rollout);
    await stale.save(recordOf(), signal);
    const current = ledgerOf(rollout);
    await current.load(signal);
    await current.save(recordOf({ phase: 'undoing' }), signal);
    await expect(stale.save(recordOf({ phase: 'shifting' }), signal)).rejects.toMatchObject({
      code: 'conflict',
      about: `ConfigMap ${namespace}/sluice-${rollout}`,
    });
    expect(await ledgerOf(rollout).load(signal)).toMatchObject({ phase: 'undoing' });
  });

  test('goes on when somebody annotates it, and when the answer to a write is lost', async () => {
    const rollout = fresh();
    const lossy: KubernetesClient = {
      ...client,
      async patchJson(...given) {
        await client.patchJson(...given);
        throw new SluiceError('conflict', { about: '', problem: '', next: '' });
      },
    };
    const ledger = ledgerOf(rollout, lossy);
    await ledger.save(recordOf(), signal);
    await annotate(rollout, { note: 'hello' });
    await ledger.save(recordOf({ phase: 'shifting' }), signal);
    await ledger.save(recordOf({ phase: 'promoting' }), signal);
    expect(await ledgerOf(rollout).load(signal)).toMatchObject({ phase: 'promoting' });
    expect((await read(rollout)).metadata.annotations).toMatchObject({ note: 'hello' });
  });

  test('is written again when somebody has deleted it', async () => {
    const rollout = fresh();
    const ledger = ledgerOf(rollout);
    await ledger.save(recordOf(), signal);
    await client.remove(configMap(rollout), signal);
    await ledger.save(recordOf({ phase: 'undoing' }), signal);
    expect(await ledgerOf(rollout).load(signal)).toMatchObject({ phase: 'undoing' });
  });

  test('of another version that this one can not read is an error that names that version', async () => {
    const rollout = fresh();
    await ledgerOf(rollout, client, '2.3.0').save(recordOf(), signal);
    const text = JSON.stringify({ ...recordOf(), schema: 2 });
    await client.patchMerge(configMap(rollout), { data: { record: text } }, signal);
    await expect(ledgerOf(rollout).load(signal)).rejects.toMatchObject({
      code: 'unsupported',
      problem: expect.stringContaining('Sluice 2.3.0 in a form that this version (1.0.0) does not read'),
    });
  });

  test('never takes over a ConfigMap that somebody else made', async () => {
    const rollout = fresh();
    const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: configMap(rollout), data: { mine: 'yes' } };
    await client.create(
      resources.configMap,
      { ...manifest, metadata: { name: `sluice-${rollout}`, namespace } },
      signal,
    );
    await expect(ledgerOf(rollout).load(signal)).rejects.toMatchObject({ code: 'conflict' });
    await expect(ledgerOf(rollout).save(recordOf(), signal)).rejects.toMatchObject({ code: 'conflict' });
    expect((await read(rollout)).data).toEqual({ mine: 'yes' });
  });

  test('that would not fit is refused', async () => {
    const arms = { ...recordOf().arms, data: 'x'.repeat(1_100_000) };
    await expect(ledgerOf(fresh()).save(recordOf({ arms }), signal)).rejects.toMatchObject({
      code: 'unsupported',
      problem: expect.stringMatching(/take 11\d{5} bytes of the 1048576/),
    });
  });

  test('keeps the last five rollouts in a history', async () => {
    const rollout = fresh();
    const ledger = ledgerOf(rollout);
    for (let run = 1; run <= 8; run += 1) {
      await ledger.save(recordOf({ id: `run-${run}`, startedAt: run }), signal);
      await ledger.save(recordOf({ id: `run-${run}`, startedAt: run, phase: 'ended', verdict: 'promoted' }), signal);
    }
    const history = z
      .array(z.looseObject({ id: z.string(), verdict: z.string() }))
      .parse(JSON.parse((await read(rollout)).data.history ?? ''));
    expect(history.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual(
      ['run-7', 'run-6', 'run-5', 'run-4', 'run-3'].map((id) => `${id} promoted`),
    );
  });
});

/** Hears commands until it has so many, or for a while. */
async function hear(
  ledger: ReturnType<typeof ledgerOf>,
  wanted: number,
  whileListening: () => Promise<unknown>,
): Promise<Command[]> {
  const end = new AbortController();
  const heard: Command[] = [];
  const listening = (async () => {
    for await (const command of ledger.commands(end.signal)) {
      heard.push(command);
      if (heard.length === wanted) end.abort();
    }
  })();
  await whileListening();
  await Promise.race([listening, sleep(1_000)]);
  end.abort();
  await listening;
  return heard;
}

describe('a command', () => {
  test('line can be copied', () => {
    expect(ledgerOf('checkout').commandLine('abort')).toBe(
      `kubectl -n ${namespace} annotate --overwrite configmap/sluice-checkout sluice.dev/command=abort sluice.dev/by="$USER" sluice.dev/why="…"`,
    );
  });

  test('is heard within a second, once, and taken off the record', async () => {
    const rollout = fresh();
    const ledger = ledgerOf(rollout);
    await ledger.save(recordOf(), signal);
    const annotations = { 'sluice.dev/command': 'abort', 'sluice.dev/by': 'bob', 'sluice.dev/why': 'wrong build' };
    const commands = await hear(ledger, 2, async () => {
      await annotate(rollout, annotations);
      for (const step of [1, 2, 3]) await ledger.save(recordOf({ step }), signal);
    });
    expect(commands).toEqual([{ verb: 'abort', by: 'somebody who says to be bob', why: 'wrong build' }]);
    expect(Object.keys((await read(rollout)).metadata.annotations ?? {})).toEqual(['sluice.dev/version']);
  });

  test('says who and why on one line of its own, in short', async () => {
    const rollout = fresh();
    const ledger = ledgerOf(rollout);
    await ledger.save(recordOf(), signal);
    const annotations = {
      'sluice.dev/command': 'abort',
      'sluice.dev/by': 'mal\u202elory\r\n',
      'sluice.dev/why': `x\n::stop-commands::pwned\n${'y'.repeat(5_000)}`,
    };
    const [command] = await hear(ledger, 1, () => annotate(rollout, annotations));
    expect(command).toMatchObject({ verb: 'abort', by: 'somebody who says to be mallory' });
    expect(command?.why).toMatch(/^x ::stop-commands::pwned y{200,280}…$/);
  });

  test('given twice is heard twice', async () => {
    const rollout = fresh();
    const ledger = ledgerOf(rollout);
    await ledger.save(recordOf(), signal);
    const approve = { 'sluice.dev/command': 'Approve', 'sluice.dev/by': 'bob', 'sluice.dev/why': '…' };
    const gone = async () => (await read(rollout)).metadata.annotations?.['sluice.dev/command'] === undefined;
    const commands = await hear(ledger, 2, async () => {
      await annotate(rollout, approve);
      while (!(await gone())) await sleep(5);
      await annotate(rollout, approve);
    });
    expect(commands).toEqual([
      { verb: 'approve', by: 'somebody who says to be bob', why: '' },
      { verb: 'approve', by: 'somebody who says to be bob', why: '' },
    ]);
  });

  test('that is none is answered on the record', async () => {
    const rollout = fresh();
    const ledger = ledgerOf(rollout);
    await ledger.save(recordOf(), signal);
    const annotations = async () => (await read(rollout)).metadata.annotations ?? {};
    const commands = await hear(ledger, 1, async () => {
      await annotate(rollout, { 'sluice.dev/command': 'abrot' });
      while (!('sluice.dev/answer' in (await annotations()))) await sleep(5);
    });
    expect(commands).toEqual([]);
    expect(await annotations()).toMatchObject({
      'sluice.dev/answer': '"abrot" is no command: use abort, approve, freeze',
    });
    expect(await annotations()).not.toHaveProperty(['sluice.dev/command']);
  });

  test('given while nobody listened is heard by the run that goes on with the rollout, not by the next rollout', async () => {
    const rollout = fresh();
    await ledgerOf(rollout).save(recordOf(), signal);
    await annotate(rollout, { 'sluice.dev/command': 'freeze' });
    const resumed = ledgerOf(rollout);
    await resumed.load(signal);
    await resumed.save(recordOf({ id: 'run-2' }), signal);
    expect(await hear(resumed, 1, async () => undefined)).toEqual([{ verb: 'freeze', by: 'somebody', why: '' }]);

    await annotate(rollout, { 'sluice.dev/command': 'abort' });
    const next = ledgerOf(rollout);
    await next.load(signal);
    await next.save(recordOf({ id: 'run-3', startedAt: 2_000 }), signal);
    expect(await hear(next, 1, async () => undefined)).toEqual([]);
  });
});

import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keepHistory, loadHistory } from '../../../../src/actions/drill/keep-history.ts';
import type { DrillOutcome } from '../../../../src/drills/events.ts';
import { readHistory } from '../../../../src/drills/measure/history.ts';

const workspace = await mkdtemp(join(tmpdir(), 'history-'));

function outcome(injectedAt: number, felt: 'felt' | 'unknown' = 'felt'): DrillOutcome {
  const fault = { kind: 'pod-kill', text: 'pod-kill on app=a', lasts: 0, endedBy: 'cluster' } as const;
  const latency = { before: undefined, during: { p50: 1, p95: 2, p99: 3 }, after: undefined };
  const measured = {
    ...{ requests: 100, lost: 5, success: 0.95, lowestSuccess: 0.5, belowTarget: 1, latency, faults: [], gaps: [] },
    recovery: { fromInjection: 4_000, fromRemoval: 3_000 },
  };
  const one = { fault, effect: { felt, evidence: '' }, injectedAt, removedAt: injectedAt + 1, measured, targets: [] };
  return { verdict: 'resilient', reason: '', next: '', faults: [one], score: 100, advice: [], left: [] };
}
const of = (injectedAt: number, felt?: 'felt' | 'unknown') => ({
  service: 'checkout',
  outcome: outcome(injectedAt, felt),
});

it('a history begins with the first run, and each adds itself', async () => {
  const name = 'new/folder/history.json';
  const none = await loadHistory(name, workspace);
  expect(none).toMatchObject({ runs: [], unread: 0 });
  expect(await keepHistory(none, of(1), 9)).toMatchObject({ type: 'compared', at: 9, earlier: 0, history: none.path });
  const compared = await keepHistory(await loadHistory(name, workspace), of(2), 9);
  expect(compared).toMatchObject({
    earlier: 1,
    changes: expect.arrayContaining([
      {
        fault: 'pod-kill on app=a',
        figure: expect.any(String),
        state: expect.any(String),
        sentence: expect.any(String),
      },
    ]),
  });
  const { runs } = readHistory(await readFile(none.path, 'utf8')) ?? {};
  expect(runs).toEqual(
    [1, 2].map((at) =>
      expect.objectContaining({
        at,
        service: 'checkout',
        recovery: 3_000,
        lostShare: 0.05,
        lowestSuccess: 0.5,
        p95: 2,
        score: 100,
      }),
    ),
  );
});

it('a fault that was not felt is neither compared nor kept', async () => {
  const none = await loadHistory('unfelt.json', workspace);
  expect(await keepHistory(none, of(1, 'unknown'), 9)).toBeUndefined();
  expect(await loadHistory('unfelt.json', workspace)).toMatchObject({ runs: [] });
});

it('a file that is no history is not overwritten, and entries that can not be read are counted', async () => {
  await writeFile(join(workspace, 'other.json'), '{"a": 1}');
  await expect(loadHistory('other.json', workspace)).rejects.toMatchObject({
    code: 'invalid-input',
    problem: 'is no history of drills.',
  });
  await expect(loadHistory('.', workspace)).rejects.toThrow('can not be read: EISDIR');
  await writeFile(join(workspace, 'part.json'), '{"schema": 1, "runs": [{"at": "soon"}]}');
  expect(await loadHistory('part.json', workspace)).toMatchObject({ runs: [], unread: 1 });
  await writeFile(join(workspace, 'empty.json'), '\n');
  expect(await loadHistory('empty.json', workspace)).toMatchObject({ runs: [], unread: 0 });
});

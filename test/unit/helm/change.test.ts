import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/core/errors.ts';
import { conclude, deploy } from '../../../src/helm/deploy.ts';
import { parseHistory } from '../../../src/helm/history.ts';
import type { DeployRequest, HelmWorld } from '../../../src/helm/ports.ts';
import type { ChangeRecord } from '../../../src/helm/record.ts';
import { rollBack } from '../../../src/helm/rollback.ts';
import { deployRequest, helmWorld, releaseOf } from '../../support/helm-world.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const notReady = new SluiceError('not-ready', { about: 'Deployment shop/shop', problem: 'was not ready.', next: '' });
const cancelled = new SluiceError('cancelled', { about: 'this run', problem: 'was asked to stop.', next: '' });
const takenOver = new SluiceError('locked', { about: 'Lease', problem: 'another run holds it.', next: '' });
const write = { object: 'ConfigMap shop/a', action: 'update' as const, before: {}, after: {} };

class Killed extends Error {}

/** What the cluster remembers of a release. */
interface Memory {
  revisions: { revision: number; status: string; description: string; rollback_revision?: number }[];
  record: ChangeRecord | undefined;
}

const oneRevision = (): Memory => ({
  revisions: [{ revision: 1, status: 'deployed', description: 'Install complete' }],
  record: undefined,
});

interface Process {
  /** Dies instead of this write, from 1. */
  readonly death?: number;
  /** Another run holds the Lease. */
  readonly isHeld?: boolean;
  /** What an upgrade ends with. */
  readonly upgrade?: 'deployed' | 'failed';
  /** Called when Helm has begun. */
  readonly at?: (act: 'upgrade' | 'rollback', process: { cancel(): void; lose(): void }) => void;
}

/** One process that works on a release, with a Helm that records each of its steps as Helm does. */
function processOn(memory: Memory, { death = 0, isHeld = false, upgrade = 'deployed', at }: Process = {}) {
  const cancel = new AbortController();
  const lost = new AbortController();
  const self = { cancel: () => cancel.abort(cancelled), lose: () => lost.abort(takenOver) };
  const acts: string[] = [];
  let writes = 0;

  function alive(): void {
    if (death > 0 && writes >= death) throw new Killed();
  }
  function writing(): void {
    writes += 1;
    alive();
  }
  function begin(status: string, more: object): void {
    writing();
    const revision = memory.revisions.length + 1;
    memory.revisions.push({ revision, status, description: 'Preparing', ...more });
  }
  function end(status: string): void {
    writing();
    const former = memory.revisions.slice(0, -1);
    if (status === 'deployed') for (const one of former) if (one.status === 'deployed') one.status = 'superseded';
    const last = memory.revisions.at(-1);
    if (last) last.status = status;
  }

  const { world: helm, told } = helmWorld(
    {
      async history(signal) {
        alive();
        signal.throwIfAborted();
        return parseHistory(JSON.stringify(memory.revisions));
      },
      render: async () => releaseOf(memory.revisions.length + 1),
      release: async (revision) => releaseOf(revision ?? memory.revisions.length),
      async upgrade(_, signal) {
        acts.push('upgrade');
        begin('pending-upgrade', {});
        at?.('upgrade', self);
        end(signal.aborted || upgrade === 'failed' ? 'failed' : 'deployed');
        signal.throwIfAborted();
        if (upgrade === 'failed') throw notReady;
      },
      async rollback(to, _, signal) {
        acts.push(`rollback ${to}`);
        begin('pending-rollback', { description: `Rollback to ${to}`, rollback_revision: to });
        at?.('rollback', self);
        signal.throwIfAborted();
        end('deployed');
      },
    },
    { changes: async () => [write] },
  );
  const world: HelmWorld = {
    ...helm,
    clock: createVirtualClock(),
    async claim() {
      if (isHeld) throw takenOver;
      return { lost: lost.signal, release: async () => undefined };
    },
    changes: {
      async load() {
        alive();
        return memory.record;
      },
      async save(record) {
        writing();
        memory.record = record;
      },
    },
  };
  const request: DeployRequest = deployRequest;
  return {
    acts,
    events: told.events,
    deploy: () => deploy(world, request, cancel.signal),
    rollBack: () => rollBack(world, { ...request, revision: 1 }, cancel.signal),
    conclude: (id = request.id) => conclude(world, { ...request, id }, cancel.signal),
    dryRun: () => rollBack(world, { ...request, revision: 1, dryRun: true }, cancel.signal),
  };
}

const serves = ({ revisions }: Memory) => {
  const last = revisions.at(-1);
  return [last?.status, last?.rollback_revision ?? last?.revision];
};

describe.each(['deployed', 'failed'] as const)(
  'a deploy that would end as %s and is killed before any of its writes',
  (upgrade) => {
    async function atEachWrite(check: (memory: Memory) => Promise<void>): Promise<void> {
      for (let death = 1; ; death += 1) {
        const memory = oneRevision();
        const wasKilled = await processOn(memory, { death, upgrade })
          .deploy()
          .then(
            () => false,
            () => true,
          );
        if (!wasKilled) {
          expect(death).toBeGreaterThan(4);
          return;
        }
        await check(memory);
      }
    }

    it('is brought to a known state by its post step, and by no other one', async () => {
      await atEachWrite(async (memory) => {
        const wasBegun = memory.record !== undefined;
        expect(await processOn(memory).conclude('another run')).toBeUndefined();
        const outcome = await processOn(memory).conclude();
        expect(outcome === undefined).toBe(!wasBegun);
        expect(serves(memory)[0]).toBe('deployed');
        if (upgrade === 'failed') expect(serves(memory)[1]).toBe(1);
        expect(memory.record).toBeUndefined();
      });
    });

    it('ends as asked when it is run again', async () => {
      await atEachWrite(async (memory) => {
        expect(await processOn(memory).deploy()).toMatchObject({ verdict: 'deployed' });
        expect(serves(memory)).toEqual(['deployed', memory.revisions.length]);
        expect(memory.record).toBeUndefined();
      });
    });
  },
);

describe('a change of a release', () => {
  it('that is canceled while Helm works is rolled back', async () => {
    const memory = oneRevision();
    const process = processOn(memory, { at: (act, { cancel }) => act === 'upgrade' && cancel() });
    expect(await process.deploy()).toMatchObject({
      verdict: 'rolled-back',
      reason: 'this run: was asked to stop. The release is back at the content of revision 1.',
    });
    expect(serves(memory)).toEqual(['deployed', 1]);
    expect(memory.record).toBeUndefined();
  });

  it('leaves release and record to the run that has taken its Lease', async () => {
    const memory = oneRevision();
    const process = processOn(memory, { at: (_, { lose }) => lose() });
    await expect(process.deploy()).rejects.toBe(takenOver);
    expect(process.acts).toEqual(['upgrade']);
    expect(memory.record).toMatchObject({ id: '1', undoing: false });
  });

  it('that has lost its Lease on the way back stops there, and leaves the record', async () => {
    const memory = oneRevision();
    const process = processOn(memory, { upgrade: 'failed', at: (act, { lose }) => act === 'rollback' && lose() });
    await expect(process.deploy()).rejects.toBe(takenOver);
    expect(memory.record).toMatchObject({ id: '1', undoing: true });
  });

  it('that is rehearsed takes no Lease, also on the way back to a revision', async () => {
    const memory = oneRevision();
    await processOn(memory).deploy();
    const held = processOn(memory, { isHeld: true });
    const outcome = await held.dryRun();
    expect(outcome).toMatchObject({ verdict: undefined, reason: expect.stringContaining('Dry run: 1 object') });
    expect(held.acts).toEqual([]);
  });
});

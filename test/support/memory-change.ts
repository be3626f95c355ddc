import type { Change, ChangeTypes, Ending } from '../../src/change/change.ts';
import type { Clock } from '../../src/core/clock.ts';
import { SluiceError } from '../../src/core/errors.ts';
import { createVirtualClock } from './virtual-clock.ts';

/** Where a process can be stopped: at each function of a change, and right after each write. */
export type Step =
  | ('claim' | 'look' | 'plan' | 'refuse' | 'record' | 'apply' | 'verify' | 'finish' | 'undo' | 'end')
  | ('recorded' | 'applied' | 'finished' | 'undone');

/** The shared state of all processes: one value, what is beside it, and the record of a change. */
export interface Memory {
  value: string;
  /** Removed when a change is finished. */
  leftover: boolean;
  record: { readonly id: string; readonly before: string; readonly isApplied: boolean } | undefined;
}

interface MemoryTypes extends ChangeTypes {
  readonly found: { readonly value: string };
  readonly plan: { readonly isNeeded: boolean };
  readonly mark: { readonly before: string };
  readonly result: string;
}

export interface MemoryOptions {
  readonly id?: string;
  readonly wanted?: string;
  readonly dryRun?: boolean;
  readonly leftover?: 'concluded' | 'taken over';
  readonly undoTime?: number;
  readonly clock?: Clock;
  /** Called at each step; an error that it throws is the step's. */
  readonly at?: (step: Step, process: MemoryProcess, signal: AbortSignal) => void | Promise<void>;
}

interface MemoryProcess {
  cancel(): void;
  /** Another run takes the Lease. */
  lose(): void;
  /** From now on, nothing that this process does has an effect. */
  kill(): void;
}

export const cancelled = new SluiceError('cancelled', { about: 'this run', problem: 'was asked to stop.', next: '' });
export const takenOver = new SluiceError('locked', { about: 'Lease a', problem: 'another run holds it.', next: '' });
export const broken = new SluiceError('not-ready', { about: 'the value', problem: 'does not work.', next: 'Mend it.' });

export class Killed extends Error {}

/** A process that changes the value, with its steps in order and its ending. */
export function memoryProcess(memory: Memory, options: MemoryOptions = {}) {
  const { id = '1', wanted = 'new', dryRun = false, leftover = 'concluded', undoTime, at } = options;
  const { clock = createVirtualClock() } = options;
  const steps: Step[] = [];
  const told: string[] = [];
  const endings: Ending<MemoryTypes>[] = [];
  const cancel = new AbortController();
  const lost = new AbortController();
  let isDead = false;
  const process: MemoryProcess = {
    cancel: () => cancel.abort(cancelled),
    lose: () => lost.abort(takenOver),
    kill: () => {
      isDead = true;
    },
  };

  async function step(name: Step, signal: AbortSignal): Promise<void> {
    if (isDead) throw new Killed();
    steps.push(name);
    await at?.(name, process, signal);
    if (isDead) throw new Killed();
    signal.throwIfAborted();
  }

  const change: Change<MemoryTypes> = {
    id,
    clock,
    dryRun,
    leftover,
    undoTime: { failed: undoTime, cancelled: undoTime, stopped: undoTime },
    async claim(signal) {
      await step('claim', signal);
      return {
        lost: lost.signal,
        async release() {
          if (!isDead) told.push('released');
        },
      };
    },
    async look(signal) {
      await step('look', signal);
      const { value, record } = memory;
      return { value, left: record && { id: record.id, isApplied: record.isApplied, mark: record } };
    },
    tellLeft: () => void told.push('left'),
    async plan({ value, left }, signal) {
      await step('plan', signal);
      return { isNeeded: value !== wanted || left !== undefined };
    },
    refuse: (_, signal) => step('refuse', signal),
    tell: () => void told.push('planned'),
    async record(_, signal) {
      await step('record', signal);
      const before = memory.record?.before ?? memory.value;
      memory.record = { id, before, isApplied: false };
      await step('recorded', AbortSignal.any([]));
      return memory.record;
    },
    async apply(plan, signal) {
      await step('apply', signal);
      memory.value = wanted;
      await step('applied', AbortSignal.any([]));
      return plan;
    },
    verify: (_, signal) => step('verify', signal),
    async finish({ before }, signal) {
      await step('finish', signal);
      memory.record = { id, before, isApplied: true };
      memory.leftover = false;
      await step('finished', AbortSignal.any([]));
    },
    async undo(mark, _, signal) {
      await step('undo', signal);
      const how = memory.value === mark.before ? 'untouched' : 'undone';
      memory.value = mark.before;
      await step('undone', AbortSignal.any([]));
      return { how, state: 'It is as it was.', mark };
    },
    async end(ending, signal) {
      await step('end', signal);
      endings.push(ending);
      if (ending.verdict === undefined) return 'planned';
      if (ending.verdict !== 'failed') memory.record = undefined;
      else if (ending.how === 'kept' || ending.how === 'untouched') memory.record = undefined;
      return ending.verdict === 'failed' ? `failed: ${ending.how}` : ending.verdict;
    },
  };
  return { change, steps, told, endings, cancelled: cancel.signal, ...process };
}
